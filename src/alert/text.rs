//! How is an alert said in words? One sentence, in English and in 中文.

use super::{About, Alert, Promise};
use crate::names::Text;
use crate::time::Span;

/// What an alert says, in one sentence.
pub fn summary(alert: &Alert) -> Text {
    match &alert.about {
        About::Warning(promise) => warning(promise),
        About::Breach(promise) => breach(promise),
        About::Signal(signal) => signal.summary(),
        About::Crisis(crisis) => crisis.summary(),
    }
}

fn due(promise: &Promise) -> String {
    promise.due.map_or_else(|| "–".to_owned(), |due| due.to_string())
}

fn warning(promise: &Promise) -> Text {
    if let Some(offset) = promise.offset_seconds {
        return at_offset(promise, offset);
    }
    let percent = promise.threshold * 100.0;
    let Promise { subject, title, .. } = promise;
    let due = due(promise);
    Text::new(
        format!("{subject}: {percent:.0} % of the time is used, due {due} ({})", title.en),
        format!("{subject}：时限已用去{percent:.0}%，应于 {due} 前完成（{}）", title.zh),
    )
}

fn at_offset(promise: &Promise, offset_seconds: f64) -> Text {
    let Promise { subject, title, .. } = promise;
    let due = due(promise);
    let by = Span::from_millis((offset_seconds.abs() * 1_000.0) as i64);
    if offset_seconds < 0.0 {
        Text::new(
            format!("{subject}: {by} left, due {due} ({})", title.en),
            format!("{subject}：还剩 {by}，应于 {due} 前完成（{}）", title.zh),
        )
    } else {
        Text::new(
            format!("{subject}: {by} over, was due {due} ({})", title.en),
            format!("{subject}：已超时 {by}，原应于 {due} 前完成（{}）", title.zh),
        )
    }
}

fn breach(promise: &Promise) -> Text {
    let Promise { subject, title, .. } = promise;
    let due = due(promise);
    match promise.late_seconds {
        None => Text::new(
            format!("{subject}: overdue since {due} ({})", title.en),
            format!("{subject}：自 {due} 起已超时（{}）", title.zh),
        ),
        Some(late) => {
            let late = Span::from_millis((late * 1_000.0) as i64);
            Text::new(
                format!("{subject}: {late} late, was due {due} ({})", title.en),
                format!("{subject}：超时 {late}，原应于 {due} 前完成（{}）", title.zh),
            )
        }
    }
}
