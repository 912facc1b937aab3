//! What is each metric called, and what does it mean? All of them, once; dashboards and rules are checked against it.
//!
//! Ground rules: names follow Prometheus: the prefix `watchbell_`, base units at the end, `_total` for what only grows.
//! The values of a label are few and known beforehand, except for the [`DIMENSIONS`]: those are shown only where the
//! settings allow them, and never in more than [`COMBINATIONS_MAX`] combinations. An id of a subject or a customer is
//! never a label.

/// Labels that exist only where the settings allow them, in the order of the dimensions.
pub const DIMENSIONS: [&str; 4] = ["product", "region", "channel", "category"];

/// How many combinations of a commitment and the values of allowed labels are told apart; what comes after them is
/// counted under `other`.
pub const COMBINATIONS_MAX: usize = 2_000;

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows only, and begins anew with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets, with their sum.
    Histogram,
}

impl Kind {
    /// As Prometheus writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

const NONE: &[&str] = &[];
const CLOCK: &[&str] = &["commitment", "product", "region", "channel", "category"];
const VERDICT: &[&str] = &["commitment", "verdict", "product", "region", "channel", "category"];
const LOG: &[&str] = &["topic", "partition"];

/// Declares the metrics: name of the variant, kind, name, labels, and the help in both languages.
macro_rules! metrics {
    ($($variant:ident $kind:ident $name:literal $labels:expr, $en:literal $zh:literal;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $en] $variant,)*
        }

        impl Metric {
            /// All of them, in the order in which they are explained.
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Metric::$variant => $name,)* }
            }

            /// How it behaves.
            pub fn kind(self) -> Kind {
                match self { $(Metric::$variant => Kind::$kind,)* }
            }

            /// What it says, in a line.
            pub fn help(self) -> &'static str {
                match self { $(Metric::$variant => $en,)* }
            }

            /// The same in 中文.
            pub fn help_zh(self) -> &'static str {
                match self { $(Metric::$variant => $zh,)* }
            }

            /// The labels it may have; of the [`DIMENSIONS`] among them, those that the settings allow.
            pub fn labels(self) -> &'static [&'static str] {
                match self { $(Metric::$variant => $labels,)* }
            }
        }
    };
}

