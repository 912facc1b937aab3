//! When a case is due, and why: its days half-hour by half-hour, and the sums, in English or 中文.

use super::{length, say};
use crate::app::due::Worked;
use crate::names::Lang;
use crate::sla::due::{Day, Goal, Half, days};
use crate::sla::terms::Landing;
use crate::time::Span;

/// How many days are drawn.
const DAYS_SHOWN: usize = 14;

/// All cases.
pub fn text(worked: &[Worked], lang: Lang) -> String {
    let pages: Vec<String> = worked.iter().map(|one| page(one, lang)).collect();
    pages.join("\n")
}

fn page(one: &Worked, lang: Lang) -> String {
    let answer = &one.answer;
    let mut text = format!("{}\n", one.id);
    let mut line = |en: &str, zh: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("  {} {value}\n", say(lang, en, zh)));
        }
    };
    let span = |span: Option<Span>| span.map(|span| length(span, lang));
    line("started  ", "开始  ", Some(one.local(answer.started)));
    line("goal     ", "时限  ", one.case.goal.map(|goal| goal_text(goal, lang)));
    for (from, to) in &answer.pauses {
        let to = to.map_or_else(|| say(lang, "still", "至今").to_owned(), |to| one.local(to));
        line("paused   ", "暂停  ", Some(format!("{} … {to}", one.local(*from))));
    }
    line("held     ", "暂停计", span(answer.hold));
    line("ended    ", "结束  ", answer.end.map(|end| one.local(end)));
    line("used     ", "已用  ", span(answer.elapsed));
    line("due was  ", "原到期", answer.due_before.map(|due| one.local(due)));
    line("due      ", "到期  ", answer.due.map(|due| one.local(due)));
    line("warning  ", "预警  ", answer.warning.map(|at| one.local(at)));
    line("verdict  ", "结论  ", answer.breached.map(|breached| verdict(breached, answer.late, lang)));
    let (drawn, more) = days(&one.case, answer, DAYS_SHOWN);
    text.push_str(&picture(&drawn, more, lang));
    text
}

fn goal_text(goal: Goal, lang: Lang) -> String {
    let (days, landing) = match goal {
        Goal::Open(span) => {
            let span = length(span, lang);
            return match lang {
                Lang::En => format!("{span} of open time"),
                Lang::Zh => format!("营业时间 {span}"),
            };
        }
        Goal::WorkingDays(days, landing) => (days, landing),
    };
    let lands = match landing {
        Landing::SameTime => say(lang, "at the same time of day", "同一时刻"),
        Landing::NextOpen => {
            say(lang, "at the same time of day or the next opening", "同一时刻，闭门则顺延至开门")
        }
        Landing::Closing | Landing::Midnight => say(lang, "at the end of the day's hours", "当日营业结束"),
    };
    match lang {
        Lang::En => format!("{days} working days, {lands}"),
        Lang::Zh => format!("{days} 个工作日，{lands}"),
    }
}

fn verdict(breached: bool, late: Option<Span>, lang: Lang) -> String {
    let late = late.filter(|late| *late > Span::ZERO).map(|late| length(late, lang));
    match (breached, late) {
        (false, _) => say(lang, "within the goal", "未超时").to_owned(),
        (true, None) => say(lang, "OVER THE GOAL", "已超时").to_owned(),
        (true, Some(late)) => match lang {
            Lang::En => format!("OVER THE GOAL by {late}"),
            Lang::Zh => format!("已超时 {late}"),
        },
    }
}

/// A row for each day, a sign for each half-hour.
fn picture(days: &[Day], more: i64, lang: Lang) -> String {
    let sign = |half: &Half| match half {
        Half::Closed => '·',
        Half::Open => '░',
        Half::Counted => '█',
        Half::Paused => '‖',
        Half::Due => '◆',
    };
    let mut text = format!("  {:10}  0     3     6     9     12    15    18    21\n", "");
    for day in days {
        let halves: String = day.halves.iter().map(sign).collect();
        text.push_str(&format!("  {}  {halves}\n", day.date));
    }
    if more > 0 {
        text.push_str(&match lang {
            Lang::En => format!("  … about {more} more days\n"),
            Lang::Zh => format!("  … 另有约 {more} 天\n"),
        });
    }
    let legend =
        say(lang, "█ counted  ‖ paused  ░ open  · closed  ◆ due", "█ 计入  ‖ 暂停  ░ 营业  · 闭门  ◆ 到期");
    text.push_str(&format!("  {legend}\n"));
    text
}
