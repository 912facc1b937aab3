//! How is an alert said in words? One sentence, in English and in 中文.

use super::{About, Alert, Promise};
use crate::names::Text;
use crate::sla::objective::{Operator, Shortfall};
use crate::time::Span;

/// What an alert says, in one sentence.
pub fn summary(alert: &Alert) -> Text {
    match &alert.about {
        About::Warning(promise) => warning(promise),
        About::Breach(promise) => breach(promise),
        About::Signal(signal) => signal.summary(),
        About::Crisis(crisis) => crisis.summary(),
        About::Objective(shortfall) => objective(shortfall),
    }
}

fn due(promise: &Promise) -> String {
    promise.due.map_or_else(|| "–".to_owned(), |due| due.to_string())
}

fn objective(shortfall: &Shortfall) -> Text {
    let Shortfall { title, n, good, target, .. } = shortfall;
    let (reached, target) = (100.0 * *good as f64 / (*n).max(1) as f64, 100.0 * target);
    let since = shortfall.began;
    let (en, zh) = match shortfall.operator {
        Operator::AtLeast => ("at least", "不低于"),
        Operator::AtMost => ("at most", "不高于"),
    };
    let figures = Text::new(
        format!("{good} of {n} ({reached:.1} %), promised {en} {target} %"),
        format!("{n} 件中 {good} 件（{reached:.1}%），承诺{zh}{target}%"),
    );
    let (what, said) = match shortfall.ended {
        None => (format!("missed since {since}"), format!("自 {since} 起未达标")),
        Some(ended) => (format!("missed from {since} to {ended}"), format!("{since} 至 {ended} 未达标")),
    };
    Text::new(
        format!("{}: {what}; {}", title.en, figures.en),
        format!("{}：{said}；{}", title.zh, figures.zh),
    )
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
