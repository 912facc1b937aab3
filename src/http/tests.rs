//! Does it answer as it should? The server itself, asked over a socket, with pictures that the test paints.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::live::Live;
use super::{END, ServeError, Server, serve};
use crate::alert::{Action, KINDS};
use crate::detect::{Dimension, Measure, Point, Series};
use crate::engine::clock;
use crate::engine::picture::{
    AggregatePicture, ClockCounts, CommitmentPicture, DuePicture, LabelledCounts, LogPicture,
    ObjectivePicture, Picture, Pictures, SatisfactionPicture, SeriesPicture, ShadowBreach, ShadowCounts,
    ShadowPicture, Side, State, Verdicts,
};
use crate::names::Text;
use crate::sla::explain::Explanation;
use crate::sla::objective::{Operator, Standing};
use crate::time::{Span, Time};
use crate::window::{Cell, Scores};

/// How long the outside is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

type Said = BTreeMap<(&'static str, &'static str), u64>;

/// Pictures that a test paints.
pub(super) struct Painted {
    pub(super) picture: Mutex<Picture>,
    said: Mutex<Said>,
    jump_seconds: Mutex<f64>,
    labels: Vec<Dimension>,
    /// How long a question takes.
    slow: Duration,
}

impl Painted {
    pub(super) fn new(labels: &[Dimension]) -> Painted {
        let said = KINDS.iter().flat_map(|kind| Action::ALL.map(|action| ((*kind, action.name()), 0)));
        Painted {
            picture: Mutex::new(picture()),
            said: Mutex::new(said.collect()),
            jump_seconds: Mutex::new(0.0),
            labels: labels.to_vec(),
            slow: Duration::ZERO,
        }
    }

    pub(super) fn say(&self, kind: &'static str, action: Action) {
        *self.said.lock().expect("whole").entry((kind, action.name())).or_default() += 1;
    }

    fn change(&self, change: impl FnOnce(&mut Picture)) {
        change(&mut self.picture.lock().expect("whole"));
    }
}

impl Pictures for Painted {
    fn picture(&self) -> Picture {
        self.picture.lock().expect("whole").clone()
    }

    fn said(&self) -> Said {
        self.said.lock().expect("whole").clone()
    }

    fn wall_jump_seconds(&self) -> f64 {
        *self.jump_seconds.lock().expect("whole")
    }

    fn unanswered_seconds(&self) -> f64 {
        1.5
    }

    fn labels(&self) -> &[Dimension] {
        &self.labels
    }

    fn commitment(&self, place: u16) -> Option<Arc<str>> {
        let picture = self.picture.lock().expect("whole");
        picture.commitments.get(usize::from(place)).map(|one| one.name.clone())
    }

    fn explain(&self, subject: &str) -> Vec<Explanation> {
        std::thread::sleep(self.slow);
        let known = Explanation {
            subject: "T/1 ü".into(),
            at: at(0),
            policy_hash: "0".into(),
            events: Vec::new(),
            clocks: Vec::new(),
        };
        if subject == known.subject { vec![known] } else { Vec::new() }
    }
}

/// An instant so many minutes after noon.
pub(super) fn at(minutes: i64) -> Time {
    Time::parse("2026-03-01T12:00:00Z").expect("an instant") + Span::from_minutes(minutes)
}

fn due(subject: &str, minutes: i64, breached: bool) -> DuePicture {
    let unknown = || Arc::<str>::from("unknown");
    DuePicture {
        subject: subject.into(),
        commitment: "answer".into(),
        due: at(minutes),
        started: at(-600),
        warned: false,
        breached,
        cell: Cell { product: "a".into(), region: unknown(), channel: unknown(), category: unknown() },
    }
}

fn shadow() -> ShadowPicture {
    let only = ShadowBreach {
        only: Side::Shadow,
        subject: "T-4".into(),
        commitment: "answer".into(),
        due: Some(at(-5)),
    };
    let counts = ShadowCounts { both: 4, live: 0, shadow: 1 };
    ShadowPicture { breaches: BTreeMap::from([("answer".into(), counts)]), latest: vec![only] }
}

