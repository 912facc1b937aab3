//! How cases went through their lifecycles, as a section of a report, in English or 中文.

use super::say;
use super::show_report::{duration, interval, percent};
use super::table::Table;
use crate::app::conduct::{LifecycleReport, ViolationReport};
use crate::names::Lang;

/// How many kinds of violation are listed for a lifecycle; the JSON report has them all.
const VIOLATIONS_SHOWN: usize = 10;

/// All lifecycles: first how many cases went as they should, then what was wrong, and how long it took.
pub fn text(lifecycles: &[LifecycleReport], lang: Lang) -> String {
    if lifecycles.is_empty() {
        return String::new();
    }
    let mut table = match lang {
        Lang::En => Table::new(["Lifecycles", "cases", "ended", "conforming", "share", "95 % interval"]),
        Lang::Zh => Table::new(["流程", "案例", "已结束", "合规", "合规率", "95%置信区间"]),
    };
    for one in lifecycles {
        table.row([
            one.title.get(lang).to_owned(),
            one.cases.to_string(),
            one.ended.to_string(),
            one.conforming.to_string(),
            percent(one.conforming_share),
            interval(one.conforming_share_interval),
        ]);
    }
    let each = lifecycles.iter().map(|one| format!("{}{}", violations(one, lang), states(one, lang)));
    format!("{}{}", table.lines(), each.collect::<String>())
}

fn violations(lifecycle: &LifecycleReport, lang: Lang) -> String {
    if lifecycle.violations.is_empty() {
        return String::new();
    }
    let title = lifecycle.title.get(lang);
    let mut table = match lang {
        Lang::En => Table::new([&format!("{title}: what should not be"), "times"]),
        Lang::Zh => Table::new([&format!("{title}：违规"), "次数"]),
    };
    let mut most: Vec<&ViolationReport> = lifecycle.violations.iter().collect();
    most.sort_by_key(|one| std::cmp::Reverse(one.count));
    for one in most.iter().take(VIOLATIONS_SHOWN) {
        table.row([violation(lifecycle, one, lang), one.count.to_string()]);
    }
    let left_out: u64 = most.iter().skip(VIOLATIONS_SHOWN).map(|one| one.count).sum();
    if left_out > 0 {
        table.row([say(lang, "all others", "其他").to_owned(), left_out.to_string()]);
    }
    table.lines()
}

fn violation(lifecycle: &LifecycleReport, one: &ViolationReport, lang: Lang) -> String {
    let title = |name: &Option<std::sync::Arc<str>>| {
        let state = lifecycle.states.iter().find(|state| name.as_ref() == Some(&state.name));
        state.map_or("–", |state| state.title.get(lang))
    };
    let (from, to) = (title(&one.from), title(&one.to));
    let event = one.event.as_deref().unwrap_or_default();
    match (one.kind, lang) {
        ("not_begun", Lang::En) => format!("began with {event}"),
        ("not_begun", Lang::Zh) => format!("以{event}开始"),
        ("missing", Lang::En) => format!("“{to}” was missing at “{from}”"),
        ("missing", Lang::Zh) => format!("到“{from}”时缺少“{to}”"),
        ("after_end", Lang::En) => format!("{event} after the end, “{from}”"),
        ("after_end", Lang::Zh) => format!("结束（“{from}”）后出现{event}"),
        (_, Lang::En) => format!("{event} in “{from}”"),
        (_, Lang::Zh) => format!("处于“{from}”时出现{event}"),
    }
}

fn states(lifecycle: &LifecycleReport, lang: Lang) -> String {
    let title = lifecycle.title.get(lang);
    let mut table = match lang {
        Lang::En => {
            Table::new([&format!("{title}: time in each state"), "left it", "p50", "p95", "longest", "in it"])
        }
        Lang::Zh => {
            Table::new([&format!("{title}：各环节停留时间"), "已离开", "p50", "p95", "最长", "停留中"])
        }
    };
    for one in lifecycle.states.iter().filter(|one| one.here + one.stayed_seconds.n > 0) {
        let stayed = &one.stayed_seconds;
        table.row([
            one.title.get(lang).to_owned(),
            stayed.n.to_string(),
            duration(stayed.p50, lang),
            duration(stayed.p95, lang),
            duration(stayed.max, lang),
            one.here.to_string(),
        ]);
    }
    table.lines()
}
