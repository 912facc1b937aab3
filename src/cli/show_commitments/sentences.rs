//! How is a promise said in plain sentences?

use super::super::say;
use crate::calendar::{Calendar, Hours};
use crate::names::{Lang, Text, plain};
use crate::sla::policy::{Commitment, Condition, Goal, Limit, Stop, Test};
use crate::time::{Span, Time};

/// What a customer should know of a promise, a sentence for each question that they may have.
pub fn of(commitment: &Commitment, lang: Lang) -> Vec<String> {
    let said = [
        about(&commitment.scope, lang),
        Some(within(commitment, lang)),
        Some(span(commitment, lang)),
        Some(pauses(commitment, lang)),
        lapses(commitment, lang),
        since(commitment, lang),
        clause(&commitment.clause, lang),
    ];
    said.into_iter().flatten().collect()
}

/// The limit alone: `24 hours`.
pub fn limit(goal: &Goal, lang: Lang) -> String {
    match goal {
        Goal::Limit(limit) => one_limit(*limit, lang),
        Goal::At { attribute } => attribute_words(attribute, lang),
        Goal::Table { rows, otherwise, .. } => {
            let row = |(value, limit): &(String, Limit)| {
                format!("{value}{}{}", say(lang, ": ", "："), one_limit(*limit, lang))
            };
            let others = otherwise
                .map(|limit| format!("{}{}", say(lang, "otherwise ", "其他："), one_limit(limit, lang)));
            let rows: Vec<String> = rows.iter().map(row).chain(others).collect();
            rows.join(say(lang, "; ", "；"))
        }
    }
}

fn one_limit(limit: Limit, lang: Lang) -> String {
    match (limit, lang) {
        (Limit::Duration(span), _) => words(span, lang),
        (Limit::WorkingDays(1), Lang::En) => "1 working day".into(),
        (Limit::WorkingDays(n), Lang::En) => format!("{n} working days"),
        (Limit::WorkingDays(n), Lang::Zh) => format!("{n}个工作日"),
        (Limit::CalendarDays(1), Lang::En) => "1 day".into(),
        (Limit::CalendarDays(n), Lang::En) => format!("{n} days"),
        (Limit::CalendarDays(n), Lang::Zh) => format!("{n}日"),
    }
}

/// Hours, minutes and seconds; never days, of which nobody knows how long they are.
fn words(span: Span, lang: Lang) -> String {
    let total = span.millis() / 1_000;
    let parts =
        [(total / 3_600, "hour", "小时"), (total / 60 % 60, "minute", "分钟"), (total % 60, "second", "秒")];
    let parts = parts.iter().filter(|(n, ..)| *n > 0).map(|(n, en, zh)| match lang {
        Lang::En => format!("{n} {en}{}", if *n == 1 { "" } else { "s" }),
        Lang::Zh => format!("{n}{zh}"),
    });
    parts.collect::<Vec<_>>().join(say(lang, " ", ""))
}

fn about(scope: &[Test], lang: Lang) -> Option<String> {
    if scope.is_empty() {
        return None;
    }
    let tests: Vec<String> = scope.iter().map(|test| cases(test, lang)).collect();
    Some(match lang {
        Lang::En => format!("It is about: {}.", tests.join("; ")),
        Lang::Zh => format!("适用范围：{}。", tests.join("；")),
    })
}

/// The cases that pass a test: `service, repairs and replacements`.
fn cases(test: &Test, lang: Lang) -> String {
    let plain: Option<Vec<Text>> =
        test.one_of.iter().map(|value| plain::cases(&test.attribute, value)).collect();
    match plain.filter(|plain| !plain.is_empty()) {
        Some(plain) => {
            listed(plain.iter().map(|text| text.get(lang).to_owned()).collect(), "and", "和", lang)
        }
        None => passes(test, lang),
    }
}

/// A test on an event's own attributes: `the fault is confirmed`, `priority: P1 or P2`.
fn passes(test: &Test, lang: Lang) -> String {
    let name = attribute_words(&test.attribute, lang);
    if test.one_of == ["true"] {
        return name;
    }
    match (test.one_of.is_empty(), lang) {
        (true, Lang::En) => format!("{name} is known"),
        (true, Lang::Zh) => format!("已注明{name}"),
        (false, _) => {
            let values = listed(test.one_of.clone(), "or", "或", lang);
            format!("{name}{}{values}", say(lang, ": ", "："))
        }
    }
}

fn attribute_words(name: &str, lang: Lang) -> String {
    plain::attribute(name).map_or_else(|| name.to_owned(), |text| text.get(lang).to_owned())
}