fn log() -> LogPicture {
    let counts = ClockCounts { open: 7, warned: 2, overdue: 1, kept: 50, breached: 4, cancelled: 3 };
    // 20 of those kept were there before.
    let found = Verdicts { kept: 30, breached: 4, cancelled: 3 };
    let of = |product: &str| LabelledCounts {
        labels: vec![product.into(), "east".into()],
        counts,
        found,
        ..LabelledCounts::default()
    };
    LogPicture {
        log: 0,
        place: "desk/tickets/3".into(),
        state: State::Live,
        next_offset: 90,
        end_offset: 100,
        high_watermark: 120,
        clock: Some(at(-1)),
        clock_lag_seconds: 60.0,
        fence_age_seconds: 0.25,
        cases: 5,
        memory_bytes: 4_096,
        checkpoint_age_seconds: Some(12.0),
        records: 200,
        applied: 180,
        duplicates: 6,
        rejected: BTreeMap::from([("future", 2)]),
        cuts: 40,
        cut_seconds: 0.5,
        cuts_in_doubt: 1,
        reconciliation_differences: 3,
        clocks: vec![of("a"), of("b\"\\\n")],
        due: vec![due("T-1", 10, false), due("T-2", 50, false), due("T-3", -30, true)],
        shadow: Some(shadow()),
        ..LogPicture::default()
    }
}

fn crisis(product: &str, level: &str, ended: Value) -> Value {
    let factor = json!({ "score": 1, "because": "ratio" });
    let evidence = json!({
        "customers": 1, "customers_are_cases": false, "regions": 1, "products": 1, "complaints": 9,
        "complaints_expected": 1.0, "breaches": 0, "breaches_expected": 0.0, "satisfaction_drop": 0.0,
        "doubling_hours": 0.0,
    });
    let series = json!({ "product": product, "region": null, "channel": null, "category": null });
    json!({
        "id": format!("{:032x}", product.len()), "status": "open", "kind": "crisis", "series": series,
        "opened_as": series, "began": at(-90).to_string(), "level": level, "steps": [],
        "factors": { "scope": factor, "harm": factor, "urgency": factor, "evidence": evidence },
        "response": [], "signals": 1, "ended": ended,
    })
}

fn objective() -> ObjectivePicture {
    ObjectivePicture {
        name: "answered_in_20s".into(),
        title: Arc::new(Text::new("80 % answered", "80%接听")),
        operator: Operator::AtLeast,
        target: 0.8,
        window_start: at(-60),
        window_end: at(0),
        n: 40,
        good: 30,
        share: Some(0.75),
        share_interval: Some((0.6, 0.86)),
        standing: Standing::Missed,
        missed_since: Some(at(-5)),
    }
}

fn aggregate() -> AggregatePicture {
    let crises = json!([
        crisis("a", "advanced", Value::Null),
        crisis("bb", "primary", Value::Null),
        crisis("ccc", "advanced", json!(at(-5).to_string())),
    ]);
    let signals = json!([{
        "series": Series::all(), "measure": "breaches", "finding": "spike", "window_start": at(-60).to_string(),
        "window_end": at(0).to_string(), "observed": 20, "expected": 3.0, "p_value": 0.001, "ended": null,
    }]);
    let point = Point { start: at(-60), observed: 21, expected: 6.5, low: 2.0, high: 12.0 };
    let series = |series: Series, observed: u64| SeriesPicture {
        title: series.name(),
        series,
        measure: Measure::Complaints,
        bucket_seconds: 3_600.0,
        points: vec![Point { observed, ..point }],
        signal: false,
    };
    let margin = Series::margin(Dimension::Product, "a".into());
    let scores = |n: u64| Scores { n, sum_milli: 4_500 * n as i64, sum_squares_micro: 0 };
    AggregatePicture {
        clock: Some(at(-2)),
        sources: 8,
        sources_missing: vec![3, 5],
        crises: serde_json::from_value(crises).expect("crises"),
        signals: serde_json::from_value(signals).expect("signals"),
        series: vec![series(Series::all(), 21), series(margin.clone(), 9)],
        satisfaction: vec![
            SatisfactionPicture { series: Series::all(), scores: scores(10) },
            SatisfactionPicture { series: margin, scores: scores(4) },
        ],
        objectives: vec![objective()],
        crises_opened: 3,
        signals_raised: 4,
    }
}

fn changes() -> Value {
    let warning = |action: &str, subject: &str, kind: &str| {
        json!({
            "action": action, "id": format!("{:032x}", subject.len()), "status": "open", "kind": kind,
            "commitment": "answer", "title": { "en": "Answered", "zh": "答复" }, "subject": subject,
            "start_event": { "source": "/desk", "id": "e" }, "threshold": 0.8, "started": at(-90).to_string(),
            "due": at(9).to_string(), "stopped": null, "late_seconds": null, "product": "a", "region": "east",
            "channel": "phone", "category": "unknown", "log": 0, "next_offset": 9, "clock": at(0).to_string(),
        })
    };
    json!([
        warning("retracted", "T-5", "breach"),
        warning("raised", "T-6", "warning"),
        warning("raised", "T-7", "breach"),
    ])
}

