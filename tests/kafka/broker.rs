//! Where is Kafka? A real broker in a process of its own, on ports of its own, in a folder that goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use super::certificates::Certificates;
use super::process::Process;
use super::{Deadline, client};

/// How long a broker may take to start; 1.5 s are usual, and half a minute on a machine with fifteen times as much to do as it can.
const START_SECONDS: u64 = 60;
/// How often other ports are tried.
const TRIES_MAX: usize = 10;
/// How often a restart may take longer than [`START_SECONDS`]: it is then looked at, killed and tried again.
const SLOW_MAX: usize = 3;

/// What kind of broker.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub security: Security,
    /// Slower to start and faster when running: the full compiler, and a heap of 1 GiB.
    pub throughput: bool,
    /// Properties that win over those in `server.properties`.
    pub properties: Vec<(String, String)>,
}

/// Who may come in at [`Broker::bootstrap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    #[default]
    Plain,
    /// Clients with a certificate, see [`Broker::certificates`].
    Tls,
    /// The user of [`Broker::user`], by SCRAM-SHA-512.
    SaslScram,
    /// The same user, over TLS, without a certificate.
    SaslScramTls,
}

/// A broker. Killed when dropped; when its test fails, its last words are shown.
pub struct Broker {
    // Dropped in this order: the process before its folder.
    process: Process,
    ports: Ports,
    security: Security,
    throughput: bool,
    certificates: Option<Certificates>,
    folder: TempDir,
    /// The last words of its earlier lives.
    earlier: Vec<String>,
}

/// The broker that all tests of this process share. It ends with the process.
pub fn shared() -> &'static Broker {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    SHARED.get_or_init(|| {
        let broker = Broker::start(&Options::default());
        // The first transaction of a broker takes a second longer: have it before a test waits for it.
        let bootstrap = broker.bootstrap();
        std::thread::spawn(move || client::begin_first_transaction(&bootstrap));
        broker
    })
}

impl Broker {
    /// Starts one, and returns when it takes connections.
    pub fn start(options: &Options) -> Broker {
        let folder = new_folder(options.throughput);
        let has_tls = matches!(options.security, Security::Tls | Security::SaslScramTls);
        let certificates = has_tls.then(|| Certificates::make(&folder.path().join("certificates")));
        copy_format(options.security, &folder.path().join("data"));
        let mut tries = 0;
        loop {
            tries += 1;
            let ports = Ports::free();
            let properties = properties(options, folder.path(), ports, certificates.as_ref());
            fs::write(folder.path().join("server.properties"), properties).expect("writable");
            let mut process = launch(folder.path(), options.throughput);
            match await_start(&mut process) {
                Ok(()) => {
                    let Options { security, throughput, .. } = *options;
                    let earlier = Vec::new();
                    return Broker { process, ports, security, throughput, certificates, folder, earlier };
                }
                Err(NotStarted::PortTaken) if tries < TRIES_MAX => {}
                Err(reason) => {
                    panic!("no broker after {tries} tries: {reason:?}\n{}", process.stdout.last(40))
                }
            }
        }
    }

