//! Does the binary show its faces? The demonstration, started as a viewer would, and looked at while it runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A demonstration, what it said before it told where the board is, and where that is.
struct Demo {
    _running: Running,
    said: Vec<String>,
    board: SocketAddr,
}

/// Starts one, and reads what it says until it has told where the board is.
fn demo(listen: &str) -> Demo {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchbell"));
    command.args(["demo", "--for", "30s", "--log-level", "error", "--json", "--listen", listen]);
    let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it can be started");
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stderr.take().expect("it was piped")).lines();
    let mut said = Vec::new();
    for line in lines.by_ref() {
        let line = line.expect("text");
        let board = line.strip_prefix("board: http://").and_then(|rest| rest.strip_suffix('/'));
        if let Some(board) = board.map(|board| board.parse().expect("an address")) {
            // What it says from here on is read, or it would wait for a reader.
            std::thread::spawn(move || lines.for_each(drop));
            return Demo { _running: running, said, board };
        }
        said.push(line);
    }
    panic!("it does not say where the board is: {said:?}");
}

/// Status and body.
fn get(at: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout can be set");
    let request = format!("GET {path} HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

/// Asks until the answer is as wanted; the demonstration's end is the patience.
fn until<T>(what: &str, mut wanted: impl FnMut() -> Option<T>) -> T {
    for _ in 0..250 {
        if let Some(found) = wanted() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("never so: {what}");
}

#[test]
fn a_demonstration_can_be_looked_at_also_beside_another() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = other.local_addr().expect("an address");
    let demo = demo(&taken.to_string());
    assert_ne!(demo.board, taken);
    assert!(demo.said.iter().any(|line| line.contains(&format!("{taken} is taken"))), "{:?}", demo.said);

    let board = demo.board;
    assert_eq!(get(board, "/healthz").0, 200);
    assert!(get(board, "/").1.contains("/board.js"));
    until("it is ready", || (get(board, "/readyz").0 == 200).then_some(()));
    let picture: Value = serde_json::from_str(&get(board, "/api/v1/picture").1).expect("a picture");
    assert_eq!(picture["logs"].as_array().map(Vec::len), Some(8));

    // A promise that is broken or in danger is explained, to the second.
    let explained = until("a case is explained", || {
        let alerts: Value = serde_json::from_str(&get(board, "/api/v1/alerts?kind=breach").1).ok()?;
        let open = alerts["changes"].as_array()?.iter().find(|change| change["status"] == "open")?.clone();
        let (status, body) = get(board, &format!("/api/v1/subjects/{}", open["subject"].as_str()?));
        (status == 200).then(|| (open, serde_json::from_str::<Value>(&body).expect("an explanation")))
    });
    let (alert, answer) = explained;
    assert_eq!(answer["subject"], alert["subject"]);
    let clocks = answer["explanations"][0]["clocks"].as_array().expect("clocks");
    assert!(clocks.iter().any(|clock| clock["commitment"] == alert["commitment"]), "{answer}");

    let metrics = get(board, "/metrics").1;
    assert!(metrics.contains("\nwatchbell_state{state=\"live\"} 1\n"), "{metrics}");
    assert!(metrics.contains("\nwatchbell_log_state{topic=\"events\",partition=\"7\",state=\"live\"} 1\n"));
    assert_eq!(get(board, "/api/v1/subjects/nobody").0, 404);
}
