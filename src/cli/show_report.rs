//! The report of a replay as a page of text, in English or 中文.

use super::show_conduct;
use super::table::Table;
use super::{length, lengths, say, show_difference};
use crate::app::report::{ClockShares, CommitmentReport, ObjectiveReport, Report};
use crate::names::Lang;
use crate::sla::objective::Operator;
use crate::sla::outcome::{Outcome, Verdict};
use crate::time::{Span, Time};

/// The whole page.
pub fn text(report: &Report, lang: Lang) -> String {
    let sections = [
        input(report, lang),
        commitments(report, lang),
        objectives(report, lang),
        tallies(report, lang),
        show_conduct::text(&report.lifecycles, lang),
        slowest(report, lang),
        findings(report, lang),
        rejects(report, lang),
        warnings(report, lang),
        report.against.as_ref().map_or_else(String::new, |against| show_difference::of_all(against, lang)),
    ];
    let filled: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    filled.join("\n")
}

fn input(report: &Report, lang: Lang) -> String {
    let input = &report.input;
    let time = |time: Option<Time>| time.map_or_else(|| "–".to_owned(), |time| time.to_string());
    let span = format!("{} … {}", time(input.first), time(input.last));
    let refused: u64 = input.rejected.values().sum();
    let unknown: u64 = input.unknown_types.values().sum();
    let alerts = &report.alerts;
    match lang {
        Lang::En => format!(
            "{} rows, {} events from {span}\n\
             {} applied, {} duplicates, {refused} refused, {unknown} of unknown types; \
             {} alerts raised, {} of them taken back\n",
            input.rows, input.events, input.applied, input.duplicates, alerts.raised, alerts.retracted
        ),
        Lang::Zh => format!(
            "{} 行，{} 个事件，时间范围 {span}\n\
             已应用 {}，重复 {}，拒收 {refused}，未知类型 {unknown}；发出告警 {}，其中撤回 {}\n",
            input.rows, input.events, input.applied, input.duplicates, alerts.raised, alerts.retracted
        ),
    }
}

fn commitments(report: &Report, lang: Lang) -> String {
    if report.commitments.is_empty() {
        return say(lang, "No clock ran.\n", "没有任何承诺开始计时。\n").to_owned();
    }
    let mut table = match lang {
        Lang::En => Table::new([
            "Promises",
            "kept",
            "breached",
            "open",
            "cancelled",
            "kept share",
            "95 % interval",
            "p50",
            "p90",
            "p99",
            "longest",
        ]),
        Lang::Zh => Table::new([
            "承诺",
            "兑现",
            "违约",
            "进行中",
            "取消",
            "兑现率",
            "95%置信区间",
            "p50",
            "p90",
            "p99",
            "最长",
        ]),
    };
    for one in &report.commitments {
        table.row(commitment(one, lang));
    }
    let parked = report.commitments.iter().filter(|one| one.parked > 0).map(|one| parked(one, lang));
    table.lines() + &parked.collect::<String>()
}

/// Pauses that look as if somebody wanted the clock to stand still.
fn parked(one: &CommitmentReport, lang: Lang) -> String {
    let (name, times, clocks) = (&one.name, one.parked, one.parked_clocks);
    match lang {
        Lang::En => format!("{name}: parked {times} times, by {clocks} clocks, as soon as it had gone on\n"),
        Lang::Zh => format!("{name}：{clocks} 个计时在恢复后随即又被暂停，共 {times} 次\n"),
    }
}

fn commitment(one: &CommitmentReport, lang: Lang) -> [String; 11] {
    let took = &one.elapsed_seconds;
    [
        one.name.to_string(),
        one.kept.to_string(),
        one.breached.to_string(),
        one.open.to_string(),
        one.cancelled.to_string(),
        percent(one.kept_share),
        interval(one.kept_share_interval),
        duration(took.p50, lang),
        duration(took.p90, lang),
        duration(took.p99, lang),
        duration(took.max, lang),
    ]
}

fn objectives(report: &Report, lang: Lang) -> String {
    let found = report.objectives.iter().filter(|one| {
        one.judged > 0 || one.clocks.as_ref().is_some_and(|clocks| clocks.longest_seconds.is_some())
    });
    found.map(|one| objective(one, lang)).collect()
}