    /// Where clients connect, as `host:port`, in the way that the broker's security asks for.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.clients)
    }

    /// Where the helpers of `client.rs` connect: without security, whatever it is for others.
    pub fn internal(&self) -> String {
        match self.security {
            Security::Plain => self.bootstrap(),
            _ => format!("127.0.0.1:{}", self.ports.internal),
        }
    }

    /// What a client has to set to be let in at [`Broker::bootstrap`], in librdkafka's words.
    pub fn client_settings(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.to_str().expect("UTF-8").to_string();
        let protocol = |name: &str| ("security.protocol", name.to_string());
        let ca = || ("ssl.ca.location", path(&self.certificates().ca));
        let scram = || {
            let (user, password) = self.user();
            let mechanism = ("sasl.mechanism", "SCRAM-SHA-512".to_string());
            [mechanism, ("sasl.username", user), ("sasl.password", password)]
        };
        match self.security {
            Security::Plain => Vec::new(),
            Security::Tls => {
                let Certificates { client_certificate, client_key, .. } = self.certificates();
                let certificate = ("ssl.certificate.location", path(client_certificate));
                vec![protocol("ssl"), ca(), certificate, ("ssl.key.location", path(client_key))]
            }
            Security::SaslScram => [&[protocol("sasl_plaintext")][..], &scram()].concat(),
            Security::SaslScramTls => [&[protocol("sasl_ssl"), ca()][..], &scram()].concat(),
        }
    }

    /// The files by which a broker with TLS and its clients know each other.
    pub fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("the broker was started with TLS")
    }

    /// Name and password of the one user whom a broker with SCRAM knows.
    pub fn user(&self) -> (String, String) {
        let user = fs::read_to_string(prepared().join("format/scram/user")).expect("prepare.sh wrote it");
        let (name, password) = user.trim_end().split_once('\n').expect("two lines");
        (name.to_string(), password.to_string())
    }

    /// SIGKILL. Returns when it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP. Returns when it stands still: connections stay open, and nobody answers.
    pub fn freeze(&mut self) {
        self.process.freeze();
    }

    /// SIGCONT, after which it goes on where it stood.
    pub fn thaw(&mut self) {
        self.process.thaw();
    }

    /// SIGTERM. Returns when it has written all it had, and is gone.
    pub fn stop(&mut self) {
        self.process.terminate();
        let status = self.process.wait(START_SECONDS);
        assert!(status.is_some(), "the broker does not stop:\n{}", self.process.stdout.last(40));
    }

    /// Starts it again after [`Broker::kill`] or [`Broker::stop`]: in the same folder, on the same ports.
    pub fn restart(&mut self) {
        assert!(self.process.ended().is_some(), "the broker runs: kill or stop it first");
        self.earlier.push(self.last_words());
        let mut slow = Vec::new();
        for _ in 0..TRIES_MAX {
            self.process = launch(self.folder.path(), self.throughput);
            match await_start(&mut self.process) {
                Ok(()) => return,
                // A client's connection may have been given the port meanwhile; it will not keep it.
                Err(NotStarted::PortTaken) => std::thread::sleep(Duration::from_millis(500)),
                Err(NotStarted::TooSlow) if slow.len() < SLOW_MAX => {
                    slow.push(self.what_it_does());
                    self.process.kill();
                }
                Err(reason) => {
                    panic!(
                        "the broker did not start again: {reason:?}\n{}{}",
                        slow.concat(),
                        self.last_words()
                    )
                }
            }
        }
        panic!("the broker's port stays taken:\n{}", self.last_words());
    }

    /// What a broker that does not come up is doing: its threads, as the JVM tells them when it is asked.
    fn what_it_does(&mut self) -> String {
        self.process.quit();
        let told = self.process.stdout.wait_for("class space", Deadline::in_seconds(5));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let threads = self.process.stdout.last(1_500);
        let what = format!("not up after {START_SECONDS} s, threads told: {told}, load {load}{threads}");
        #[expect(clippy::print_stderr, reason = "a restart that is tried again must not go unseen")]
        {
            eprintln!("the broker at {}: {what}", self.bootstrap());
        }
        what
    }

    /// Everything that it wrote in this life, or nearly.
    #[cfg(feature = "faults")]
    pub fn said(&self) -> String {
        self.process.stdout.text()
    }

    /// Where it says itself that it answered from a state that is not what was committed, in this life or an earlier one.
    ///
    /// Seen of Kafka 4.3.1 after a SIGKILL on a busy machine: the group coordinator had loaded only the beginning of its log, so
    /// offsets were those of a minute ago, members did not time out, and nobody got on; or it could not load it at all.
    #[cfg(feature = "faults")]
    pub fn out_of_sync(&self) -> Option<String> {
        let lives = self.earlier.iter().cloned().chain([self.last_words()]);
        let all = lives.collect::<String>();
        let lost = |line: &&str| {
            let from = line.contains("Failed to load metadata from __consumer_offsets")
                && line.contains("Replaying record");
            from || line.contains("is out of sync with the underlying log")
        };
        all.lines().find(lost).map(str::to_owned)
    }

    fn last_words(&self) -> String {
        self.process.stdout.last(40) + &self.process.stderr.last(40)
    }
}

impl Drop for Broker {
    #[expect(clippy::print_stderr, reason = "the harness shows it with the failed test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lives = self.earlier.join("\n--- and in its next life:\n");
            eprintln!(
                "the broker at {} wrote:\n{lives}\n--- and last:\n{}",
                self.bootstrap(),
                self.last_words()
            );
        }
    }
}

/// The folder that prepare.sh fills; it has run when this returns.
fn prepared() -> &'static Path {
    static PREPARED: OnceLock<PathBuf> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output =
            Command::new("bash").arg(root.join("tests/kafka/prepare.sh")).stdin(Stdio::null()).output();
        let output = output.expect("bash starts");
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
        assert!(output.status.success(), "no Kafka broker for this test:\n{said}");
        let prepared = root.join("target/kafka");
        sweep(&prepared.join("run"));
        sweep(Path::new(IN_MEMORY));
        prepared
    })
}

