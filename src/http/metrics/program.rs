//! What does an operator look at? Each log in this process, the aggregate, and the program itself.

use super::families::Families;
use crate::calendar;
use crate::engine::picture::{LogPicture, Picture, Pictures, State};
use crate::event::Reason;
use crate::names::metric::Metric;

pub(super) fn write(families: &mut Families, picture: &Picture, pictures: &dyn Pictures) {
    // Where the engine's time runs fast, a second of the wall is many: what is behind by that is not late.
    let speed = if picture.speed > 0.0 { picture.speed } else { 1.0 };
    for log in &picture.logs {
        write_log(families, log, speed);
    }
    for state in State::ALL {
        families.gauge(Metric::State, &[("state", state.name())], flag(state == picture.state));
    }
    families.gauge(Metric::LogsOwned, &[], picture.logs.len() as f64);
    families.gauge(Metric::WallJump, &[], pictures.wall_jump_seconds());
    families.gauge(Metric::BrokersUnanswered, &[], pictures.unanswered_seconds());
    families.gauge(Metric::AggregateOwned, &[], flag(picture.aggregate.is_some()));
    if let Some(aggregate) = &picture.aggregate {
        families.gauge(Metric::AggregateSources, &[], f64::from(aggregate.sources));
        families.gauge(Metric::AggregateSourcesMissing, &[], aggregate.sources_missing.len() as f64);
        if let Some(clock) = aggregate.clock {
            let behind = (picture.at - clock).seconds().max(0.0) / speed;
            families.gauge(Metric::AggregateClockLag, &[], behind);
        }
    }
    families.gauge(Metric::Speed, &[], picture.speed);
    let build = [
        ("version", picture.version),
        ("commit", env!("WATCHBELL_COMMIT")),
        ("tzdb", calendar::zones_release()),
    ];
    families.gauge(Metric::BuildInfo, &build, 1.0);
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn write_log(families: &mut Families, log: &LogPicture, speed: f64) {
    let (topic, partition) = log.place.rsplit_once('/').unwrap_or((&log.place, ""));
    let place = [("topic", topic), ("partition", partition)];
    for state in State::ALL {
        let labels = [place[0], place[1], ("state", state.name())];
        families.gauge(Metric::LogState, &labels, flag(state == log.state));
    }
    // Nothing else is known of a log before it is taken over.
    if log.state == State::Starting {
        return;
    }
    if log.clock.is_some() {
        families.gauge(Metric::LogClockLag, &place, log.clock_lag_seconds / speed);
    }
    if let Some(age) = log.checkpoint_age_seconds {
        families.gauge(Metric::LogCheckpointAge, &place, age);
    }
    for (metric, value) in [
        (Metric::LogLag, log.end_offset.saturating_sub(log.next_offset) as f64),
        (Metric::LogHeldBack, log.high_watermark.saturating_sub(log.end_offset) as f64),
        (Metric::LogFenceAge, log.fence_age_seconds),
        (Metric::LogCases, log.cases as f64),
        (Metric::LogMemory, log.memory_bytes as f64),
    ] {
        families.gauge(metric, &place, value);
    }
    for (metric, value) in [
        (Metric::LogRecords, log.records as f64),
        (Metric::LogApplied, log.applied as f64),
        (Metric::LogDuplicates, log.duplicates as f64),
        (Metric::LogCuts, log.cuts as f64),
        (Metric::LogCutSeconds, log.cut_seconds),
        (Metric::LogCutsInDoubt, log.cuts_in_doubt as f64),
        (Metric::LogDifferences, log.reconciliation_differences as f64),
    ] {
        families.counter(metric, &place, value);
    }
    // Those that did not happen are there with 0, or the first of each would not be seen as a rise.
    for reason in Reason::CODES {
        let n = log.rejected.get(reason).copied().unwrap_or(0);
        let labels = [place[0], place[1], ("reason", reason)];
        families.counter(Metric::LogRejects, &labels, n as f64);
    }
}