fn within(commitment: &Commitment, lang: Lang) -> String {
    let calendar = &commitment.calendar;
    match (&commitment.goal, lang) {
        (Goal::Limit(limit), Lang::En) => {
            format!("The limit is {}{}.", one_limit(*limit, lang), counted(*limit, calendar, lang))
        }
        (Goal::Limit(limit), Lang::Zh) => {
            format!("时限为{}{}。", one_limit(*limit, lang), counted(*limit, calendar, lang))
        }
        (Goal::At { attribute }, Lang::En) => format!("It is done by {}.", attribute_words(attribute, lang)),
        (Goal::At { attribute }, Lang::Zh) => format!("最迟在{}完成。", attribute_words(attribute, lang)),
        (goal @ Goal::Table { attribute, rows, otherwise }, lang) => {
            let by = attribute_words(attribute, lang);
            let counted = rows.first().map_or_else(String::new, |(_, limit)| counted(*limit, calendar, lang));
            let limits = limit(goal, lang);
            let others = match otherwise {
                Some(_) => "",
                None => say(lang, " In other cases nothing is promised.", "其他情况不作承诺。"),
            };
            match lang {
                Lang::En => format!("The limit depends on the {by}{counted}. {limits}.{others}"),
                Lang::Zh => format!("时限按{by}确定{counted}。{limits}。{others}"),
            }
        }
    }
}

/// In which hours a limit is counted; begins with a comma.
fn counted(limit: Limit, calendar: &Calendar, lang: Lang) -> String {
    let holidays = calendar.holiday_years().is_some();
    let (zone, hours) = (calendar.zone_name(), hours(calendar, lang));
    match (limit, hours, lang) {
        (Limit::Duration(_), None, Lang::En) => {
            ", counted day and night, also at weekends and on public holidays".into()
        }
        (Limit::Duration(_), None, Lang::Zh) => "，全天候计时，周末和节假日照常计入".into(),
        (Limit::CalendarDays(_), _, Lang::En) => format!(
            ", to the end of the last day ({zone} time); the day on which it begins is not counted, weekends and public \
             holidays are"
        ),
        (Limit::CalendarDays(_), _, Lang::Zh) => {
            format!("，至最后一日结束时为止（{zone}时间）；起始当日不计，周末和节假日计入")
        }
        (Limit::WorkingDays(_), hours, Lang::En) => {
            let days = hours.map_or_else(String::new, |hours| format!("; working days: {hours}"));
            let except = if holidays {
                ", public holidays and the days worked for them taken into account"
            } else {
                ""
            };
            format!(
                ", to the end of the last of them ({zone} time); the day on which it begins is not counted{days}{except}"
            )
        }
        (Limit::WorkingDays(_), hours, Lang::Zh) => {
            let days = hours.map_or_else(String::new, |hours| format!("；工作日为{hours}"));
            let except = if holidays { "，并按法定节假日及调休安排调整" } else { "" };
            format!("，至最后一个工作日结束时为止（{zone}时间）；起始当日不计{days}{except}")
        }
        (Limit::Duration(_), Some(hours), Lang::En) => {
            let except = if holidays { ", but not on public holidays" } else { "" };
            format!(", counted only in these hours ({zone} time): {hours}{except}")
        }
        (Limit::Duration(_), Some(hours), Lang::Zh) => {
            let except = if holidays { "，法定节假日除外" } else { "" };
            format!("，仅在以下时间内计时（{zone}时间）：{hours}{except}")
        }
    }
}

/// The hours of a week, days of equal hours together; `None`: all there are.
fn hours(calendar: &Calendar, lang: Lang) -> Option<String> {
    const DAYS: [(&str, &str); 7] = [
        ("Monday", "周一"),
        ("Tuesday", "周二"),
        ("Wednesday", "周三"),
        ("Thursday", "周四"),
        ("Friday", "周五"),
        ("Saturday", "周六"),
        ("Sunday", "周日"),
    ];
    let week = calendar.weekly()?;
    let day = |n: usize| say(lang, DAYS[n].0, DAYS[n].1);
    let mut said = Vec::new();
    let mut from = 0;
    for same in week.chunk_by(|one, next| one == next) {
        let to = from + same.len() - 1;
        if !same[0].is_empty() {
            let days = match to - from {
                0 => day(from).to_owned(),
                1 => format!("{}{}{}", day(from), say(lang, " and ", "、"), day(to)),
                _ => format!("{}{}{}", day(from), say(lang, " to ", "至"), day(to)),
            };
            said.push(format!("{days}{}", of_day(&same[0], lang)));
        }
        from = to + 1;
    }
    Some(said.join(say(lang, "; ", "；")))
}

/// ` 09:00–12:00 and 13:00–18:00`; nothing for a whole day.
fn of_day(hours: &Hours, lang: Lang) -> String {
    if hours.as_slice() == [(0, 1_440)] {
        return String::new();
    }
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let parts = hours.iter().map(|(from, to)| format!("{}–{}", clock(*from), clock(*to)));
    format!(" {}", listed(parts.collect(), "and", "和", lang))
}