/// Removes the folders of brokers whose tests have ended: the shared broker's stays behind, as do those of tests that
/// were killed.
fn sweep(run: &Path) {
    let Ok(entries) = fs::read_dir(run) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            // Another process may be sweeping, too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Where brokers live on a machine whose memory can be written like a disk.
///
/// A broker waits for the disk at every step of its metadata, and a disk that others write to makes it wait for
/// seconds: longer than its own controller waits for it, so that it is fenced again and again, and a restart takes minutes.
/// What a process that is killed has written stays, there as here.
const IN_MEMORY: &str = "/dev/shm/watchbell-kafka";
/// So much must be free there.
const IN_MEMORY_KIB: u64 = 4 << 20;

/// A new folder for a broker; its name begins with the number of this process. One that is there for throughput writes
/// more than a memory holds.
fn new_folder(throughput: bool) -> TempDir {
    let prepared = prepared();
    let in_memory = !throughput && has_room(Path::new("/dev/shm"));
    let run = if in_memory { PathBuf::from(IN_MEMORY) } else { prepared.join("run") };
    fs::create_dir_all(&run).expect("writable");
    let folder = tempfile::Builder::new().prefix(&format!("{}-", std::process::id())).tempdir_in(run);
    folder.expect("a folder for a broker can be made")
}

fn has_room(place: &Path) -> bool {
    let Ok(output) = Command::new("df").arg("-Pk").arg(place).stderr(Stdio::null()).output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let free = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    output.status.success() && free.is_some_and(|free: u64| free >= IN_MEMORY_KIB)
}

fn copy_format(security: Security, data: &Path) {
    let has_user = matches!(security, Security::SaslScram | Security::SaslScramTls);
    let format = prepared().join("format").join(if has_user { "scram" } else { "plain" });
    fs::create_dir(data).expect("the folder is new");
    for file in ["bootstrap.checkpoint", "meta.properties"] {
        fs::copy(format.join(file), data.join(file)).expect("prepare.sh wrote it");
    }
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    clients: u16,
    internal: u16,
    controller: u16,
}

impl Ports {
    /// Three that are free now, below those that the kernel gives to outgoing connections.
    fn free() -> Ports {
        let mut taken = Vec::new();
        while taken.len() < 3 {
            let port = fastrand::u16(10_000..32_000);
            // Kept until all three are found, so that they differ.
            taken.extend(
                std::net::TcpListener::bind(("127.0.0.1", port)).ok().map(|listener| (port, listener)),
            );
        }
        Ports { clients: taken[0].0, internal: taken[1].0, controller: taken[2].0 }
    }
}

fn properties(options: &Options, folder: &Path, ports: Ports, certificates: Option<&Certificates>) -> String {
    let text = include_str!("server.properties")
        .replace("@DIR@", folder.to_str().expect("UTF-8"))
        .replace("@PORT@", &ports.clients.to_string())
        .replace("@CONTROLLER_PORT@", &ports.controller.to_string());
    let doors = match options.security {
        Security::Plain => Vec::new(),
        _ => doors(options.security, ports),
    };
    let keys = certificates.map(|certificates| keys(options.security, certificates)).unwrap_or_default();
    let own = options.properties.iter().map(|(name, value)| format!("{name}={value}"));
    let lines: Vec<String> = std::iter::once(text).chain(doors).chain(keys).chain(own).collect();
    lines.join("\n") + "\n"
}

/// A locked door for clients, and one without a lock for the broker itself and for the helpers.
fn doors(security: Security, ports: Ports) -> Vec<String> {
    let protocol = match security {
        Security::Plain => "PLAINTEXT",
        Security::Tls => "SSL",
        Security::SaslScram => "SASL_PLAINTEXT",
        Security::SaslScramTls => "SASL_SSL",
    };
    let Ports { clients, internal, controller } = ports;
    let both = format!("CLIENTS://127.0.0.1:{clients},INTERNAL://127.0.0.1:{internal}");
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    vec![
        format!("listeners={both},CONTROLLER://127.0.0.1:{controller}"),
        format!("advertised.listeners={both}"),
        format!("listener.security.protocol.map=CLIENTS:{protocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        "inter.broker.listener.name=INTERNAL".to_string(),
        "sasl.enabled.mechanisms=SCRAM-SHA-512".to_string(),
        format!("listener.name.clients.scram-sha-512.sasl.jaas.config={module}"),
    ]
}

fn keys(security: Security, certificates: &Certificates) -> Vec<String> {
    let clients = if security == Security::Tls { "required" } else { "none" };
    let file = |store: &str, path: &Path| {
        let path = path.to_str().expect("UTF-8");
        let name = format!("listener.name.clients.ssl.{store}");
        format!("{name}.type=PEM\n{name}.location={path}")
    };
    vec![
        file("keystore", &certificates.broker),
        file("truststore", &certificates.ca),
        format!("listener.name.clients.ssl.client.auth={clients}"),
    ]
}

fn launch(folder: &Path, throughput: bool) -> Process {
    let prepared = prepared();
    let mut command = Command::new("java");
    command.arg(format!("@{}", prepared.join("java.args").display()));
    command.arg(format!("-XX:SharedArchiveFile={}", prepared.join("kafka.jsa").display()));
    if throughput {
        command.args(["-Xms1g", "-Xmx1g"]);
    } else {
        command.args(["-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1"]);
    }
    command.arg("kafka.Kafka").arg(folder.join("server.properties")).stdin(Stdio::null());
    Process::start(command)
}

#[derive(Debug)]
enum NotStarted {
    PortTaken,
    Ended,
    TooSlow,
}

fn await_start(process: &mut Process) -> Result<(), NotStarted> {
    let deadline = Deadline::in_seconds(START_SECONDS);
    if process.stdout.wait_for("Kafka Server started", deadline) {
        Ok(())
    } else if process.ended().is_none() && deadline.has_passed() {
        Err(NotStarted::TooSlow)
    } else if process.stdout.text().contains("Address already in use") {
        Err(NotStarted::PortTaken)
    } else {
        Err(NotStarted::Ended)
    }
}
