//! Where two policies do not agree, and why, in English or 中文.

use super::show_explanation::{goal, phase, verdict};
use super::show_report::percent;
use super::table::Table;
use super::{lengths, say};
use crate::app::against::{Against, Differing};
use crate::names::Lang;
use crate::sla::compare::{Difference, Effect, Reason, Side, What};

/// What one subject's clocks would have come to.
pub fn of_subject(differences: &[Difference], lang: Lang) -> String {
    if differences.is_empty() {
        return say(
            lang,
            "Both policies come to the same, in the same way.\n",
            "两份策略的结果与推导过程完全一致。\n",
        )
        .to_owned();
    }
    differences.iter().map(|one| difference(None, one, lang)).collect()
}

/// How many cases would have come out differently, by what and why, and the first of them.
pub fn of_all(against: &Against, lang: Lang) -> String {
    let Against { policy_hash, clocks, differing, subjects, .. } = against;
    let share = percent((*clocks > 0).then(|| *differing as f64 / *clocks as f64));
    let mut text = match lang {
        Lang::En => format!(
            "Against policy {policy_hash}: {differing} of {clocks} promises come out differently ({share}), in {subjects} \
             cases\n"
        ),
        Lang::Zh => format!(
            "与策略 {policy_hash} 相比：{clocks} 项承诺中有 {differing} 项结果不同（{share}），涉及 {subjects} 个案例\n"
        ),
    };
    if *differing == 0 {
        return text;
    }
    let mut effects = Table::new([say(lang, "Effect", "结果变化"), say(lang, "promises", "承诺数")]);
    against
        .by_effect
        .iter()
        .for_each(|(effect, n)| effects.row([effect_words(*effect, lang).into(), n.to_string()]));
    let mut reasons = Table::new([say(lang, "Reason", "原因"), say(lang, "promises", "承诺数")]);
    against
        .by_reason
        .iter()
        .for_each(|(what, n)| reasons.row([what_words(*what, lang).into(), n.to_string()]));
    text.push_str(&effects.lines());
    text.push_str(&reasons.lines());
    against.first.iter().for_each(|Differing { subject, difference: one }| {
        text.push_str(&difference(Some(subject), one, lang));
    });
    let more = differing - against.first.len() as u64;
    if more > 0 {
        text.push_str(&match lang {
            Lang::En => format!("  … {more} more\n"),
            Lang::Zh => format!("  … 另有 {more} 项\n"),
        });
    }
    text
}

fn difference(subject: Option<&str>, one: &Difference, lang: Lang) -> String {
    let colon = say(lang, ": ", "：");
    let subject = subject.map_or_else(String::new, |subject| format!("{subject} "));
    let mut text = format!("  {subject}{}{colon}{}\n", one.commitment, effect_words(one.effect, lang));
    let mut line = |what: &str, before: String, after: String| {
        text.push_str(&format!("    {what}{colon}{before} → {after}\n"));
    };
    let (before, after) = (one.before.as_ref(), one.after.as_ref());
    let judged = |side: Option<&Side>| verdict(side.and_then(|side| side.outcome), lang).to_owned();
    line(say(lang, "verdict", "结论"), judged(before), judged(after));
    let due = |side: Option<&Side>| {
        side.and_then(|side| side.due).map_or_else(|| "–".into(), |due| due.to_string())
    };
    if due(before) != due(after) {
        line(say(lang, "due", "应完成"), due(before), due(after));
    }
    for Reason { what, before, after } in &one.reasons {
        let shown = |text: &Option<String>| {
            text.as_ref().map_or_else(|| none(*what, lang), |text| words(*what, text, lang))
        };
        line(what_words(*what, lang), shown(before), shown(after));
    }
    text
}

fn effect_words(effect: Effect, lang: Lang) -> &'static str {
    match effect {
        Effect::BecameBroken => say(lang, "broken now", "变为违约"),
        Effect::NoLongerBroken => say(lang, "no longer broken", "不再违约"),
        Effect::NewlyPromised => say(lang, "newly promised", "新增承诺"),
        Effect::NoLongerPromised => say(lang, "no longer promised", "不再承诺"),
        Effect::OtherVerdict => say(lang, "another verdict", "结论不同"),
        Effect::DueMoved => say(lang, "due at another time", "到期时间不同"),
        Effect::SameResult => say(lang, "the same result in another way", "结果相同，推导不同"),
    }
}

fn what_words(what: What, lang: Lang) -> &'static str {
    match what {
        What::Clock => say(lang, "clock", "计时"),
        What::Start => say(lang, "start", "开始"),
        What::Goal => say(lang, "goal", "时限"),
        What::Calendar => say(lang, "calendar", "日历"),
        What::Pauses => say(lang, "pauses", "暂停"),
        What::Stop => say(lang, "stop", "结束"),
    }
}

/// What it means that something is not there.
fn none(what: What, lang: Lang) -> String {
    match what {
        What::Clock => say(lang, "none starts", "不计时"),
        What::Goal => say(lang, "nothing is promised for this case", "对此案例不作承诺"),
        What::Stop => say(lang, "still going on", "尚未结束"),
        What::Start | What::Calendar | What::Pauses => say(lang, "none", "无"),
    }
    .to_owned()
}

fn words(what: What, text: &str, lang: Lang) -> String {
    match (what, lang) {
        (What::Goal, _) => goal(text, lang),
        (What::Stop, Lang::Zh) => {
            let (ended, at) = text.split_once(' ').unwrap_or((text, ""));
            format!("{} {at}", phase(ended, lang))
        }
        // Only the length before the bracket has units to translate; an instant has none.
        (What::Pauses, Lang::Zh) => match text.split_once(" (") {
            Some((sum, rest)) => format!("{} ({rest}", lengths(sum, lang)),
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}