fn span(commitment: &Commitment, lang: Lang) -> String {
    let start = any_of(&commitment.start, lang);
    let stop = match &commitment.stop {
        Stop::Any(conditions) => any_of(conditions, lang),
        Stop::All(conditions) => {
            let parts = conditions.iter().map(|condition| happens(condition, lang));
            let all = listed(parts.collect(), "and", "且", lang);
            format!("{}{all}", say(lang, "all of this has happened: ", ""))
        }
    };
    match lang {
        Lang::En => format!("The time begins when {start}, and ends when {stop}."),
        Lang::Zh => format!("自{start}起计时，至{stop}为止。"),
    }
}

fn pauses(commitment: &Commitment, lang: Lang) -> String {
    if commitment.pause.is_empty() {
        return say(lang, "Nothing stops the clock in between.", "期间不暂停计时。").to_owned();
    }
    let (pause, resume) = (any_of(&commitment.pause, lang), any_of(&commitment.resume, lang));
    match (commitment.resume.is_empty(), lang) {
        (false, Lang::En) => format!("It is not counted from when {pause} until {resume}."),
        (false, Lang::Zh) => format!("自{pause}起暂停计时，至{resume}时恢复。"),
        (true, Lang::En) => format!("It is not counted from when {pause}."),
        (true, Lang::Zh) => format!("自{pause}起不再计时。"),
    }
}

fn lapses(commitment: &Commitment, lang: Lang) -> Option<String> {
    let cancel = (!commitment.cancel.is_empty()).then(|| any_of(&commitment.cancel, lang))?;
    Some(match lang {
        Lang::En => format!("The promise no longer holds once {cancel}."),
        Lang::Zh => format!("{cancel}后，本承诺不再适用。"),
    })
}

fn since(commitment: &Commitment, lang: Lang) -> Option<String> {
    let (from, until) = (commitment.effective_from, commitment.effective_until);
    let day = |at: Time| day(&commitment.calendar, at, lang);
    match (from > Time::MIN, until < Time::NEVER, lang) {
        (false, false, _) => None,
        (true, false, Lang::En) => Some(format!("It holds for what begins from {} on.", day(from))),
        (true, false, Lang::Zh) => Some(format!("适用于{}起开始的案例。", day(from))),
        (false, true, Lang::En) => Some(format!("It holds for what begins before {}.", day(until))),
        (false, true, Lang::Zh) => Some(format!("适用于{}之前开始的案例。", day(until))),
        (true, true, Lang::En) => {
            Some(format!("It holds for what begins from {} on and before {}.", day(from), day(until)))
        }
        (true, true, Lang::Zh) => Some(format!("适用于{}起、{}之前开始的案例。", day(from), day(until))),
    }
}

/// An instant as people write it: the date alone at midnight.
fn day(calendar: &Calendar, at: Time, lang: Lang) -> String {
    let (local, zone) = (calendar.local(at), calendar.zone_name());
    let (date, clock) = local.split_once('T').unwrap_or((&local, ""));
    let clock = match clock.get(..5) {
        Some("00:00") | None => String::new(),
        Some(clock) => format!(" {clock}"),
    };
    match lang {
        Lang::En => format!("{date}{clock} ({zone} time)"),
        Lang::Zh => format!("{date}{clock}（{zone}时间）"),
    }
}

/// Where the promise comes from; a default of ours comes from nowhere.
fn clause(clause: &str, lang: Lang) -> Option<String> {
    match clause {
        "" | "ours" => None,
        clause => Some(match lang {
            Lang::En => format!("Source: {clause}."),
            Lang::Zh => format!("依据：{clause}。"),
        }),
    }
}

fn any_of(conditions: &[Condition], lang: Lang) -> String {
    let parts = conditions.iter().map(|condition| happens(condition, lang));
    listed(parts.collect(), "or", "或", lang)
}

/// An event in words, with what must be true of it.
fn happens(condition: &Condition, lang: Lang) -> String {
    let event = plain::event(&condition.kind);
    let event = event.map_or_else(
        || match lang {
            Lang::En => format!("“{}” happens", condition.kind),
            Lang::Zh => format!("“{}”发生", condition.kind),
        },
        |text| text.get(lang).to_owned(),
    );
    if condition.tests.is_empty() {
        return event;
    }
    let tests: Vec<String> = condition.tests.iter().map(|test| passes(test, lang)).collect();
    match lang {
        Lang::En => format!("{event} ({})", tests.join(", ")),
        Lang::Zh => format!("{event}（{}）", tests.join("、")),
    }
}

/// `a, b and c`.
fn listed(mut parts: Vec<String>, en: &str, zh: &str, lang: Lang) -> String {
    let Some(last) = parts.pop() else { return String::new() };
    if parts.is_empty() {
        return last;
    }
    match lang {
        Lang::En => format!("{} {en} {last}", parts.join(", ")),
        Lang::Zh => format!("{}{zh}{last}", parts.join("、")),
    }
}
