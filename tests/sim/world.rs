//! What happens in the world? Tickets and opinions of two days, and how their records come into the logs: late, twice,
//! out of order, from the future, broken; and the fences that say what time it is.

use fastrand::Rng;
use serde_json::json;
use watchbell::source::partition::partition;
use watchbell::time::{Span, Time};

/// How many logs there are.
pub const LOGS: u32 = 3;
/// How late an event may come and still be applied.
pub const HORIZON: Span = Span::from_hours(10);
/// For how long events that no clock keeps are known again.
pub const DEDUP_WINDOW: Span = Span::from_hours(3);
/// How far ahead of its record an event may lie.
pub const MAX_SKEW: Span = Span::from_minutes(5);
/// At least so many records per world.
pub const RECORDS_MIN: usize = 200;

/// Friday, 04:00 in Shanghai: a working day, an evening, and a Saturday.
pub fn begin() -> Time {
    Time::parse("2026-03-05T20:00:00Z").expect("an instant")
}

/// Something that comes into a log.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When.
    pub wall: Time,
    /// Into which log.
    pub log: u32,
    /// A record, or a fence: everything before `wall` has been read.
    pub payload: Option<String>,
}

/// Everything that comes into the logs, in order, and when it is over.
pub struct World {
    pub arrivals: Vec<Arrival>,
    /// When the last of them comes.
    pub last: Time,
    /// Days after everything: what is still open then is late by every calendar.
    pub end: Time,
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64) -> World {
        let mut maker =
            Maker { random: Rng::with_seed(seed), arrivals: Vec::new(), instants: Vec::new(), next_id: 0 };
        let mut subject = 0;
        while maker.arrivals.len() < RECORDS_MIN {
            subject += 1;
            match maker.random.u32(0..8) {
                0 => maker.opinion(subject),
                1 => maker.noise(),
                _ => maker.ticket(subject),
            }
        }
        maker.fences();
        let mut arrivals = maker.arrivals;
        // A stable order: what comes at one instant keeps the order in which it was made.
        arrivals.sort_by_key(|arrival| arrival.wall);
        let last = arrivals.last().map_or(begin(), |last| last.wall);
        World { arrivals, last, end: last + Span::from_days(5) }
    }
}

struct Maker {
    random: Rng,
    arrivals: Vec<Arrival>,
    /// Instants at which something may become due: fences fall exactly there more often than chance would have it.
    instants: Vec<Time>,
    next_id: u64,
}

impl Maker {
    fn seconds(&mut self, range: std::ops::Range<i64>) -> Span {
        Span::from_seconds(self.random.i64(range))
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        self.random.choice(of).expect("never empty")
    }

    fn opinion(&mut self, subject: u64) {
        let at = begin() + self.seconds(0..30 * 3_600);
        let product = self.pick(&["lock", "hub", "camera"]);
        let (customer, score) = (format!("c{}", self.random.u32(0..9)), self.random.u32(1..6));
        let data = json!({ "product": product, "customer": customer, "score": score });
        self.say(at, "feedback.complaint", &format!("F-{subject}"), data);
    }

    /// A ticket's life, with instants that meet on purpose: at once, exactly after half an hour, exactly when due.
    fn ticket(&mut self, subject: u64) {
        // Some subjects come back when their old case is long over.
        let subject = format!("T-{}", if self.random.u32(0..6) == 0 { subject / 4 } else { subject });
        let opened = begin() + Span::from_minutes(self.random.i64(0..30 * 60));
        self.opened(opened, &subject);
        let mut at = opened;
        for _ in 0..self.random.u32(2..9) {
            at = at
                + match self.random.u32(0..9) {
                    0 => Span::ZERO,
                    1 => Span::from_minutes(30),
                    2 => Span::from_hours(1),
                    3 => self.seconds(0..60),
                    4..7 => Span::from_minutes(self.random.i64(1..50)),
                    _ => self.seconds(0..6 * 3_600),
                };
            let kind = match self.random.u32(0..22) {
                0..4 => "ticket.paused",
                4..9 => "ticket.resumed",
                9..11 => "ticket.priority_changed",
                11..13 => "ticket.extended",
                13..15 => "ticket.classified",
                15..17 => "ticket.owner_named",
                17..20 => "ticket.resolved",
                20 => "ticket.cancelled",
                _ => "ticket.opened",
            };
            match kind {
                "ticket.opened" => self.opened(at, &subject),
                "ticket.priority_changed" => {
                    let priority = self.pick(&["P1", "P2", "P3"]);
                    let product = self.pick(&["lock", "hub"]);
                    self.say(at, kind, &subject, json!({ "priority": priority, "product": product }));
                }
                "ticket.extended" => {
                    let by = at + Span::from_minutes(self.random.i64(-30..240));
                    self.say(at, kind, &subject, json!({ "promised_by": by.to_string() }));
                }
                _ => self.say(at, kind, &subject, json!({})),
            }
        }
    }