/// A picture in which there is something of everything.
fn picture() -> Picture {
    let commitment = |name: &str| CommitmentPicture {
        name: name.into(),
        title: Arc::new(Text::new("Answered", "答复")),
        counts: ClockCounts::default(),
    };
    Picture {
        at: at(0),
        speed: 2.0,
        state: State::Live,
        version: "1.2.3",
        commitments: vec![commitment("answer"), commitment("repair")],
        due: vec![due("T-1", 10, false)],
        changes: serde_json::from_value(changes()).expect("changes"),
        aggregate: Some(aggregate()),
        logs: vec![log()],
    }
}

/// An answer: status, headers in small letters, body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

fn ask(at: SocketAddr, method: &str, path: &str, more: &str) -> Answer {
    let mut stream = connect(at);
    let request = format!("{method} {path} HTTP/1.1\r\nHost: board\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
        None => format!("{line}\n"),
    };
    Answer { status, head: head.lines().map(lower).collect(), body: body.to_owned() }
}

fn get(server: &Server, path: &str) -> Answer {
    ask(server.address(), "GET", path, "")
}

fn served(painted: Painted) -> (Server, Arc<Painted>) {
    let painted = Arc::new(painted);
    let server = serve("127.0.0.1:0", painted.clone(), Arc::default()).expect("a free port");
    assert_ne!(server.address().port(), 0);
    (server, painted)
}

#[test]
fn data_is_json_and_kept_by_nobody() {
    let (server, _) = served(Painted::new(&[]));
    for path in [
        "/healthz",
        "/readyz",
        "/api/v1/picture",
        "/api/v1/alerts",
        "/api/v1/crises",
        "/api/v1/commitments",
        "/api/v1/objectives",
    ] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        answer.json();
        let head = ask(server.address(), "HEAD", path, "");
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
    let picture = get(&server, "/api/v1/picture").json();
    assert_eq!(picture["at"], "2026-03-01T12:00:00Z");
    assert_eq!(picture["logs"][0]["place"], "desk/tickets/3");
    let crises = get(&server, "/api/v1/crises").json();
    assert_eq!((&crises["owned"], crises["crises"].as_array().map(Vec::len)), (&json!(true), Some(3)));
    assert_eq!(get(&server, "/api/v1/commitments").json()["commitments"][1]["name"], "repair");
    let objective = &get(&server, "/api/v1/objectives").json()["objectives"][0];
    assert_eq!((&objective["n"], &objective["standing"]), (&json!(40), &json!("missed")));
}

#[test]
fn a_policy_that_looks_on_is_shown_over_all_logs() {
    let (server, painted) = served(Painted::new(&[]));
    painted.change(|picture| picture.logs.push(log()));
    let shadow = get(&server, "/api/v1/shadow").json();
    assert_eq!(shadow["breaches"], json!({ "answer": { "both": 8, "live": 0, "shadow": 2 } }));
    assert_eq!(shadow["latest"].as_array().map(Vec::len), Some(2));
    assert_eq!(shadow["latest"][0]["only"], "shadow");
    painted.change(|picture| picture.logs.iter_mut().for_each(|log| log.shadow = None));
    let none = get(&server, "/api/v1/shadow");
    assert_eq!(none.status, 404);
    assert!(none.body.contains("[shadow] policy"), "{}", none.body);
}

#[test]
fn only_who_is_live_is_ready() {
    let (server, painted) = served(Painted::new(&[]));
    assert_eq!(get(&server, "/readyz").json(), json!({ "status": "ready", "state": "live" }));
    for state in [State::Starting, State::CatchingUp, State::Blind, State::Stopping] {
        painted.change(|picture| {
            picture.state = state;
            picture.logs[0].state = state;
        });
        let answer = get(&server, "/readyz");
        assert_eq!((answer.status, answer.header("content-type")), (503, Some("application/problem+json")));
        let body = answer.json();
        assert_eq!((&body["reason"], &body["state"]), (&json!(state.name()), &json!(state.name())));
        assert_eq!(body["logs"], json!([{ "place": "desk/tickets/3", "state": state.name() }]));
        assert_eq!(get(&server, "/healthz").status, 200);
    }
    painted.change(|picture| picture.state = State::Live);
    *painted.jump_seconds.lock().expect("whole") = 90.0;
    let answer = get(&server, "/readyz");
    assert_eq!((answer.status, &answer.json()["reason"]), (503, &json!("wall_jumped")));
}

