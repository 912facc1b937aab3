//! What would a service desk send us? A believable one, the same for the same seed: for samples, demonstrations, load.
//!
//! A maker of smart-home devices has tickets, complaints, calls and surveys, more by day than by night. On the sixth day
//! a bad firmware batch reaches one product in one region, and the complaints show it. Deliveries are those of a real
//! desk: some arrive twice, some late.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::event::{Attributes, Event, Value};
use crate::time::{Span, Time};

const PRODUCTS: [&str; 5] = ["lock-2", "camera-4", "hub-1", "thermostat-3", "blind-7"];
const REGIONS: [&str; 4] = ["north", "east", "south", "west"];
const CHANNELS: [&str; 3] = ["phone", "mail", "chat"];
const CATEGORIES: [&str; 4] = ["product_quality", "after_sales_service", "information_asymmetry", "other"];
/// How busy each hour of the day is, midnight first, in parts of the busiest.
const HOURS: [f64; 24] = [
    0.10, 0.07, 0.05, 0.05, 0.06, 0.10, 0.20, 0.40, 0.70, 0.95, 1.00, 0.95, 0.75, 0.80, 0.95, 0.95, 0.90,
    0.80, 0.70, 0.65, 0.60, 0.50, 0.35, 0.20,
];

/// What the desk is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The same seed gives the same events.
    pub seed: u64,
    /// When the first day begins; local midnight.
    pub start: Time,
    /// How many days.
    pub days: u32,
    /// How many cases, calls and opinions begin in the busiest hour.
    pub per_hour: f64,
    /// Whether the bad firmware batch arrives on the sixth day.
    pub incident: bool,
    /// Over how many hours its complaints rise to their full number; 0: at once.
    pub rise_hours: u32,
}

/// The first hour of the bad batch, counted from the start.
pub const INCIDENT_BEGINS: u32 = 5 * 24 + 9;
/// How many hours it lasts.
pub const INCIDENT_HOURS: u32 = 12;

/// The product and region that the bad batch reaches.
pub fn incident_of(seed: u64) -> (&'static str, &'static str) {
    let mut random = Random(seed);
    (random.pick(&PRODUCTS), random.pick(&REGIONS))
}

/// Whether the bad batch is what an event complains of.
pub fn is_of_incident(event: &Event<'_>) -> bool {
    matches!(event.attributes.get("firmware"), Some(Value::Text(text)) if text == BAD_FIRMWARE)
}

/// The firmware of the bad batch, which its complaints name.
pub const BAD_FIRMWARE: &str = "4.1.7";

/// The events, in the order in which they arrive.
pub fn events(options: &Options) -> Vec<Event<'static>> {
    let end = options.start + Span::from_days(i64::from(options.days));
    let arrivals = Arrivals::new(options);
    arrivals.map(|(_, event)| event).filter(|event| event.time < end).collect()
}

/// The events of a desk and when each arrives, in the order in which they do; made hour by hour, as far as they are
/// asked for.
pub struct Arrivals {
    options: Options,
    desk: Desk,
    incident: (&'static str, &'static str),
    hour: u32,
}

impl Arrivals {
    /// A desk before its first hour.
    pub fn new(options: &Options) -> Arrivals {
        let mut desk =
            Desk { random: Random(options.seed), arrivals: BTreeMap::new(), next_case: 1, next_event: 1 };
        let incident = (desk.random.pick(&PRODUCTS), desk.random.pick(&REGIONS));
        Arrivals { options: options.clone(), desk, incident, hour: 0 }
    }

    fn work_an_hour(&mut self) {
        let Arrivals { options, desk, incident: (product, region), hour } = self;
        let begin = options.start + Span::from_hours(i64::from(*hour));
        let busy = HOURS[*hour as usize % 24] * options.per_hour;
        for _ in 0..desk.random.poisson(busy) {
            let at = begin + desk.random.within(Span::from_hours(1));
            let place = desk.place();
            desk.case(at, place);
        }
        if options.incident && (INCIDENT_BEGINS..INCIDENT_BEGINS + INCIDENT_HOURS).contains(hour) {
            let since = f64::from(*hour - INCIDENT_BEGINS + 1);
            let risen = (since / f64::from(options.rise_hours.max(1))).min(1.0);
            for _ in 0..desk.random.poisson(options.per_hour * 0.8 * risen) {
                let at = begin + desk.random.within(Span::from_hours(1));
                let place = [*product, *region, desk.random.pick(&CHANNELS), "product_quality"];
                desk.complain_of_firmware(at, place);
            }
        }
        *hour += 1;
    }
}

