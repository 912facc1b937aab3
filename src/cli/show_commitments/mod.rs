//! The promises as a customer may read them, in English or 中文: one page of plain sentences, written as Markdown or
//! HTML.

use super::{length, say};
use crate::app::commitments::{Catalogue, Goal as Overall, History, Promise};
use crate::names::Lang;
use crate::sla::objective::Operator;
use crate::time::Span;

mod html;
mod markdown;
mod sentences;

pub use html::html;
pub use markdown::markdown;

/// A page before it is written in one form or the other: nothing in it is escaped.
pub struct Page {
    lang: Lang,
    title: String,
    lead: Vec<String>,
    /// The limits side by side, with what was achieved beside each; the first row is the header.
    table: Vec<Vec<String>>,
    /// What the table is about.
    caption: String,
    /// What must be known to read it.
    notes: Vec<String>,
    sections: Vec<Section>,
}

/// What is said of one promise.
struct Section {
    title: String,
    sentences: Vec<String>,
}

/// The page of a catalogue.
pub fn page(catalogue: &Catalogue, lang: Lang) -> Page {
    let history = catalogue.history.as_ref();
    let mut sections: Vec<Section> =
        catalogue.promises.iter().map(|promise| section(promise, lang)).collect();
    if !catalogue.objectives.is_empty() {
        let title = say(lang, "Over all cases together", "整体目标").to_owned();
        let sentences = catalogue.objectives.iter().map(|goal| overall(goal, lang)).collect();
        sections.push(Section { title, sentences });
    }
    Page {
        lang,
        title: say(lang, "What we promise", "服务承诺").to_owned(),
        lead: vec![
            say(
                lang,
                "These are the promises we make to you. Each says what we do, within which time, from when to when that \
                 time is counted, and what it does not cover.",
                "以下是我们对您的服务承诺。每一项都写明做什么、多长时间内做到、从何时计到何时，以及哪些情况不适用。",
            )
            .to_owned(),
        ],
        table: table(&catalogue.promises, history.is_some(), lang),
        caption: caption(history, lang),
        notes: history.map_or_else(Vec::new, |_| notes(lang)),
        sections,
    }
}

fn table(promises: &[Promise], achieved: bool, lang: Lang) -> Vec<Vec<String>> {
    let mut header = vec![say(lang, "Promise", "承诺"), say(lang, "Limit", "时限")];
    if achieved {
        header.extend(match lang {
            Lang::En => ["half took at most", "95 in 100 took at most", "finished", "kept", "cases"],
            Lang::Zh => ["半数用时不超过", "95%用时不超过", "已完成", "兑现率", "件数"],
        });
    }
    let rows = promises.iter().map(|promise| {
        let commitment = &promise.commitment;
        let mut row = vec![commitment.title.get(lang).to_owned(), sentences::limit(&commitment.goal, lang)];
        if achieved {
            row.extend(figures(promise, lang));
        }
        row
    });
    [header.into_iter().map(str::to_owned).collect()].into_iter().chain(rows).collect()
}

fn figures(promise: &Promise, lang: Lang) -> [String; 5] {
    let none = || "–".to_owned();
    let Some(one) = &promise.achieved else { return [none(), none(), "0".into(), none(), "0".into()] };
    let took = &one.elapsed_seconds;
    let shown = |seconds: Option<f64>| seconds.map_or_else(none, |seconds| took_at_most(seconds, lang));
    let kept = one.kept_share.zip(one.kept_share_interval).map(|(share, (low, high))| match lang {
        Lang::En => format!("{} ({:.1}–{:.1} %)", percent(share, lang), low * 100.0, high * 100.0),
        Lang::Zh => format!("{}（{:.1}%–{:.1}%）", percent(share, lang), low * 100.0, high * 100.0),
    });
    let judged = one.kept + one.breached;
    [shown(took.p50), shown(took.p95), took.n.to_string(), kept.unwrap_or_else(none), judged.to_string()]
}

/// Rounded to what matters; percentiles are measured to three digits.
fn took_at_most(seconds: f64, lang: Lang) -> String {
    let step = match seconds {
        seconds if seconds <= 3_600.0 => 1.0,
        seconds if seconds <= 172_800.0 => 60.0,
        _ => 3_600.0,
    };
    length(Span::from_seconds(((seconds / step).round() * step) as i64), lang)
}

fn percent(share: f64, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{:.1} %", share * 100.0),
        Lang::Zh => format!("{:.1}%", share * 100.0),
    }
}

fn caption(history: Option<&History>, lang: Lang) -> String {
    let Some(History { first, last, events }) = history else {
        return say(lang, "All promises and their limits", "承诺与时限一览").to_owned();
    };
    let day = |text: String| text.chars().take("2026-03-01".len()).collect::<String>();
    let (first, last) = (day(first.to_string()), day(last.to_string()));
    match lang {
        Lang::En => format!(
            "All promises, their limits, and what we achieved from {first} to {last} UTC ({events} events)"
        ),
        Lang::Zh => format!("承诺、时限与实际达成情况（{first}至{last}，UTC，共{events}个事件）"),
    }
}

fn notes(lang: Lang) -> Vec<String> {
    let notes = [
        (
            "“Took” is counted like the limit itself, in the hours that count: where nights and weekends do not, they are \
             not in it, and a day is 24 counted hours. It is taken over the cases that were finished.",
            "“用时”与时限的计法相同，只计应计入的时间：夜间、周末不计入时限的，也不计入用时；1天按计入的24小时计。仅统计已完成的案例。",
        ),
        (
            "“Kept” is the share of all cases that were finished in time, or whose time is over. In brackets is the range \
             in which the true share lies with 95 % certainty; the fewer cases, the wider it is.",
            "“兑现率”为按时完成数占已完成及已超时案例总数的比例；括号内为95%置信区间，案例越少，区间越宽。",
        ),
    ];
    notes.iter().map(|(en, zh)| say(lang, en, zh).to_owned()).collect()
}

fn section(promise: &Promise, lang: Lang) -> Section {
    let commitment = &promise.commitment;
    Section { title: commitment.title.get(lang).to_owned(), sentences: sentences::of(commitment, lang) }
}

fn overall(goal: &Overall, lang: Lang) -> String {
    let title = goal.objective.title.get(lang);
    let target = percent(goal.objective.target, lang);
    let achieved = match (lang, goal.achieved) {
        (_, None) => String::new(),
        (Lang::En, Some((share, n))) => format!(" Achieved: {} of {n} cases.", percent(share, lang)),
        (Lang::Zh, Some((share, n))) => format!("实际达成：{n}件中的{}。", percent(share, lang)),
    };
    match (lang, goal.objective.operator) {
        (Lang::En, Operator::AtLeast) => format!("{title}: at least {target} of all cases.{achieved}"),
        (Lang::En, Operator::AtMost) => format!("{title}: at most {target} of all cases.{achieved}"),
        (Lang::Zh, Operator::AtLeast) => format!("{title}：不低于全部案例的{target}。{achieved}"),
        (Lang::Zh, Operator::AtMost) => format!("{title}：不高于全部案例的{target}。{achieved}"),
    }
}
