//! What working out a due instant costs: for a goal of two hours, of 15 working days and of three years, on one calendar
//! with split days and the holidays of China. How far away the answer lies should not matter.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use watchbell::calendar::Calendar;
use watchbell::config::calendar;
use watchbell::time::{Span, Time};

/// Of so many rounds the fastest counts: what else the machine does only makes them slower.
const ROUNDS: usize = 20;

const OFFICE: &str = r#"
name = "office"
zone = "Asia/Shanghai"
holidays_from = "cn"
[weekly]
monday = ["09:00-12:00", "13:00-18:00"]
tuesday = ["09:00-12:00", "13:00-18:00"]
wednesday = ["09:00-12:00", "13:00-18:00"]
thursday = ["09:00-12:00", "13:00-18:00"]
friday = ["09:00-12:00", "13:00-18:00"]
"#;

/// A goal, and when it is used up.
type Due = fn(&Calendar, Time) -> Time;

/// The instants at which clocks start: a minute and a bit apart, over the 26th of September 2025.
fn starts() -> Vec<Time> {
    let start = Time::parse("2025-09-26T00:00:00+08:00").expect("an instant");
    (0..1_024).map(|n| start + Span::from_millis(n * 61_003)).collect()
}

/// Nanoseconds for one due instant, in the fastest round; every round asserts the sum of its answers.
fn measure(calendar: &Calendar, due: Due, starts: &[Time]) -> f64 {
    let sum = |due: Due| {
        starts.iter().fold(0, |sum: i64, start| sum.wrapping_add(due(calendar, black_box(*start)).millis()))
    };
    let expected = sum(due);
    let round = |_| {
        let began = Instant::now();
        let found = sum(black_box(due));
        let ns = began.elapsed().as_nanos() as f64 / starts.len() as f64;
        assert_eq!(found, expected);
        ns
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

/// Prints nanoseconds for each goal, and what they are of the first.
#[expect(clippy::print_stdout, reason = "a benchmark's answer")]
pub fn figures(small: bool) {
    let began = Instant::now();
    let calendar = calendar::read("office.toml", OFFICE).expect("valid");
    let lay_out_ms = began.elapsed().as_secs_f64() * 1_000.0;
    // 765 days of eight hours, by the holidays of 2025 and 2026 and by the week after them, are three years to the minute.
    let goals: [(&str, Due, &str); 3] = [
        ("2 hours", |calendar, start| calendar.add(start, Span::from_hours(2)), "2025-09-26T18:00:00+08:00"),
        (
            "15 working days",
            |calendar, start| calendar.end_of_working_day(start, 15, false),
            "2025-10-24T00:00:00+08:00",
        ),
        (
            "3 years",
            |calendar, start| calendar.add(start, Span::from_hours(8 * 765)),
            "2028-09-26T16:00:00+08:00",
        ),
    ];
    let noon = Time::parse("2025-09-26T16:00:00+08:00").expect("an instant");
    let starts = if small { starts()[..16].to_vec() } else { starts() };
    println!("due instant           ns   ratio to the first    (laid out in {lay_out_ms:.1} ms)");
    let mut first = None;
    for (name, due, expected) in goals {
        assert_eq!(calendar.local(due(&calendar, noon)), expected, "{name}");
        let ns = measure(&calendar, due, &starts);
        let ratio = ns / *first.get_or_insert(ns);
        println!("  {name:16} {ns:>7.1} {ratio:>10.2}");
        assert!(small || ratio <= 2.0, "{name}: how far away the answer lies should not matter");
    }
}