#[test]
fn changes_are_chosen() {
    let (server, _) = served(Painted::new(&[]));
    let subjects = |query: &str| -> Vec<String> {
        let answer = get(&server, &format!("/api/v1/alerts{query}")).json();
        let changes = answer["changes"].as_array().expect("a list").clone();
        changes.iter().map(|change| change["subject"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(subjects(""), ["T-5", "T-6", "T-7"]);
    assert_eq!(subjects("?limit=1"), ["T-5"]);
    assert_eq!(subjects("?kind=breach"), ["T-5", "T-7"]);
    assert_eq!(subjects("?kind=breach&action=raised&limit=100"), ["T-7"]);
    assert_eq!(subjects("?kind=crisis"), [""; 0]);
    for (query, part) in [
        ("?limit=0", "from 1 to 100"),
        ("?limit=101", "from 1 to 100"),
        ("?limit=ten", "from 1 to 100"),
        ("?kind=outage", "warning, breach, signal, crisis"),
        ("?action=Raised", "raised, amended"),
        ("?limit=1&limit=2", "twice"),
        ("?page=2", "`page` is unknown"),
    ] {
        let answer = get(&server, &format!("/api/v1/alerts{query}"));
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/problem+json")));
        let detail = answer.json()["detail"].as_str().expect("a text").to_owned();
        assert!(detail.contains(part), "{query}: {detail}");
    }
}

#[test]
fn a_subject_is_explained_or_unknown() {
    let (server, _) = served(Painted::new(&[]));
    let known = get(&server, "/api/v1/subjects/T%2F1%20%C3%BC");
    assert_eq!((known.status, &known.json()["explanations"][0]["subject"]), (200, &json!("T/1 ü")));
    let unknown = get(&server, "/api/v1/subjects/T-404");
    assert_eq!((unknown.status, unknown.header("content-type")), (404, Some("application/problem+json")));
    assert_eq!(unknown.json()["subject"], "T-404");
    assert_eq!(get(&server, "/api/v1/subjects/%FF").status, 400);
}

#[test]
fn what_is_not_there_is_said_in_one_form() {
    let (server, _) = served(Painted::new(&[]));
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/api/v2/picture", 404),
        ("GET", "/draw/", 404),
        ("GET", "/../Cargo.toml", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/api/v1/alerts", 405),
        ("PUT", "/index.html", 405),
    ] {
        let answer = ask(server.address(), method, path, "Content-Length: 0\r\n");
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("application/problem+json"))
        );
        let body = answer.json();
        assert_eq!(
            (body["status"].as_u64(), body["type"].as_str()),
            (Some(status.into()), Some("about:blank"))
        );
        assert!(body["detail_zh"].as_str().is_some_and(|text| !text.is_ascii()), "{body}");
    }
}

#[test]
fn the_board_keeps_to_itself() {
    let (server, _) = served(Painted::new(&[]));
    for (path, form) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/board.css", "text/css; charset=utf-8"),
        ("/board.js", "text/javascript; charset=utf-8"),
        ("/draw/crisis.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(form)), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"));
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        let tag = answer.header("etag").expect("a tag");
        let again = ask(server.address(), "GET", path, &format!("If-None-Match: \"x\", W/{tag}\r\n"));
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        assert_eq!(ask(server.address(), "GET", path, "If-None-Match: \"x\"\r\n").status, 200);
    }
}

/// A stream of events, line by line.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(server: &Server) -> Stream {
        let mut stream = connect(server.address());
        let request = "GET /api/v1/live HTTP/1.1\r\nHost: board\r\nAccept: text/event-stream\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it reads");
        Stream(BufReader::new(stream))
    }

    /// The next line that begins so; `None` at the end.
    fn line(&mut self, begin: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) if line.starts_with(begin) => return Some(line.trim_end().to_owned()),
                Ok(_) => {}
                Err(error) => panic!("no line that begins with `{begin}`: {error}"),
            }
        }
    }

    fn picture(&mut self) -> Option<Value> {
        self.line("event: picture")?;
        let data = self.line("data: ")?;
        Some(serde_json::from_str(&data["data: ".len()..]).expect("a picture"))
    }
}

