//! How a case came to its verdicts, as a page of text, in English or 中文.

use unicode_width::UnicodeWidthStr;

use super::{length, lengths, picture, say, show_difference};
use crate::app::explain::WhatIf;
use crate::names::Lang;
use crate::sla::explain::{ExplainedClock, Explanation};
use crate::sla::outcome::Verdict;
use crate::time::{Span, Time};

/// How many stretches of counted time are written out per clock; the sums cover all.
const STRETCHES_SHOWN: usize = 12;
/// How many columns a label takes.
const LABEL: usize = 9;

/// The whole page.
pub fn text(explanations: &[Explanation], lang: Lang) -> String {
    let pages: Vec<String> = explanations.iter().map(|one| page(one, lang)).collect();
    pages.join("\n")
}

/// The present derivation, the one under the other policy, and where they do not agree.
pub fn beside(found: &WhatIf, lang: Lang) -> String {
    let WhatIf { present, what_if, differences } = found;
    let part = |title: &str, body: String| match body.is_empty() {
        true => format!("== {title}\n{}\n", say(lang, "nothing is promised", "未作承诺")),
        false => format!("== {title}\n{body}\n"),
    };
    [
        part(say(lang, "Under the present policy", "现行策略"), text(present, lang)),
        part(say(lang, "Under the other policy", "假设策略"), text(what_if, lang)),
        part(
            say(lang, "What differs, and why: present → other", "差异及原因：现行 → 假设"),
            show_difference::of_subject(differences, lang),
        ),
    ]
    .concat()
}

fn page(one: &Explanation, lang: Lang) -> String {
    let Explanation { subject, at, policy_hash, .. } = one;
    let mut text = match lang {
        Lang::En => format!(
            "{subject} as of {at}, policy {policy_hash}\n\nEvents, in the order in which they count\n"
        ),
        Lang::Zh => format!("{subject}，截至 {at}，策略 {policy_hash}\n\n事件（按生效顺序）\n"),
    };
    for event in &one.events {
        let kind = event.kind.as_deref().unwrap_or(say(lang, "(attributes only)", "（仅更新属性）"));
        let asks: Vec<String> = event.asks.iter().map(|ask| asked(ask, lang)).collect();
        let asks = if asks.is_empty() { String::new() } else { format!(" → {}", asks.join(", ")) };
        text.push_str(&format!("  {}  {kind}  {} {}{asks}\n", event.time, event.source, event.id));
    }
    one.clocks.iter().for_each(|clock| text.push_str(&explain(clock, lang)));
    if !one.clocks.is_empty() {
        text.push_str(&format!("\n{}\n", picture::legend(lang)));
    }
    text
}

