//! What does a watch show to whoever asks? Its answers over HTTP: status, JSON and metrics.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::super::program::Program;
use super::super::wait_until;

/// Table for the settings of a watch that serves at a free port.
pub const SERVED: &str = "[http]\nlisten = \"127.0.0.1:0\"";

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Where a watch serves.
pub struct Site(String);

impl Site {
    /// Waits until it says where.
    pub fn of(program: &Program) -> Site {
        let mut found = None;
        wait_until(30, "it serves", || {
            let said = program.stderr();
            let line = said.lines().find_map(|line| line.strip_prefix("board: http://"));
            found = line.map(|at| at.trim_end_matches('/').to_owned());
            found.is_some()
        });
        Site(found.expect("waited for"))
    }

    /// Status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.0).expect("it listens");
        stream.set_read_timeout(Some(ANSWER)).expect("a length of time");
        let at = &self.0;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in time");
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, body.to_owned())
    }

    /// Status, reason and the places of the logs that are named, with their states.
    pub fn readiness(&self) -> (u16, String, Vec<(String, String)>) {
        let (status, body) = self.get("/readyz");
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let logs = body["logs"].as_array().into_iter().flatten();
        let logs = logs.map(|log| (text(&log["place"]), text(&log["state"]))).collect();
        (status, text(&body["reason"]), logs)
    }

    /// The value of a metric with exactly these labels, as they are written; `None` while it is not there.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, body) = self.get("/metrics");
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map(|value| value.parse().expect("a number"))
    }
}