#[test]
fn pictures_come_by_themselves_and_at_once_when_alerts_change() {
    let (server, painted) = served(Painted::new(&[]));
    let (mut one, mut two) = (Stream::open(&server), Stream::open(&server));
    assert!(one.line("content-type: text/event-stream").is_some());
    assert_eq!(one.picture().expect("at once")["version"], "1.2.3");
    painted.change(|picture| picture.speed = 3.0);
    assert_eq!(two.picture().map(|picture| picture["speed"].is_number()), Some(true));
    // Without a change of alerts within a second or so, with one well before.
    while one.picture().expect("by itself")["speed"] != 3.0 {}
    let mut quickest = PATIENCE;
    for n in 4..10 {
        painted.change(|picture| picture.speed = f64::from(n));
        painted.say("breach", Action::Raised);
        let began = clock::instant();
        while one.picture().expect("at once")["speed"] != f64::from(n) {}
        quickest = quickest.min(clock::instant() - began);
    }
    assert!(quickest < Duration::from_millis(500), "{quickest:?}: not at once");
}

#[test]
fn no_more_than_ten_pictures_come_in_a_second() {
    let (server, painted) = served(Painted::new(&[]));
    let done = Arc::new(AtomicBool::new(false));
    let storm = {
        let (painted, done) = (painted.clone(), done.clone());
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                painted.say("warning", Action::Raised);
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    };
    let mut stream = Stream::open(&server);
    stream.picture().expect("at once");
    let began = clock::instant();
    (0..15).for_each(|_| drop(stream.picture().expect("a storm")));
    let took = clock::instant() - began;
    done.store(true, Ordering::Relaxed);
    storm.join().expect("it ends");
    // Fourteen steps lie between fifteen pictures; one may have been on its way.
    assert!(took >= Duration::from_millis(1_250), "15 pictures in {took:?}");
}

#[test]
fn the_end_is_bounded_whoever_looks() {
    let mut painted = Painted::new(&[]);
    painted.slow = Duration::from_secs(30);
    let (server, _) = served(painted);
    let mut stream = Stream::open(&server);
    stream.picture().expect("at once");
    // One connection is idle, one waits for a worker that does not answer, one has said half of what it wants.
    let _idle = connect(server.address());
    let (mut waiting, mut half) = (connect(server.address()), connect(server.address()));
    waiting.write_all(b"GET /api/v1/subjects/x HTTP/1.1\r\nHost: board\r\n\r\n").expect("it reads");
    half.write_all(b"GET /heal").expect("it reads");
    let address = server.address();
    let began = clock::instant();
    drop(server);
    let took = clock::instant() - began;
    assert!(took < END + Duration::from_secs(1), "{took:?}");
    while stream.picture().is_some() {}
    assert!(TcpStream::connect(address).is_err(), "it still listens");
}

#[test]
fn a_stop_from_outside_ends_the_streams() {
    let stop = Arc::new(AtomicBool::new(false));
    let server = serve("127.0.0.1:0", Arc::new(Painted::new(&[])), stop.clone()).expect("a free port");
    let mut stream = Stream::open(&server);
    stream.picture().expect("at once");
    stop.store(true, Ordering::Relaxed);
    while stream.picture().is_some() {}
}

#[test]
fn streams_have_a_maximum() {
    let live = Arc::new(Live::new(2));
    let (one, two) = (live.look().expect("free"), live.look().expect("free"));
    assert!(live.look().is_none());
    drop(one);
    assert_eq!((live.streams(), live.look().is_some()), (1, true));
    drop(two);
}

#[test]
fn a_port_that_is_taken_is_named_with_the_remedy() {
    let (server, painted) = served(Painted::new(&[]));
    let address = server.address().to_string();
    let again = serve(&address, painted.clone(), Arc::default());
    let Err(error @ ServeError::Busy(_)) = again else { panic!("two servers at {address}") };
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("choose another address"), "{text}");
    let elsewhere = serve("192.0.2.1:0", painted, Arc::default());
    let Err(error @ ServeError::Address { .. }) = elsewhere else { panic!("not an address of this machine") };
    assert!(error.to_string().contains("192.0.2.1:0"), "{error}");
}

#[test]
fn requests_are_counted_by_route() {
    let (server, _) = served(Painted::new(&[]));
    get(&server, "/api/v1/subjects/T-1");
    get(&server, "/api/v1/subjects/T-2");
    get(&server, "/anything");
    get(&server, "/theme.css");
    let text = get(&server, "/metrics").body;
    for (route, code, n) in [("/api/v1/subjects/{id}", 404, 2), ("other", 404, 1), ("board", 200, 1)] {
        let name = "watchbell_http_request_duration_seconds_count";
        let line = format!("{name}{{code=\"{code}\",route=\"{route}\"}} {n}\n");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}