    fn opened(&mut self, at: Time, subject: &str) {
        let mut data = json!({
            "kind": self.pick(&["service", "complaint"]),
            "priority": self.pick(&["P1", "P2", "P3"]),
            "product": self.pick(&["lock", "hub", "camera"]),
            "customer": format!("c{}", self.random.u32(0..9)),
        });
        if self.random.bool() {
            let by = at + Span::from_minutes(self.random.i64(0..10) * 30);
            data["promised_by"] = by.to_string().into();
            self.instants.push(by);
        }
        self.instants.extend([15, 30, 60, 120, 360].map(|minutes| at + Span::from_minutes(minutes)));
        self.say(at, "ticket.opened", subject, data);
    }

    /// Records that are no events, or that only tests may send.
    fn noise(&mut self) {
        let wall = begin() + self.seconds(0..30 * 3_600);
        let log = self.random.u32(0..LOGS);
        let advance = format!(
            r#"{{"id":"n{}","source":"s","type":"clock.advance","subject":"x","time":"{wall}"}}"#,
            self.next_id
        );
        let payload = if self.random.bool() { "{\"id\": broken".to_owned() } else { advance };
        self.arrivals.push(Arrival { wall, log, payload: Some(payload) });
    }

    /// An event happens, and is delivered: mostly at once, sometimes late, too late, early, twice.
    fn say(&mut self, at: Time, kind: &str, subject: &str, data: serde_json::Value) {
        self.next_id += 1;
        let source = self.pick(&["/desk/1", "/desk/2"]);
        let payload = json!({
            "id": format!("e{}", self.next_id), "source": source, "type": kind, "subject": subject,
            "time": at.to_string(), "data": data,
        })
        .to_string();
        let delay = match self.random.u32(0..40) {
            0..4 => self.seconds(0..2 * 3_600),
            4..6 => self.seconds(0..10 * 3_600),
            6 => self.seconds(9 * 3_600..16 * 3_600),
            7 => Span::ZERO - self.seconds(0..600),
            _ => self.seconds(0..3),
        };
        let log = partition(subject.as_bytes(), LOGS);
        self.arrivals.push(Arrival { wall: at + delay, log, payload: Some(payload.clone()) });
        if self.random.u32(0..12) == 0 {
            let again = if self.random.bool() { 60 } else { 5 * 3_600 };
            let wall = at + delay + self.seconds(0..again);
            self.arrivals.push(Arrival { wall, log, payload: Some(payload) });
        }
    }

    /// Each log hears of its own fences; a fence never lies before the one ahead of it, so the order of time is enough.
    fn fences(&mut self) {
        let last = self.arrivals.iter().map(|arrival| arrival.wall).max().unwrap_or(begin());
        for log in 0..LOGS {
            let mut wall = begin();
            // One log in four hears nothing for most of the time.
            let every = if self.random.u32(0..4) == 0 { 5 * 3_600 } else { 1_800 };
            while wall < last {
                wall = wall + self.seconds(1..every);
                self.arrivals.push(Arrival { wall, log, payload: None });
            }
            for at in self.instants.clone() {
                if self.random.u32(0..4) == 0 {
                    // Exactly at the end of the grace, where "at" and "after" differ, or a millisecond later.
                    let wall = at + Span::from_seconds(2) + Span::from_millis(self.random.i64(0..2));
                    self.arrivals.push(Arrival { wall, log, payload: None });
                }
            }
        }
    }
}