fn objective(one: &ObjectiveReport, lang: Lang) -> String {
    let verdict = match one.met {
        Some(true) => say(lang, "met", "达标"),
        Some(false) => say(lang, "missed", "未达标"),
        None => say(lang, "no data", "无数据"),
    };
    let (name, share, target) = (&one.name, percent(one.share), percent(Some(one.target)));
    let (n, range, title) = (one.judged, interval(one.share_interval), one.title.get(lang));
    let target = match (one.operator, lang) {
        (Operator::AtLeast, Lang::En) => format!("of {target}"),
        (Operator::AtMost, Lang::En) => format!("of at most {target}"),
        (Operator::AtLeast, Lang::Zh) => format!("目标值 {target}"),
        (Operator::AtMost, Lang::Zh) => format!("目标值不高于 {target}"),
    };
    let mut text = match lang {
        Lang::En => format!(
            "Objective {name} ({title}): {share} {target} – {verdict}\n  of {n}, 95 % interval {range}"
        ),
        Lang::Zh => {
            format!("目标 {name}（{title}）：{share}，{target}，{verdict}\n  共 {n}，95%置信区间 {range}")
        }
    };
    text.push_str(&one.clocks.as_ref().map_or("\n".into(), |clocks| clock_shares(clocks, lang)));
    text
}

fn clock_shares(clocks: &ClockShares, lang: Lang) -> String {
    let (answered, in_time, abandoned) = (clocks.answered, clocks.answered_in_time, clocks.abandoned);
    let (abandoned_in_time, at_once) = (clocks.abandoned_in_time, clocks.abandoned_short);
    let (waiting, missed) = (clocks.waiting, clocks.waiting_missed);
    let (mean, longest) =
        (seconds(clocks.mean_answered_seconds, lang), duration(clocks.longest_seconds, lang));
    let mut text = match lang {
        Lang::En => format!(
            "; answered {answered}, in time {in_time}, abandoned {abandoned} (in time {abandoned_in_time}, at once \
             {at_once}), waiting {waiting}, waiting too long {missed}; mean wait of the answered {mean}, longest wait \
             {longest}\n"
        ),
        Lang::Zh => format!(
            "；已接听 {answered}，按时接听 {in_time}，放弃 {abandoned}（时限内 {abandoned_in_time}，立即挂断 {at_once}），\
             等待中 {waiting}，等待超时 {missed}；已接听平均等待 {mean}，最长等待 {longest}\n"
        ),
    };
    let by_formula = clocks
        .service_level
        .iter()
        .map(|(name, share)| format!("{} {}", formula(name, lang), percent(*share)));
    text.push_str(&format!("  {}\n", by_formula.collect::<Vec<_>>().join(say(lang, "; ", "；"))));
    text
}

/// The formulas of service level in words.
fn formula(name: &str, lang: Lang) -> &str {
    match name {
        "of_answered" => say(lang, "of the answered", "占已接听"),
        "of_all" => say(lang, "of all", "占全部"),
        "without_abandoned_in_time" => say(lang, "without those who gave up in time", "不计时限内放弃"),
        "abandoned_in_time_is_kept" => say(lang, "giving up in time counts as kept", "时限内放弃计为达标"),
        "without_abandoned_short" => say(lang, "without those who gave up at once", "不计立即挂断"),
        "abandoned_short_is_kept" => say(lang, "giving up at once counts as kept", "立即挂断计为达标"),
        other => other,
    }
}

fn tallies(report: &Report, lang: Lang) -> String {
    let line = |one: &crate::app::report::TallyReport| format!("{} {}", one.title.get(lang), one.count);
    let lines: Vec<String> = report.tallies.iter().map(line).collect();
    match lines.is_empty() {
        true => String::new(),
        false => {
            format!("{}{}\n", say(lang, "Beside them: ", "另外统计："), lines.join(say(lang, "; ", "；")))
        }
    }
}