metrics! {
    ClocksOpen Gauge "watchbell_clocks_open" CLOCK,
        "Clocks that run or are paused now, broken or not." "正在计时或暂停中的时钟数（含已超时）。";
    ClocksWarned Gauge "watchbell_clocks_warned" CLOCK,
        "Open clocks with a warning that stands, and not broken." "已预警且尚未超时的在途时钟数。";
    ClocksOverdue Gauge "watchbell_clocks_overdue" CLOCK,
        "Open clocks that are broken." "已超时的在途时钟数。";
    ClocksKept Counter "watchbell_clocks_kept_total" CLOCK,
        "Clocks stopped within their goal." "按时完成的时钟累计数。";
    ClocksBreached Counter "watchbell_clocks_breached_total" CLOCK,
        "Clocks that were found broken." "判定违约的时钟累计数。";
    ClocksCancelled Counter "watchbell_clocks_cancelled_total" CLOCK,
        "Clocks taken back within their goal." "在时限内取消的时钟累计数。";
    ClocksTakenBack Counter "watchbell_clocks_taken_back_total" VERDICT,
        "Verdicts (kept, breached, cancelled) that a late event took back; subtract them for the net."
        "因迟到事件而撤回的判定累计数（kept、breached、cancelled），净值需减去。";
    ClocksDueWithin Gauge "watchbell_clocks_due_within" &["commitment", "within"],
        "Open clocks, not broken, whose goal is used up within so long; absent where more are near than are listed."
        "在给定时长内到期且尚未超时的时钟数；临近数量超出列表上限时不输出。";
    ClocksTimeLeft Gauge "watchbell_clocks_time_left_seconds" &["commitment"],
        "Least time until an open clock is due, of those that are not broken." "未超时的在途时钟中最短的剩余时间。";
    ClocksTimeOver Gauge "watchbell_clocks_time_over_seconds" &["commitment"],
        "Longest time since an open clock was due, of the broken ones that are listed; at most 50 clocks of a log are."
        "列出的已超时在途时钟中最长的超时时间（每个日志最多列出50个）。";
    AlertChanges Counter "watchbell_alert_changes_total" &["kind", "action"],
        "Changes of alerts written by this process: raised, amended, resolved, retracted."
        "本进程写出的告警变更累计数：发出、修正、解除、撤回。";
    ShadowBreaches Gauge "watchbell_shadow_breaches" &["commitment", "policy"],
        "Breaches since the logs were taken over that both policies have, or only the live or the shadow one."
        "自接管日志以来的违约数：两套策略共有（both）、仅现行策略（live）、仅影子策略（shadow）。";
    ObjectiveShare Gauge "watchbell_objective_share_ratio" &["objective"],
        "Share of an objective in its window, as last judged; absent without cases." "目标在其统计窗口内的最近达成比例；无案例时不输出。";
    ObjectiveLow Gauge "watchbell_objective_share_low_ratio" &["objective"],
        "Lower end of the 95 % interval of that share (Wilson)." "该比例的95%置信区间下限（Wilson）。";
    ObjectiveHigh Gauge "watchbell_objective_share_high_ratio" &["objective"],
        "Upper end of the 95 % interval of that share (Wilson)." "该比例的95%置信区间上限（Wilson）。";
    ObjectiveTarget Gauge "watchbell_objective_target_ratio" &["objective"],
        "Share that was promised." "承诺的目标比例。";
    ObjectiveCases Gauge "watchbell_objective_cases" &["objective"],
        "Cases in the window of an objective." "目标统计窗口内的案例数。";
    ObjectiveStanding Gauge "watchbell_objective_standing" &["objective", "standing"],
        "1 for how an objective stands (met, missed, too_few), 0 for the others."
        "目标当前状态为1（met 达标、missed 未达标、too_few 案例不足），其余为0。";
    CrisesOpen Gauge "watchbell_crises_open" &["level"],
        "Crises that go on, by level." "正在持续的危机数，按级别。";
    CrisisLevel Gauge "watchbell_crisis_level" &["product", "region", "channel", "category"],
        "Gravest crisis that goes on: 1 primary, 2 intermediate, 3 advanced, 0 none."
        "正在持续的最高危机级别：1初级、2中级、3高级、0无。";
    SignalsOpen Gauge "watchbell_signals_open" &["measure", "finding"],
        "Signals of rising complaints or broken promises that go on." "正在持续的投诉或违约上升信号数。";
    SeriesObserved Gauge "watchbell_series_observed" &["measure"],
        "How many there were in the last judged hour, over everything." "最近一个已判定小时内的实际数量（全部）。";
    SeriesExpected Gauge "watchbell_series_expected" &["measure"],
        "How many were to be expected in the last judged hour, over everything." "最近一个已判定小时内的预期数量（全部）。";
    SeriesHigh Gauge "watchbell_series_high" &["measure"],
        "Up to how many there are in 99 % of calm hours, over everything." "平稳时段99%分位的上限（全部）。";
    SatisfactionAnswers Counter "watchbell_satisfaction_answers_total" NONE,
        "Satisfaction scores that were given." "收到的满意度评分累计数。";
    SatisfactionPoints Counter "watchbell_satisfaction_points_total" NONE,
        "Sum of the satisfaction scores; divided by their number it is the mean." "满意度评分之和；除以评分数即为均值。";

    LogState Gauge "watchbell_log_state" &["topic", "partition", "state"],
        "1 for the state a log is in, 0 for the others." "日志所处状态为1，其余为0。";
    LogClockLag Gauge "watchbell_log_clock_lag_seconds" LOG,
        "How far the log's clock is behind, in seconds of the wall." "日志时钟落后的时间（实际秒）。";
    LogLag Gauge "watchbell_log_lag_records" LOG,
        "Records below the stable end that are not read yet." "稳定末端以下尚未读取的记录数。";
    LogHeldBack Gauge "watchbell_log_held_back_records" LOG,
        "Records between stable end and high watermark: held back by an upstream transaction that is open."
        "稳定末端与高水位之间的记录数：被上游未结束事务阻挡。";
    LogFenceAge Gauge "watchbell_log_fence_age_seconds" LOG,
        "Time since everything up to a fence was last known to be read." "距上次确认已读完的时间。";
    LogCheckpointAge Gauge "watchbell_log_checkpoint_age_seconds" LOG,
        "Time since this process last wrote a checkpoint of the log; absent before the first."
        "距本进程上次写出该日志检查点的时间；首次之前不输出。";
    LogCases Gauge "watchbell_log_cases" LOG,
        "Cases in memory." "内存中的案件数。";
    LogMemory Gauge "watchbell_log_memory_bytes" LOG,
        "Memory of cases and timers." "案件与定时器占用的内存。";
    LogRecords Counter "watchbell_log_records_total" LOG,
        "Records read." "已读取的记录累计数。";
    LogApplied Counter "watchbell_log_applied_events_total" LOG,
        "Events that a clock or a count took note of." "被时钟或计数采用的事件累计数。";
    LogDuplicates Counter "watchbell_log_duplicate_events_total" LOG,
        "Events delivered twice and dropped." "重复投递并被丢弃的事件累计数。";
    LogRejects Counter "watchbell_log_rejected_records_total" &["topic", "partition", "reason"],
        "Records refused, by reason." "被拒绝的记录累计数，按原因。";
    LogCuts Counter "watchbell_log_cuts_total" LOG,
        "Cuts committed." "已提交的切点累计数。";
    LogCutSeconds Counter "watchbell_log_cut_seconds_total" LOG,
        "Time spent committing cuts." "提交切点所用的时间累计。";
    LogCutsInDoubt Counter "watchbell_log_cuts_in_doubt_total" LOG,
        "Commits that the log's worker had to repeat or to settle by asking." "该日志的工作线程重试或需查询确认的提交累计数。";
    LogDifferences Counter "watchbell_log_reconciliation_differences_total" LOG,
        "Differences between what was said and what stands, found when the log was taken over; each is a bug or a loss."
        "接管日志时发现的已通告与应通告之间的差异；每一个都是缺陷或丢失。";

    State Gauge "watchbell_state" &["state"],
        "1 for the state the program is in, 0 for the others." "程序所处状态为1，其余为0。";
    LogsOwned Gauge "watchbell_logs_owned" NONE,
        "Logs in the hands of this process." "本进程持有的日志数。";
    WallJump Gauge "watchbell_wall_jump_seconds" NONE,
        "How far the system's clock is from where the monotonic clock says it must be; 0 while it runs evenly."
        "系统时钟相对单调时钟的偏差；运行平稳时为0。";
    BrokersUnanswered Gauge "watchbell_brokers_unanswered_seconds" NONE,
        "For how long the brokers have not answered; 0 while they do." "消息代理未应答的时长；正常应答时为0。";
    AggregateOwned Gauge "watchbell_aggregate_owned" NONE,
        "1 while this process owns the aggregate." "本进程持有汇总时为1。";
    AggregateSources Gauge "watchbell_aggregate_sources" NONE,
        "Sources of the aggregate." "汇总的数据来源数。";
    AggregateSourcesMissing Gauge "watchbell_aggregate_sources_missing" NONE,
        "Sources of the aggregate that are not heard or not waited for." "汇总中未上报或不再等待的来源数。";
    AggregateClockLag Gauge "watchbell_aggregate_clock_lag_seconds" NONE,
        "How far the aggregate's clock is behind, in seconds of the wall." "汇总时钟落后的时间（实际秒）。";
    Speed Gauge "watchbell_speed_ratio" NONE,
        "Seconds of the engine in a second of the wall; 1 outside demonstrations." "引擎时间与实际时间之比；非演示时为1。";
    BuildInfo Gauge "watchbell_build_info" &["version", "commit", "tzdb"],
        "1, with what is running as labels: the program, and its time zone data." "恒为1，标签说明所运行的程序版本与时区数据版本。";
    HttpDuration Histogram "watchbell_http_request_duration_seconds" &["route", "code"],
        "Time to the head of an answer, by route and status." "应答首部所用时间，按路由与状态码。";
    HttpStreams Gauge "watchbell_http_streams_open" NONE,
        "Boards that are open: streams of pictures." "打开的看板（画面流）数。";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Units that Prometheus calls base units, and what else a name may end with here.
    const UNITS: [&str; 4] = ["seconds", "bytes", "ratio", "records"];

    fn is_snake(word: &str) -> bool {
        let legal = |c: char| c.is_ascii_lowercase() || c == '_';
        word.chars().all(legal) && !word.starts_with('_') && !word.ends_with('_') && !word.contains("__")
    }

    #[test]
    fn names_follow_the_conventions() {
        let mut names = BTreeSet::new();
        for metric in Metric::ALL {
            let name = metric.name();
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.starts_with("watchbell_") && is_snake(name), "{name}");
            assert_eq!(
                name.ends_with("_total"),
                metric.kind() == Kind::Counter,
                "{name}: _total is for counters"
            );
            for reserved in ["_count", "_sum", "_bucket", "_counter", "_gauge", "_histogram"] {
                assert!(!name.ends_with(reserved), "{name} ends with {reserved}");
            }
            for word in ["milli", "micro", "minute", "hour", "_ms", "_us", "kilo", "mega", "percent"] {
                assert!(!name.contains(word), "{name}: base units only");
            }
            let unit_last = UNITS.iter().all(|unit| {
                let bare = name.trim_end_matches("_total");
                !bare.split('_').any(|word| word == *unit) || bare.ends_with(unit)
            });
            assert!(unit_last, "{name}: the unit comes last");
        }
    }

    #[test]
    fn helps_are_a_line_in_both_languages() {
        for metric in Metric::ALL {
            let (name, en, zh) = (metric.name(), metric.help(), metric.help_zh());
            assert!(en.ends_with('.') && !en.contains('\n') && en.len() <= 160, "{name}: {en}");
            assert!(zh.ends_with('。') && !zh.contains('\n') && !zh.is_ascii(), "{name}: {zh}");
        }
    }

    #[test]
    fn labels_are_few_and_none_is_an_id() {
        for metric in Metric::ALL {
            let (name, labels) = (metric.name(), metric.labels());
            let distinct: BTreeSet<_> = labels.iter().collect();
            assert_eq!(distinct.len(), labels.len(), "{name}");
            assert!(labels.iter().all(|label| is_snake(label)), "{name}");
            for taken in ["le", "quantile", "job", "instance", "subject", "customer", "id"] {
                assert!(!labels.contains(&taken), "{name}: {taken}");
            }
            let dimensions: Vec<_> = labels.iter().filter(|label| DIMENSIONS.contains(label)).collect();
            assert!(dimensions.is_empty() || dimensions.len() == DIMENSIONS.len(), "{name}: all or none");
        }
    }
}
