//! Who is trusted? An authority of the test's own, with one certificate for the broker and one for its client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files in PEM.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate, by which both sides know each other.
    pub ca: PathBuf,
    /// The client's certificate, signed by the authority.
    pub client_certificate: PathBuf,
    /// The client's private key, without a pass phrase.
    pub client_key: PathBuf,
    /// The broker's key and certificate, in one file as Kafka wants it.
    pub broker: PathBuf,
}

impl Certificates {
    /// Makes them in that folder.
    pub fn make(folder: &Path) -> Certificates {
        fs::create_dir_all(folder).expect("writable");
        let authority = ["-x509", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE"];
        request(folder, "ca", "authority of a test", "ca.pem", &authority);
        sign(folder, "broker", "127.0.0.1", "subjectAltName=IP:127.0.0.1,DNS:localhost");
        sign(folder, "client", "a client of a test", "extendedKeyUsage=clientAuth");
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("openssl wrote it");
        let broker = folder.join("broker.both.pem");
        fs::write(&broker, read("broker.key") + &read("broker.pem")).expect("writable");
        Certificates {
            ca: folder.join("ca.pem"),
            client_certificate: folder.join("client.pem"),
            client_key: folder.join("client.key"),
            broker,
        }
    }
}

/// Writes `name.key` and `name.pem`.
fn sign(folder: &Path, name: &str, subject: &str, extension: &str) {
    let (wish, extensions) = (format!("{name}.csr"), format!("{name}.ext"));
    request(folder, name, subject, &wish, &[]);
    fs::write(folder.join(&extensions), extension).expect("writable");
    let by = ["x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    openssl(
        folder,
        &[&by[..], &["-in", &wish, "-extfile", &extensions, "-out", &format!("{name}.pem")]].concat(),
    );
}

/// Writes a new key to `name.key`, and to `out` the request for a certificate, or the certificate itself.
fn request(folder: &Path, name: &str, subject: &str, out: &str, more: &[&str]) {
    let curve = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"];
    let files = ["-subj", &format!("/CN={subject}"), "-keyout", &format!("{name}.key"), "-out", out];
    openssl(folder, &[&curve[..], &files, more].concat());
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("openssl is needed for a broker with TLS: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {}: {said}", arguments.join(" "));
}