fn slowest(report: &Report, lang: Lang) -> String {
    if report.slowest.is_empty() {
        return String::new();
    }
    let mut table = match lang {
        Lang::En => Table::new(["Slowest broken promises", "promise", "due", "stopped", "time used"]),
        Lang::Zh => Table::new(["超时最多的案例", "承诺", "应完成", "实际完成", "用时"]),
    };
    let time = |time: Option<Time>| time.map_or_else(|| "–".to_owned(), |time| time.to_string());
    let row = |one: &Outcome| {
        debug_assert_eq!(one.outcome, Verdict::Breached);
        [
            one.subject.to_string(),
            one.commitment.to_string(),
            time(one.due),
            time(one.stopped),
            length(one.elapsed, lang),
        ]
    };
    report.slowest.iter().for_each(|one| table.row(row(one)));
    table.lines()
}

fn findings(report: &Report, lang: Lang) -> String {
    let mut text = String::new();
    if !report.signals.is_empty() {
        text.push_str(say(lang, "Signals\n", "异常信号\n"));
        report.signals.iter().for_each(|one| text.push_str(&format!("  {}\n", one.summary().get(lang))));
    }
    if !report.crises.is_empty() {
        text.push_str(say(lang, "Crises\n", "危机\n"));
        report.crises.iter().for_each(|one| text.push_str(&format!("  {}\n", one.summary().get(lang))));
    }
    text
}

fn rejects(report: &Report, lang: Lang) -> String {
    let input = &report.input;
    let mut text = String::new();
    if !input.rejected.is_empty() {
        let by_reason = input.rejected.iter().map(|(code, n)| format!("{} {n}", refusal(code, lang)));
        let by_reason: Vec<String> = by_reason.collect();
        text.push_str(&format!(
            "{}{}\n",
            say(lang, "Refused: ", "拒收："),
            by_reason.join(say(lang, ", ", "，"))
        ));
        input.rejects.iter().for_each(|reject| text.push_str(&format!("  {reject}\n")));
    }
    if !input.unknown_types.is_empty() {
        let by_type = input.unknown_types.iter().map(|(kind, n)| format!("{kind} {n}"));
        let by_type: Vec<String> = by_type.collect();
        let head = say(lang, "Types that nothing in the policy asks for: ", "策略未涉及的事件类型：");
        text.push_str(&format!("{head}{}\n", by_type.join(say(lang, ", ", "，"))));
    }
    text
}

/// Why a record was refused, in a word.
fn refusal(code: &str, lang: Lang) -> &str {
    let zh = match code {
        "malformed" => "格式错误",
        "invalid_utf8" => "不是UTF-8",
        "too_large" => "记录过长",
        "too_deep" => "嵌套过深",
        "too_many_attributes" => "属性过多",
        "missing_field" => "缺少字段",
        "too_long" => "名称过长",
        "bad_time" => "时间无效",
        "bad_column" => "列值无效",
        "future" => "时间在未来",
        "too_late" => "到达过晚",
        "case_full" => "案例事件过多",
        "clock_advance" => "不接受时钟推进",
        "truncated" => "文件不完整",
        other => other,
    };
    say(lang, code, zh)
}

fn warnings(report: &Report, lang: Lang) -> String {
    let line = |one: &crate::names::Text| format!("{}{}\n", say(lang, "WARNING: ", "警告："), one.get(lang));
    report.warnings.iter().map(line).collect()
}

/// The two ends of an interval of shares.
pub(super) fn interval(interval: Option<(f64, f64)>) -> String {
    interval.map_or_else(|| "–".into(), |(low, high)| format!("{:.1}–{:.1} %", low * 100.0, high * 100.0))
}

/// A share, or a dash where there is none.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".into(), |share| format!("{:.2} %", share * 100.0))
}

fn seconds(seconds: Option<f64>, lang: Lang) -> String {
    let unit = say(lang, " s", "秒");
    seconds.map_or_else(|| "–".into(), |seconds| format!("{seconds:.2}{unit}"))
}

/// To the second; below a minute to a tenth of one.
pub(super) fn duration(seconds: Option<f64>, lang: Lang) -> String {
    match seconds {
        None => "–".into(),
        Some(seconds) if seconds < 60.0 => lengths(&format!("{seconds:.1}s"), lang),
        Some(seconds) => length(Span::from_seconds(seconds.round() as i64), lang),
    }
}
