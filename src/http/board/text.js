// What does the board say? Every word of it, once, in English and in 中文.
//
// Ground rules: a line is `key: [English, 中文]`; what stands in braces is filled in; where English has a plural, its
// half is `{ one, other }` and the number is called `n`. A sentence is one line, never glued from pieces, because the
// two languages order theirs differently. What the server says in both languages (titles, responses) is not repeated
// here. No markup, and no look at the page.

export const LANGUAGES = ["en", "zh"];

const TABLE = {
  // The frame.
  "app.name": ["Watchbell", "守望铃"],
  "app.tagline": ["Service promises, watched", "服务承诺实时看板"],
  "app.skip": ["Skip to the board", "跳到看板内容"],
  "app.time": ["Engine time", "引擎时间"],
  "app.settings": ["Display settings", "显示设置"],
  "app.notices": ["Notices", "提示"],
  "app.language": ["中文", "English"],
  "app.to_dark": ["Dark", "深色"],
  "app.to_dark_help": ["Dark theme", "深色主题"],
  "app.to_light": ["Light", "浅色"],
  "app.to_light_help": ["Light theme", "浅色主题"],
  "app.zone": ["Times are shown in {zone}.", "时间按 {zone} 时区显示。"],
  "app.version": ["Watchbell {version}", "Watchbell {version}"],
  "app.picture_at": ["As of {time}", "数据截至 {time}"],
  "app.raw": ["The same as JSON", "查看 JSON 数据"],
  "app.speed": ["{speed}× speed", "{speed} 倍速"],
  "app.speed_help": [
    "Demonstration: {speed} seconds pass in each second on the wall",
    "演示模式：实际 1 秒相当于 {speed} 秒",
  ],
  "app.none": ["–", "–"],

  // The connection.
  "link.heading": ["Connection", "连接"],
  "link.connecting": ["Connecting", "正在连接"],
  "link.live": ["Live", "实时"],
  "link.lost": ["Connection lost", "连接中断"],
  "link.silent": ["No news", "无更新"],
  "link.lost_note": [
    "The connection is lost. What you see is {age} old, and the countdowns stand still until it is back.",
    "连接已中断。以下是 {age}前的数据，恢复之前倒计时暂停。",
  ],
  "link.silent_note": [
    "Connected, but the server has sent nothing new. What you see is {age} old, and the countdowns stand still.",
    "连接正常，但服务端没有新数据。以下是 {age}前的数据，倒计时暂停。",
  ],
  "link.never_note": [
    "The server does not answer. Trying again; there is nothing to show yet.",
    "服务端无应答，正在重试，暂无可显示的内容。",
  ],
  "link.said_lost": ["The connection is lost.", "连接已中断。"],
  "link.said_live": ["The connection is back.", "连接已恢复。"],

  // The crisis.
  "crisis.heading": ["Crisis level", "危机级别"],
  "crisis.title": ["{level} crisis · Watchbell", "{level}危机 · 守望铃"],
  "crisis.said": ["Crisis level: {level}. {name}", "危机级别：{level}。{name}"],
  "level.none": ["No crisis", "无危机"],
  "level.unknown": ["Not known", "未知"],
  "level.primary": ["Primary", "初级"],
  "level.intermediate": ["Intermediate", "中级"],
  "level.advanced": ["Advanced", "高级"],
  "level.rank": ["Level {rank} of 3", "第 {rank} 级，共 3 级"],
  "level.rank_none": ["None of the three levels", "未达到任何级别"],
  "crisis.calm": ["Complaints stay within what is expected.", "投诉量在预期范围内。"],
  "crisis.calm_signals": [
    { one: "{n} signal is active; it is not a crisis.", other: "{n} signals are active; they are not a crisis." },
    "有 {n} 个异常信号，尚未构成危机。",
  ],
  "crisis.calm_counts": ["So far {signals} and {crises}.", "累计{signals}、{crises}。"],
  "crisis.count_signals": [{ one: "{n} signal", other: "{n} signals" }, "异常信号 {n} 个"],
  "crisis.count_crises": [{ one: "{n} crisis", other: "{n} crises" }, "危机 {n} 次"],
  "crisis.judged": ["Judged up to {time}. ", "判定截至 {time}。"],
  "crisis.elsewhere": [
    "Another instance adds up the series; its board shows the crisis level.",
    "汇总由另一个实例负责，危机级别请看该实例的看板。",
  ],
  "crisis.unheard": ["Not every source has been heard yet, so nothing is judged.", "尚有来源未收到数据，暂不判定。"],
  "crisis.waiting": ["Waiting for the first picture.", "正在等待首次数据。"],
  "crisis.since": ["Since {time} · ", "始于 {time} · "],
  "crisis.lasted": ["{age} · ", "已持续 {age} · "],
  "crisis.signals": [{ one: "{n} signal", other: "{n} signals" }, "{n} 个信号"],
  "crisis.factors": ["Factors", "判定因素"],
  "crisis.score": ["{score} of 3", "{score} 分，满分 3 分"],
  "factor.scope": ["Scope", "影响范围"],
  "factor.harm": ["Harm", "危害程度"],
  "factor.urgency": ["Urgency", "紧急程度"],
  "because.nothing": ["Nothing that counts", "未达到计分标准"],
  "because.customers": [{ one: "{n} customer", other: "{n} customers" }, "受影响客户 {n} 位"],
  "because.cases": [
    { one: "{n} case (customers not known)", other: "{n} cases (customers not known)" },
    "涉及 {n} 件（客户未知）",
  ],
  "because.regions": [{ one: "{n} region", other: "{n} regions" }, "{n} 个地区"],
  "because.products": [{ one: "{n} product", other: "{n} products" }, "{n} 个产品"],
  "because.ratio": [
    { one: "{n} complaint, {expected} expected", other: "{n} complaints, {expected} expected" },
    "投诉 {n} 件，预期 {expected} 件",
  ],
  "because.breaches": [
    { one: "{n} promise broken, {expected} expected", other: "{n} promises broken, {expected} expected" },
    "违约 {n} 件，预期 {expected} 件",
  ],
  "because.satisfaction": ["Satisfaction down {drop} points", "满意度指数下降 {drop} 分"],
  "because.doubling": ["Doubles in {hours} h", "每 {hours} 小时翻一番"],
  "because.not_growing": ["Not growing", "未见增长"],
  "crisis.steps": ["Levels so far", "级别变化"],
  "crisis.steps_note": ["scope + harm + urgency", "范围 + 危害 + 紧急"],
  "crisis.stairs": ["Levels over time: {steps}", "级别随时间的变化：{steps}"],
  "crisis.stair": ["{level} from {time}", "{time} 起{level}"],
  "reason.reached": ["{scope} + {harm} + {urgency}", "{scope} + {harm} + {urgency}"],
  "reason.calm": [{ one: "calm for an hour", other: "calm for {n} h" }, "已平稳 {n} 小时"],
  "reason.by_hand": ["set by hand", "人工设定"],
  "reason.hand_withdrawn": ["manual level withdrawn", "取消人工设定"],
  "crisis.response": ["What the guide says to do", "指导书规定的应对措施"],
  "crisis.recovery": ["Now that it is over", "危机结束后的恢复措施"],
  "crisis.others": ["Other crises", "其他危机"],
  "crisis.other_open": ["{level} since {time}", "{level}，始于 {time}"],
  "crisis.other_over": ["over since {time}, highest level {level}", "已于 {time} 结束，最高级别{level}"],
  "crisis.lately": [
    "Lately over: {name} ({began} to {ended}, highest level {level})",
    "最近结束：{name}（{began} 至 {ended}，最高级别{level}）",
  ],

  // Numbers at a glance.
  "vital.heading": ["At a glance", "总览"],
  "vital.open": ["Open promises", "进行中"],
  "vital.warned": ["Warned", "预警"],
  "vital.overdue": ["Overdue", "超时"],
  "vital.kept": ["Kept so far", "兑现率"],
  "vital.satisfaction": ["Satisfaction", "满意度"],
  "vital.complaints": ["Complaints, last {span}", "近 {span}投诉"],
  "vital.complaints_hour": ["Complaints, last hour", "近 1 小时投诉"],
  "vital.of_closed": [{ one: "of {n} closed", other: "of {n} closed" }, "已结 {n} 件"],
  "vital.scores": [{ one: "{n} score", other: "{n} scores" }, "{n} 份评分"],
  "vital.expected": ["{n} expected", "预期 {n} 件"],
  "vital.of_open": ["{share} of the open", "占进行中 {share}"],
  "vital.commitments": [{ one: "of {n} commitment", other: "of {n} commitments" }, "共 {n} 项承诺"],

  // Open promises.
  "due.heading": ["Open promises", "进行中的承诺"],
  "due.note": ["by time left", "按剩余时间排列"],
  "due.empty": ["No promise is open.", "当前没有进行中的承诺。"],
  "due.at": ["due {time}", "{time} 到期"],
  "due.was": ["was due {time}", "应于 {time} 完成"],
  "due.left": ["{time} left", "还剩 {time}"],
  "due.over": ["{time} over", "超时 {time}"],
  "due.now": ["due now", "即刻到期"],
  "due.warned": ["Warned", "预警"],
  "due.overdue": ["Overdue", "已超时"],
  "due.older": [
    { one: "{n} more that is overdue longer", other: "{n} more that are overdue longer" },
    "另有 {n} 件超时更久",
  ],
  "due.more": ["Show all {n}", "显示全部 {n} 件"],
  "due.less": ["Show fewer", "收起"],
  "due.used": ["Time used: {share}", "已用时间 {share}"],

  // Changes.
  "changes.heading": ["As it happens", "最新动态"],
  "changes.note": ["newest first", "新的在前"],
  "changes.empty": ["Nothing has happened yet.", "暂无动态。"],
  "kind.warning": ["Warning", "预警"],
  "kind.breach": ["Breach", "违约"],
  "kind.signal": ["Signal", "异常信号"],
  "kind.crisis": ["Crisis", "危机"],
  "kind.objective": ["Objective", "目标"],
  "action.raised": ["{kind}", "{kind}"],
  "action.amended": ["{kind} amended", "{kind}·已修正"],
  "action.resolved": ["{kind} ended", "{kind}·已结束"],
  "action.retracted": ["{kind} retracted", "{kind}·已撤回"],
  "action.other": ["{kind}: {action}", "{kind}·{action}"],
  "change.warning": ["{percent} of the time is used, due {due}", "时限已用去 {percent}，应于 {due} 前完成"],
  "change.warning_paused": ["{percent} of the time is used, paused", "时限已用去 {percent}，计时暂停中"],
  "change.overdue": ["Overdue since {due}", "自 {due} 起已超时"],
  "change.late": ["{late} late, was due {due}", "超时 {late}，原应于 {due} 前完成"],
  "change.crisis": ["{level} since {time}", "自 {time} 起为{level}"],
  "change.objective": [
    "Missed since {time}: {good} of {n} ({share}), promised {target}",
    "自 {time} 起未达标：{n} 件中 {good} 件（{share}），承诺 {target}",
  ],
  "change.objective_over": [
    "Not missed any more since {time}: {good} of {n} ({share}), promised {target}",
    "自 {time} 起不再未达标：{n} 件中 {good} 件（{share}），承诺 {target}",
  ],
  "change.crisis_over": ["Over since {time}, highest level {level}", "已于 {time} 结束，最高级别{level}"],
  "measure.complaints": ["complaints", "投诉"],
  "measure.breaches": ["broken promises", "违约"],
  "measure.Complaints": ["Complaints", "投诉"],
  "measure.Breaches": ["Broken promises", "违约"],

  // Series.
  "series.heading": ["Complaints against what is expected", "投诉量与预期"],
  "series.empty": ["No series has been judged yet.", "尚无已判定的序列。"],
  "series.elsewhere": ["Added up by another instance.", "由另一个实例汇总。"],
  "series.signal": ["Signal", "异常"],
  "series.observed": ["Observed {per}", "{per}实际"],
  "series.above": ["Above the band", "超出区间"],
  "series.expected": ["Expected", "预期"],
  "series.band": ["Calm band (99%)", "正常区间（99%）"],
  "series.latest": ["{observed}, expected {expected}", "{observed}，预期 {expected}"],
  "series.none": ["nothing judged yet", "尚未判定"],
  "series.text": [
    "{measure} {per}, {name}, {start} to {end}: latest {observed}, expected {expected}, calm band {low} to {high}; highest {peak} at {peakTime}; {above} of {n} above the band.",
    "{name}{per}{measure}数，{start} 至 {end}：最近 {observed} 件，预期 {expected} 件，正常区间 {low} 至 {high} 件；最高 {peak} 件（{peakTime}）；{n} 段中有 {above} 段超出区间。",
  ],
  "series.per": ["per {span}", "每 {span}"],
  "series.per_hour": ["per hour", "每小时"],
  "signals.heading": ["Active signals", "持续中的异常信号"],
  "signals.line": [
    "{observed} {measure} since {start}, {expected} expected ({times} times)",
    "自 {start} 起{measure} {observed} 件，预期 {expected} 件（{times} 倍）",
  ],
  "signals.newcomer": [
    "new: {observed} {measure} since {start}, nothing to compare them with",
    "新出现：自 {start} 起{measure} {observed} 件，尚无历史可比",
  ],
  everything: ["everything", "全部业务"],
  "dimension.product": ["product {value}", "产品“{value}”"],
  "dimension.region": ["region {value}", "地区“{value}”"],
  "dimension.channel": ["channel {value}", "渠道“{value}”"],
  "dimension.category": ["category {value}", "类别“{value}”"],
  "dimension.join": [", ", "、"],

  // Promise-keeping.
  "keeping.heading": ["Promise-keeping", "承诺兑现情况"],
  "keeping.caption": [
    "Clocks of each commitment since this process took its logs over",
    "各项承诺的时钟数，自本进程接管日志起累计",
  ],
  "keeping.empty": ["The policy has no commitments.", "策略中没有承诺。"],
  "keeping.commitment": ["Commitment", "承诺"],
  "keeping.open": ["Open", "进行中"],
  "keeping.warned": ["Warned", "预警"],
  "keeping.overdue": ["Overdue", "超时"],
  "keeping.kept": ["Kept", "兑现"],
  "keeping.breached": ["Broken", "违约"],
  "keeping.share": ["Kept share", "兑现率"],

  // One case.
  "case.buttons": ["Case", "案件"],
  "case.again": ["Ask again", "重新查询"],
  "case.close": ["Close", "关闭"],
  "case.asking": ["Asking for its clocks …", "正在查询其时钟……"],
  "case.unanswered": ["It was not answered. Is the program still there?", "没有应答。程序是否仍在运行？"],
  "case.none": ["Nothing was promised for it.", "对其没有任何承诺。"],
  "case.at": ["As of {time}", "截至 {time}"],
  "case.no_due": ["No due instant", "无到期时刻"],
  "case.stretch": ["{state} {span}", "{state} {span}"],
  "case.join": [" · ", " · "],
  "outcome.kept": ["Kept", "兑现"],
  "outcome.breached": ["Broken", "违约"],
  "outcome.open": ["Open", "进行中"],
  "outcome.cancelled": ["Taken back", "已取消"],
  "stretch.open": ["running", "计时"],
  "stretch.warned": ["warned", "已预警"],
  "stretch.breached": ["over", "超时"],
  "stretch.paused": ["paused", "暂停"],
  "stretch.closed": ["closed", "非营业"],
  "stretch.left": ["left", "剩余"],

  // Objectives.
  "objectives.heading": ["Over many cases", "总体目标"],
  "objectives.met": ["Met", "达标"],
  "objectives.missed": ["Missed", "未达标"],
  "objectives.too_few": ["Too few cases", "案例不足"],
  "objectives.at_least": ["at least", "不低于"],
  "objectives.at_most": ["at most", "不高于"],
  "objectives.figures": [
    "of {n} since {start}, 95% interval {low} to {high}; promised {operator} {target}.",
    "自 {start} 起共 {n} 件，95% 置信区间 {low} 至 {high}；承诺{operator} {target}。",
  ],
  "objectives.none": ["No case since {start}; promised {operator} {target}.", "自 {start} 起无案例；承诺{operator} {target}。"],
  "objectives.since": ["Missed since {time}.", "自 {time} 起未达标。"],

  // Satisfaction.
  "satisfaction.heading": ["Satisfaction", "客户满意度"],
  "satisfaction.note": ["mean score with its 95% interval", "平均分及 95% 置信区间"],
  "satisfaction.empty": ["No scores yet.", "暂无评分。"],
  "satisfaction.n": ["n = {n}", "n = {n}"],
  "satisfaction.text": ["Mean {mean}, 95% interval {low} to {high}", "平均 {mean} 分，95% 置信区间 {low} 至 {high}"],
  "satisfaction.text_single": ["Mean {mean}, too few for an interval", "平均 {mean} 分，样本太少，无法给出区间"],

  // The program itself.
  "program.heading": ["The program itself", "程序自身状态"],
  "state.live": ["Live", "实时"],
  "state.catching_up": ["Catching up", "追赶中"],
  "state.starting": ["Starting", "启动中"],
  "state.blind": ["Blind", "失联"],
  "state.stopping": ["Stopping", "正在停止"],
  "state.live_note": ["Everything up to the last fence has been read.", "最近一次确认之前的记录均已读完。"],
  "state.catching_up_note": [
    "Older records are still being read; the clocks stand still.",
    "仍在读取先前的记录，时钟暂停。",
  ],
  "state.starting_note": ["Logs are being taken over.", "正在接管日志。"],
  "state.blind_note": [
    "The brokers have not answered for a while; the clocks stand still.",
    "消息代理持续无应答，时钟暂停。",
  ],
  "state.stopping_note": ["Logs are being given up.", "正在移交日志。"],
  "program.trouble": ["{state}. {note}", "{state}：{note}"],
  "program.clock": ["Series clock", "汇总时钟"],
  "program.clock_lag": ["{time} ({lag} behind)", "{time}（滞后 {lag}）"],
  "program.sources": ["Sources", "来源"],
  "program.sources_all": [{ one: "the only one is heard", other: "all {n} are heard" }, "{n} 个来源均正常"],
  "program.sources_missing": ["{list} missing, of {n}", "共 {n} 个，缺 {list}"],
  "program.logs_caption": ["Logs of this instance", "本实例负责的日志"],
  "program.logs_empty": ["This instance owns no log.", "本实例当前不负责任何日志。"],
  "program.logs_cut": [{ one: "and {n} more log", other: "and {n} more logs" }, "另有 {n} 个日志"],
  "log.place": ["Log", "日志"],
  "log.state": ["State", "状态"],
  "log.lag": ["Clock lag", "时钟滞后"],
  "log.fence": ["Fence age", "读全确认距今"],
  "log.unread": ["Unread", "未读"],
  "log.records": ["Records", "已读"],
  "log.rejected": ["Rejected", "拒收"],
  "log.checkpoint": ["Checkpoint age", "检查点距今"],
  "log.no_checkpoint": ["none", "无"],
  "log.reason": ["{reason} {n}", "{reason} {n}"],

  // Spans of time.
  "span.seconds": ["{s} s", "{s}秒"],
  "span.minutes": ["{m} min", "{m}分钟"],
  "span.minutes_seconds": ["{m} min {s} s", "{m}分{s}秒"],
  "span.hours": ["{h} h", "{h}小时"],
  "span.hours_minutes": ["{h} h {m} min", "{h}小时{m}分"],
  "span.days": ["{d} d", "{d}天"],
  "span.days_hours": ["{d} d {h} h", "{d}天{h}小时"],
  "span.under_minute": ["< 1 min", "不足1分钟"],
};

const PLURALS = { en: new Intl.PluralRules("en"), zh: new Intl.PluralRules("zh") };

/** All keys, for the tests. */
export const KEYS = Object.keys(TABLE);

/** Whether there is such a line: what the server may one day send and we do not know yet has none. */
export function has(key) {
  return Object.hasOwn(TABLE, key);
}

/** A line as it stands in the table. */
export function line(language, key) {
  const pair = TABLE[key];
  if (pair === undefined) {
    throw new Error(`there is no text ${key}`);
  }
  return pair[LANGUAGES.indexOf(language)];
}

/**
 * A line in a language, filled in. `values.n` chooses the plural and must be the number; `values.count`, if given, is
 * how it is written.
 */
export function say(language, key, values = {}) {
  const found = line(language, key);
  const text = typeof found === "string" ? found : (found[PLURALS[language].select(values.n)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = name === "n" ? (values.count ?? values.n) : values[name];
    return value === undefined ? "" : String(value);
  });
}

/** What the server said in both languages; the other language rather than nothing. */
export function either(language, pair) {
  if (pair === null || typeof pair !== "object") {
    return pair === null || pair === undefined ? "" : String(pair);
  }
  return pair[language] || pair.en || pair.zh || "";
}