impl Iterator for Arrivals {
    type Item = (Time, Event<'static>);

    fn next(&mut self) -> Option<(Time, Event<'static>)> {
        loop {
            let worked = self.options.start + Span::from_hours(i64::from(self.hour));
            let over = self.hour >= self.options.days.saturating_mul(24);
            // Whatever is made later arrives later.
            if let Some(first) =
                self.desk.arrivals.first_entry().filter(|first| over || first.key().0 < worked)
            {
                let ((arrives, ..), event) = first.remove_entry();
                return Some((arrives, event));
            }
            if over {
                return None;
            }
            self.work_an_hour();
        }
    }
}

/// An event as one line of JSON, CloudEvents in structured mode.
pub fn json(event: &Event<'_>) -> String {
    let data = event.attributes.iter().map(|(name, value)| {
        let value = match value {
            Value::Text(text) => serde_json::Value::from(text.as_ref()),
            Value::Integer(n) => (*n).into(),
            Value::Float(n) => (*n).into(),
            Value::Bool(yes) => (*yes).into(),
        };
        (name.to_owned(), value)
    });
    let data: serde_json::Map<String, serde_json::Value> = data.collect();
    serde_json::json!({
        "specversion": "1.0", "id": event.id, "source": event.source, "type": event.kind, "subject": event.subject,
        "time": event.time.to_string(), "data": data,
    })
    .to_string()
}

/// Product, region, channel, category.
type Place = [&'static str; 4];

struct Desk {
    random: Random,
    /// By when they arrive, and in the order of their ids; the number tells two deliveries of one apart.
    arrivals: BTreeMap<(Time, String, u64), Event<'static>>,
    next_case: u64,
    next_event: u64,
}

impl Desk {
    fn place(&mut self) -> Place {
        let random = &mut self.random;
        [random.pick(&PRODUCTS), random.pick(&REGIONS), random.pick(&CHANNELS), random.pick(&CATEGORIES)]
    }

    fn case(&mut self, at: Time, place: Place) {
        match self.random.below(20) {
            0..9 => self.call(at, place),
            9..13 => self.service(at, place),
            13..15 => self.complaint(at, place),
            15 => self.claim(at, place),
            16..19 => self.survey(at, place),
            _ => self.complain(at, place),
        }
    }

    fn call(&mut self, at: Time, place: Place) {
        let subject = self.subject("C");
        self.say(at, "call.queued", &subject, place, &[]);
        let wait = self.random.delay(Span::from_seconds(9), 1.0);
        let patience = self.random.delay(Span::from_seconds(90), 0.8);
        let kind = if wait <= patience { "call.answered" } else { "call.abandoned" };
        self.say(at + wait.min(patience), kind, &subject, place, &[]);
    }

    fn service(&mut self, at: Time, place: Place) {
        let subject = self.subject("T");
        let emergency = self.random.below(25) == 0;
        let warranty = if self.random.below(3) > 0 { "in" } else { "out" };
        let facts = [
            ("kind", Value::Text("service".into())),
            ("emergency", Value::Bool(emergency)),
            ("warranty", Value::Text(warranty.into())),
        ];
        self.say(at, "ticket.submitted", &subject, place, &facts);
        let received = at + self.random.delay(Span::from_minutes(4), 1.0);
        self.say(received, "ticket.received", &subject, place, &facts);
        let median = if emergency { Span::from_minutes(35) } else { Span::from_hours(5) };
        let contacted = received + self.random.delay(median, 0.9);
        let confirmed = [("fault_confirmed", Value::Bool(true)), ("contact_confirmed", Value::Bool(true))];
        self.say(contacted, "ticket.contacted", &subject, place, &confirmed);
        let responded = contacted + self.random.delay(Span::from_minutes(40), 1.0);
        self.say(responded, "ticket.responded", &subject, place, &[]);
        let resolved = responded + self.random.delay(Span::from_hours(30), 0.8);
        self.say(resolved, "ticket.resolved", &subject, place, &[]);
    }

    fn complaint(&mut self, at: Time, place: Place) {
        let subject = self.subject("K");
        self.say(at, "ticket.received", &subject, place, &[("kind", Value::Text("complaint".into()))]);
        let told = [("process_told", Value::Bool(true)), ("expected_time_told", Value::Bool(true))];
        let acknowledged = at + self.random.delay(Span::from_minutes(18), 0.9);
        self.say(acknowledged, "ticket.acknowledged", &subject, place, &told);
        let there = acknowledged + self.random.delay(Span::from_minutes(30), 0.5);
        self.say(there, "ticket.department_received", &subject, place, &[]);
        let classified = there + self.random.delay(Span::from_minutes(15), 0.8);
        self.say(classified, "ticket.classified", &subject, place, &[]);
        let named = classified + self.random.delay(Span::from_minutes(8), 1.0);
        self.say(named, "ticket.owner_named", &subject, place, &[]);
        let resolved = named + self.random.delay(Span::from_hours(70), 0.6);
        self.say(resolved, "ticket.resolved", &subject, place, &[]);
    }

    fn claim(&mut self, at: Time, place: Place) {
        let subject = self.subject("R");
        self.say(at, "ticket.received", &subject, place, &[("kind", Value::Text("claim".into()))]);
        let paid = at + self.random.delay(Span::from_days(4), 0.5);
        self.say(paid, "ticket.resolved", &subject, place, &[]);
    }

    fn survey(&mut self, at: Time, place: Place) {
        let subject = self.subject("S");
        let score = [5, 5, 5, 4, 4, 4, 4, 3, 3, 2, 1][self.random.below(11) as usize];
        self.say(at, "feedback.survey", &subject, place, &[("score", Value::Integer(score))]);
    }

    fn complain(&mut self, at: Time, place: Place) {
        let subject = self.subject("F");
        self.say(at, "feedback.complaint", &subject, place, &[("score", Value::Integer(1))]);
    }

    fn complain_of_firmware(&mut self, at: Time, place: Place) {
        let subject = self.subject("F");
        let facts = [("score", Value::Integer(1)), ("firmware", Value::Text(BAD_FIRMWARE.into()))];
        self.say(at, "feedback.complaint", &subject, place, &facts);
    }

    fn subject(&mut self, letter: &str) -> String {
        self.next_case += 1;
        format!("{letter}-{}", self.next_case)
    }

    /// An event happens, and is delivered: mostly at once, sometimes late, sometimes twice.
    fn say(
        &mut self,
        at: Time,
        kind: &'static str,
        subject: &str,
        place: Place,
        more: &[(&'static str, Value<'static>)],
    ) {
        let mut attributes = Attributes::default();
        for (name, value) in ["product", "region", "channel", "category"].into_iter().zip(place) {
            attributes.push(name, Value::Text(value.into()));
        }
        attributes.push("customer", Value::Text(format!("c{}", self.random.below(4_000)).into()));
        more.iter().for_each(|(name, value)| attributes.push(*name, value.clone()));
        let event = Event {
            id: Cow::Owned(format!("e{}", self.next_event)),
            source: Cow::Borrowed("/desk"),
            kind: Cow::Borrowed(kind),
            subject: Cow::Owned(subject.to_owned()),
            time: at,
            attributes,
        };
        self.next_event += 1;
        let late = if self.random.below(50) == 0 {
            self.random.delay(Span::from_minutes(10), 1.0)
        } else {
            Span::ZERO
        };
        let number = self.arrivals.len() as u64;
        if self.random.below(100) == 0 {
            let again = at + late + self.random.delay(Span::from_minutes(2), 1.0);
            self.arrivals.insert((again, event.id.to_string(), number), event.clone());
        }
        self.arrivals.insert((at + late, event.id.to_string(), number + 1), event);
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Above 0, at most 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn pick<T: Copy, const N: usize>(&mut self, of: &[T; N]) -> T {
        of[self.below(N as u64) as usize]
    }

    fn within(&mut self, span: Span) -> Span {
        Span::from_millis(self.below(span.millis() as u64 / 1_000) as i64 * 1_000)
    }

    /// Log-normal: half are below the median, and some are much longer. In whole seconds, at least one.
    fn delay(&mut self, median: Span, sigma: f64) -> Span {
        let normal = (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        Span::from_seconds(((median.seconds() * (sigma * normal).exp()).round() as i64).max(1))
    }

    /// Knuth's method; the means here are small.
    fn poisson(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut n) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            n += 1;
        }
        n
    }
}
