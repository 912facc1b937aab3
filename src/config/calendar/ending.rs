//! Which promises soon run into a year whose holidays a calendar does not know?

use std::collections::BTreeMap;

use crate::calendar::Calendar;
use crate::sla::policy::{Commitment, Goal, Limit, Policy};
use crate::time::{Span, Time};

/// How far ahead it is looked: time enough to ask for next year's holidays.
pub const AHEAD_DAYS: i64 = 90;

/// The first clock of a calendar that nobody could judge rightly.
struct Ending<'a> {
    start: Time,
    year: i16,
    commitment: &'a Commitment,
    goal: String,
}

/// A sentence for each calendar that ends for a clock which starts within [`AHEAD_DAYS`] from `now`.
pub fn warnings(policy: &Policy, now: Time) -> Vec<String> {
    let mut first: BTreeMap<(&str, u64), Ending<'_>> = BTreeMap::new();
    for commitment in policy.commitments.iter().filter(|one| now < one.effective_until) {
        let calendar = &commitment.calendar;
        for limit in limits(&commitment.goal) {
            let from = now.max(commitment.effective_from);
            let Some((start, year)) = ending(calendar, limit, from, now) else { continue };
            let key = (calendar.name(), calendar.hash());
            if first.get(&key).is_none_or(|known| start < known.start) {
                first.insert(key, Ending { start, year, commitment, goal: written(limit) });
            }
        }
    }
    let warning = |((name, _), ending): (&(&str, u64), &Ending<'_>)| {
        let Ending { start, year, commitment, goal } = ending;
        let date = commitment.calendar.local_date(*start);
        format!(
            "calendar `{name}` does not know the holidays of {year}, into which `{}` ({goal}) runs when it starts on {date} \
             (list them, for instance in a file under `holidays_from`, and the year under `years`)",
            commitment.name
        )
    };
    first.iter().map(warning).collect()
}

fn limits(goal: &Goal) -> Vec<Limit> {
    match goal {
        Goal::Limit(limit) => vec![*limit],
        Goal::Table { rows, otherwise, .. } => {
            rows.iter().map(|(_, limit)| *limit).chain(*otherwise).collect()
        }
        Goal::At { .. } => Vec::new(),
    }
}

/// The first start, and the year that is missing.
fn ending(calendar: &Calendar, limit: Limit, from: Time, now: Time) -> Option<(Time, i16)> {
    let mut starts = (0..=AHEAD_DAYS).map(|days| now + Span::from_days(days)).filter(|start| *start >= from);
    starts.find_map(|start| {
        let due = match limit {
            Limit::Duration(span) => calendar.add(start, span),
            Limit::WorkingDays(days) => calendar.end_of_working_day(start, days, false),
            // Every day counts.
            Limit::CalendarDays(_) => return None,
        };
        calendar.covers(start, due).err().map(|year| (start, year))
    })
}

fn written(limit: Limit) -> String {
    match limit {
        Limit::Duration(span) => span.to_string(),
        Limit::WorkingDays(days) => format!("{days} working days"),
        Limit::CalendarDays(days) => format!("{days} calendar days"),
    }
}
