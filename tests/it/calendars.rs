//! Calendars beside a walk from minute to minute, and what they are for: the golden complaint, holidays from the files of
//! other programs, and years that run out.

mod due;
mod walk;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use jiff::civil::{Date, date};

use walk::{Definition, Walk};

/// Zones whose clocks do everything that clocks do, each with a date on which one of it happens.
const ZONES: [(&str, Date); 10] = [
    // Midnight is skipped.
    ("America/Sao_Paulo", date(2015, 10, 18)),
    ("Asia/Tehran", date(2016, 3, 21)),
    // Half an hour is.
    ("Australia/Lord_Howe", date(2015, 10, 4)),
    // Nothing ever is.
    ("Asia/Kolkata", date(2015, 3, 1)),
    ("America/New_York", date(2014, 11, 2)),
    ("Europe/Berlin", date(2016, 3, 27)),
    // Summer time of long ago.
    ("Asia/Shanghai", date(1991, 4, 14)),
    // A whole day is.
    ("Pacific/Apia", date(2011, 12, 30)),
    // Summer time pauses for a month, and then for good.
    ("Africa/Casablanca", date(2018, 5, 13)),
    // At a quarter to three.
    ("Pacific/Chatham", date(2015, 9, 27)),
];

/// Walks every zone through a month, or through `WATCHBELL_YEARS` years from 1991 on.
#[test]
fn calendars_answer_as_a_walk_from_minute_to_minute_does() {
    let years =
        std::env::var("WATCHBELL_YEARS").ok().map(|years| years.parse::<i16>().expect("a number of years"));
    let stretch = |telling: Date| match years {
        Some(years) => (date(1991, 1, 1), date(1991 + years, 1, 1)),
        None => {
            let half = jiff::Span::new().days(15);
            (telling.saturating_sub(half), telling.saturating_add(half))
        }
    };
    let (next, minutes, answers) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        while let Some((zone, telling)) = ZONES.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (from, until) = stretch(*telling);
            let definition = Definition::new(zone, from.year() - 1, until.year() + 1);
            let walk = Walk::new(&definition, from, until);
            let compared = walk.compare(&definition.calendar());
            println!("{zone:20} {from} … {until}: {} minutes, {compared} answers", walk.minutes());
            minutes.fetch_add(walk.minutes(), Ordering::Relaxed);
            answers.fetch_add(compared, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let (minutes, answers) = (minutes.into_inner(), answers.into_inner());
    println!("{} zones: {minutes} minutes, {answers} answers, all the same", ZONES.len());
    assert_eq!(next.into_inner().min(ZONES.len()), ZONES.len());
    assert!(answers > 15 * minutes, "{answers} answers at {minutes} minutes");
}