fn explain(clock: &ExplainedClock, lang: Lang) -> String {
    let verdict = verdict(clock.goal.as_ref().map(|_| clock.outcome), lang);
    let colon = say(lang, ": ", "：");
    let mut text = format!("\n{} – {}{colon}{verdict}\n", clock.commitment, clock.title.get(lang));
    let mut line = |en: &str, zh: &str, value: String| {
        if !value.is_empty() {
            let label = say(lang, en, zh);
            // A Chinese character takes two columns: values stand below one another all the same.
            let gap = " ".repeat(LABEL.saturating_sub(label.width()));
            text.push_str(&format!("  {label}{gap} {value}\n"));
        }
    };
    line("from", "出处", clock.clause.clone());
    line("calendar", "日历", format!("{} ({})", clock.calendar, clock.calendar_hash));
    line("started", "开始", format!("{} ({})", clock.started, clock.start_event));
    line("goal", "时限", clock.goal.as_deref().map_or_else(String::new, |text| goal(text, lang)));
    for pause in &clock.pauses {
        let open = length(Span::from_millis((pause.seconds * 1_000.0) as i64), lang);
        let words = match lang {
            Lang::En => format!("{open} of open time not counted"),
            Lang::Zh => format!("其中营业时间 {open} 不计入"),
        };
        line("paused", "暂停", format!("{} … {}{colon}{words}", pause.from, pause.to));
    }
    for stretch in clock.counted.iter().take(STRETCHES_SHOWN) {
        let span = length(Span::from_millis((stretch.seconds * 1_000.0) as i64), lang);
        line("counted", "计入", format!("{} … {}{colon}{span}", stretch.from, stretch.to));
    }
    let more = clock.counted.len().saturating_sub(STRETCHES_SHOWN) + clock.counted_not_listed;
    if more > 0 {
        line(
            "counted",
            "计入",
            match lang {
                Lang::En => format!("… {more} more stretches (all with --json)"),
                Lang::Zh => format!("… 另有 {more} 段（用 --json 查看全部）"),
            },
        );
    }
    let elapsed = Span::from_millis((clock.elapsed_seconds * 1_000.0) as i64);
    line("sum", "合计", length(elapsed, lang));
    line("due", "应完成", due(clock, lang));
    let phase = match lang {
        Lang::En => format!("{} since {}", clock.phase, clock.since),
        Lang::Zh => format!("{}（自 {} 起）", phase(clock.phase, lang), clock.since),
    };
    line("phase", "状态", phase);
    line("picture", "图示", picture::bar(&clock.picture));
    if clock.parked > 0 {
        let words = match lang {
            Lang::En => format!("{} times, as soon as it had gone on", clock.parked),
            Lang::Zh => format!("恢复后随即又被暂停 {} 次", clock.parked),
        };
        line("parked", "搁置", words);
    }
    if let Some(year) = clock.year_without_holidays {
        let words = match lang {
            Lang::En => format!("no holidays are known for {year}"),
            Lang::Zh => format!("缺少{year}年的节假日数据"),
        };
        line("WARNING", "警告", words);
    }
    text
}

/// The verdict in a word; without one nothing is promised.
pub fn verdict(outcome: Option<Verdict>, lang: Lang) -> &'static str {
    match outcome {
        None => say(lang, "nothing is promised", "未作承诺"),
        Some(Verdict::Kept) => say(lang, "kept", "兑现"),
        Some(Verdict::Breached) => say(lang, "BREACHED", "违约"),
        Some(Verdict::Open) => say(lang, "open", "进行中"),
        Some(Verdict::Cancelled) => say(lang, "cancelled", "取消"),
    }
}

/// `start first_contact`: the verb is translated, the name is the policy's.
fn asked(ask: &str, lang: Lang) -> String {
    let verbs =
        [("start", "开始"), ("stop", "停止"), ("pause", "暂停"), ("resume", "恢复"), ("cancel", "取消")];
    let (verb, rest) = ask.split_once(' ').unwrap_or((ask, ""));
    match (lang, verbs.iter().find(|(en, _)| *en == verb)) {
        (Lang::Zh, Some((_, zh))) => format!("{zh} {rest}"),
        _ => ask.to_owned(),
    }
}

/// A goal in words. A promised instant and a goal in days come as English phrases.
pub fn goal(text: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return text.to_owned();
    }
    if let Some(at) = text.strip_prefix("until ") {
        return format!("至 {at}");
    }
    match text.strip_suffix(" of open time, to the end of the last day") {
        Some(span) => format!("营业时间{}，至最后一天结束", lengths(span, lang)),
        None => lengths(text, lang),
    }
}

/// What a clock is doing, in a word.
pub fn phase(phase: &str, lang: Lang) -> &str {
    match phase {
        "running" => say(lang, phase, "计时中"),
        "paused" => say(lang, phase, "已暂停"),
        "stopped" => say(lang, phase, "已完成"),
        "cancelled" => say(lang, phase, "已取消"),
        other => other,
    }
}

/// The due instant, and from when on the goal is exceeded where that is later: the next opening.
fn due(clock: &ExplainedClock, lang: Lang) -> String {
    let Some(due) = clock.due else {
        return if clock.goal.is_some() {
            say(lang, "not while it is paused", "暂停期间不会到期").to_owned()
        } else {
            String::new()
        };
    };
    let later = |over: &Time| *over > due;
    match clock.over_after.filter(later) {
        Some(over) => format!(
            "{due} ({} {over})",
            say(lang, "exceeded after the next opening", "下次营业开始后才算超时")
        ),
        None => due.to_string(),
    }
}
