// What would an engine show on a day that goes wrong? A made-up service desk, for developing the board without one.
//
// Ground rules: the same shape as the engine's picture (`src/engine/picture.rs`), believable rather than right; the
// same every time, from a seed; memory is bounded, however long it runs. A phase can be pinned, and then its past is
// made up as well, so that a picture of the gravest hour is there at once.

/** The day's phases, in order; each lasts as long as the others. */
export const PHASES = [
  "calm",
  "warnings",
  "breaches",
  "spike",
  "primary",
  "intermediate",
  "advanced",
  "recovering",
  "after",
];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const PRODUCTS = ["blind-7", "camera-4", "hub-1", "lock-2", "thermostat-3"];
const REGIONS = ["north", "east", "south", "west"];
const CHANNELS = ["phone", "mail", "chat"];
const CATEGORIES = ["product_quality", "after_sales_service", "information_asymmetry", "other"];

const COMMITMENTS = [
  [
    "first_contact",
    "T",
    DAY,
    "First contact within 24 hours of receiving the request",
    "收到申请后24小时内与用户取得联系",
  ],
  ["response", "T", DAY, "Response within 24 hours of receiving the request", "收到申请后24小时内作出响应"],
  ["emergency_contact", "T", 2 * HOUR, "Emergency: contact within 2 hours", "紧急情况2小时内与用户取得联系"],
  [
    "public_response",
    "T",
    DAY,
    "In warranty: response within 24 hours of the request",
    "保修期内提出申请，24小时内响应",
  ],
  [
    "complaint_acknowledgement",
    "K",
    HOUR,
    "Complaint acknowledged within 1 hour, with process and expected time",
    "收到投诉后1小时内确认，并告知处理流程和预计处理时间",
  ],
  [
    "complaint_classification",
    "K",
    HOUR,
    "Complaint classified and an owner named within 1 hour",
    "处理部门接到投诉后1小时内完成分类并明确责任人",
  ],
  [
    "complaint_settlement",
    "K",
    15 * DAY,
    "Complaint settled within 15 working days",
    "自接收投诉之日起15个工作日内处理完毕",
  ],
  [
    "claim_payment",
    "R",
    15 * DAY,
    "Reimbursement paid within 15 days of receiving the claim",
    "收到报销申请后15日内完成支付",
  ],
  ["call_answer", "C", 20 * SECOND, "Call answered within 20 seconds", "来电20秒内接听"],
].map(([name, letter, goalMs, en, zh]) => ({ name, letter, goalMs, title: { en, zh } }));

const RESPONSES = {
  primary: [
    ["Adjust the service process promptly.", "及时调整服务流程。"],
    ["Improve the service measures.", "改进服务措施。"],
    ["Remove the hidden danger.", "消除危机隐患。"],
  ],
  intermediate: [
    ["Start the emergency plan.", "启动应急预案。"],
    ["Organise the relevant departments to respond together.", "组织相关部门协同应对。"],
    ["Strengthen internal communication and external cooperation.", "加强内部沟通与外部协作。"],
  ],
  advanced: [
    ["Set up a crisis-handling team that takes full charge.", "成立危机处理小组，全面负责危机应对工作。"],
    ["Seek external professional support where necessary.", "必要时寻求外部专业支持。"],
  ],
  over: [
    [
      "Reassure and compensate the affected customers, and restore their confidence.",
      "对受影响的客户进行安抚和赔偿，恢复客户信心。",
    ],
    [
      "Optimise the service process so that a similar crisis does not happen again.",
      "优化服务流程，防止类似危机再次发生。",
    ],
    ["Train the staff in service awareness and in handling crises.", "加强员工培训，提高服务意识和危机应对能力。"],
  ],
};

const OPEN_MAX = 46;
const CHANGES_MAX = 100;
const POINTS = 48;

const rfc3339 = (ms) => (ms === null ? null : new Date(ms).toISOString());

/** A small generator of numbers in [0, 1), the same for the same seed. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const all = { product: null, region: null, channel: null, category: null };
const of = (values) => ({ ...all, ...values });

export class World {
  constructor({
    speed = 600,
    phase = null,
    phaseSeconds = 20,
    startMs = Date.UTC(2026, 10, 24, 22, 30),
    seed = 7,
  } = {}) {
    this.speed = speed;
    this.pinned = phase;
    this.phaseMs = phaseSeconds * SECOND * speed;
    this.startMs = startMs;
    this.roll = dice(seed);
    this.atMs = startMs;
    this.number = 1_000;
    this.open = [];
    this.changes = [];
    this.counts = COMMITMENTS.map(({ name }) => ({
      kept: name === "call_answer" ? 751 : 170 + 3 * name.length,
      breached: name.length % 7,
    }));
    this.records = 5_628;
    this.levels = [];
    this.fill(true);
    this.step(0);
  }

  get phase() {
    const turn = Math.floor((this.atMs - this.startMs) / this.phaseMs) % PHASES.length;
    return this.pinned ?? PHASES[turn];
  }

  /** How far the day has gone wrong: the place of the phase. */
  get depth() {
    return PHASES.indexOf(this.phase);
  }

  /** When the bad batch began to be noticed. */
  get onsetMs() {
    const hours = { spike: 2, primary: 3, intermediate: 6, advanced: 9, recovering: 14, after: 20 }[this.phase];
    const spikePhase = PHASES.indexOf("spike");
    const running =
      this.startMs +
      Math.floor((this.atMs - this.startMs) / (this.phaseMs * PHASES.length)) * this.phaseMs * PHASES.length +
      spikePhase * this.phaseMs;
    return Math.floor((this.pinned ? this.atMs - (hours ?? 0) * HOUR : running) / HOUR) * HOUR;
  }

  /** Lets time pass; `wallMs` of it on the wall. */
  step(wallMs) {
    this.atMs += wallMs * this.speed;
    this.records += Math.ceil((wallMs / SECOND) * (8 + this.depth));
    for (const promise of this.open) {
      this.judge(promise);
    }
    this.open = this.open.filter((promise) => promise.closesMs > this.atMs);
    this.fill(false);
    this.grade();
  }

  judge(promise) {
    const { commitment, startedMs, dueMs, closesMs } = promise;
    const used = (this.atMs - startedMs) / (dueMs - startedMs);
    const late = closesMs > dueMs;
    if (!promise.warned && used >= 0.8 && closesMs > startedMs + 0.8 * commitment.goalMs) {
      promise.warned = true;
      this.tell("raised", this.alert("warning", promise, 0.8));
    }
    if (!promise.breached && this.atMs >= dueMs && late) {
      promise.breached = true;
      this.counts[COMMITMENTS.indexOf(commitment)].breached += 1;
      this.tell("raised", this.alert("breach", promise, 1));
    }
    if (closesMs <= this.atMs) {
      const counts = this.counts[COMMITMENTS.indexOf(commitment)];
      counts.kept += late ? 0 : 1;
      if (promise.breached) {
        // One in six was only reported late: then it was never broken.
        const mistaken = this.roll() < 1 / 6;
        counts.breached -= mistaken ? 1 : 0;
        counts.kept += mistaken ? 1 : 0;
        const lateSeconds = mistaken ? null : Math.round((closesMs - dueMs) / SECOND);
        this.tell(mistaken ? "retracted" : "resolved", {
          ...this.alert("breach", promise, 1),
          stopped: rfc3339(closesMs),
          late_seconds: lateSeconds,
          status: mistaken ? "open" : "resolved",
        });
      }
    }
  }

  fill(first) {
    while (this.open.length < OPEN_MAX) {
      const trouble = this.depth >= 2 && this.depth <= 7 ? 0.3 : this.depth === 1 ? 0.04 : 0.01;
      const commitment = COMMITMENTS[Math.floor(this.roll() * COMMITMENTS.length)];
      const used = this.roll();
      const bad = this.roll() < trouble;
      const share = bad ? 1.02 + this.roll() * 0.6 : (this.depth >= 1 ? 0.5 : 0.25) + this.roll() * 0.48;
      const startedMs = first
        ? this.atMs - Math.floor(used * share * commitment.goalMs)
        : this.atMs - Math.floor(used * SECOND);
      const product =
        this.depth >= 3 && this.roll() < 0.6 ? "thermostat-3" : PRODUCTS[Math.floor(this.roll() * PRODUCTS.length)];
      this.number += 1;
      this.open.push({
        commitment,
        subject: `${commitment.letter}-${this.number}`,
        startedMs,
        dueMs: startedMs + commitment.goalMs,
        closesMs: startedMs + share * commitment.goalMs,
        warned: false,
        breached: false,
        cell: {
          product,
          region: REGIONS[Math.floor(this.roll() * 4)],
          channel: CHANNELS[Math.floor(this.roll() * 3)],
          category: CATEGORIES[Math.floor(this.roll() * 4)],
        },
      });
    }
  }

  alert(kind, promise, threshold) {
    const { commitment, subject, startedMs, dueMs, cell } = promise;
    return {
      id: Buffer.from(`${kind}${subject}${commitment.name}`).toString("hex").slice(0, 32).padEnd(32, "0"),
      status: "open",
      kind,
      commitment: commitment.name,
      title: commitment.title,
      subject,
      start_event: { source: "/desk", id: `e${subject}` },
      threshold,
      started: rfc3339(startedMs),
      due: rfc3339(dueMs),
      stopped: null,
      late_seconds: null,
      ...cell,
    };
  }

  tell(action, alert) {
    this.changes.unshift({ action, ...alert, log: 0, next_offset: this.records, clock: rfc3339(this.atMs) });
    this.changes.length = Math.min(this.changes.length, CHANGES_MAX);
  }

  /** The levels of the crisis come and go with the phases. */
  grade() {
    const wanted =
      { primary: "primary", intermediate: "intermediate", advanced: "advanced", recovering: "intermediate" }[
        this.phase
      ] ?? null;
    const last = this.levels.at(-1);
    if (this.levels.length === 0) {
      const before = { intermediate: 1, advanced: 2, recovering: 3, after: 3 }[this.phase] ?? 0;
      ["primary", "intermediate", "advanced"].slice(0, before).forEach((level, index) => {
        this.levels.push({ at: this.onsetMs + (2 + 2 * index) * HOUR, level });
      });
    }
    if (wanted === null) {
      if (this.depth < 3) {
        this.levels = [];
      }
      return;
    }
    if (last?.level !== wanted) {
      this.levels.push({ at: this.pinned ? this.atMs - HOUR / 2 : this.atMs, level: wanted });
      this.tell(this.levels.length > 1 ? "amended" : "raised", { ...this.crisis(), log: 4 });
    }
  }

  crisis() {
    const over = this.phase === "after";
    const steps = this.levels.map(({ at, level }, index) => ({
      at: rfc3339(at),
      level,
      reason: reasonOf(level, index, this.levels),
    }));
    const level = steps.at(-1)?.level ?? "primary";
    const [scope, harm, urgency] = { primary: [1, 2, 0], intermediate: [2, 2, 1], advanced: [2, 3, 3] }[level];
    const n = { primary: 0.2, intermediate: 0.5, advanced: 1 }[level];
    return {
      id: "c0ffee00c0ffee00c0ffee00c0ffee00",
      status: over ? "resolved" : "open",
      kind: "crisis",
      series: of(level === "primary" ? { product: "thermostat-3" } : { product: "thermostat-3", region: "east" }),
      opened_as: of({ product: "thermostat-3" }),
      began: rfc3339(this.onsetMs),
      level,
      steps,
      factors: {
        scope: { score: scope, because: "customers" },
        harm: { score: harm, because: level === "intermediate" ? "breaches" : "ratio" },
        urgency: { score: urgency, because: urgency > 0 ? "doubling" : "nothing" },
        evidence: {
          customers: Math.round(164 * n),
          customers_are_cases: false,
          regions: level === "primary" ? 1 : 3,
          products: 1,
          complaints: Math.round(188 * n),
          complaints_expected: 7.4,
          breaches: Math.round(41 * n),
          breaches_expected: 3.1,
          satisfaction_drop: 11.2 * n,
          doubling_hours: urgency > 0 ? 5.6 - 3.5 * n : 0,
        },
      },
      response: RESPONSES[over ? "over" : level].map(([en, zh]) => ({ en, zh })),
      signals: level === "primary" ? 1 : 3,
      ended: over ? rfc3339(this.pinned ? this.atMs - 3 * HOUR : this.onsetMs + 5 * this.phaseMs) : null,
    };
  }

  get rising() {
    return this.depth >= 3 && this.depth <= 7;
  }

  picture() {
    const { atMs } = this;
    const due = this.open
      .map(({ subject, commitment, dueMs, startedMs, warned, breached, cell }) => ({
        subject,
        commitment: commitment.name,
        due: rfc3339(dueMs),
        started: rfc3339(startedMs),
        warned,
        breached,
        ...cell,
      }))
      .sort((a, b) => Date.parse(a.due) - Date.parse(b.due));
    const commitments = COMMITMENTS.map(({ name, title }, index) => {
      const mine = this.open.filter(({ commitment }) => commitment.name === name);
      const overdue = mine.filter(({ breached }) => breached).length;
      const warned = mine.filter((promise) => promise.warned && !promise.breached).length;
      return { name, title, open: mine.length, warned, overdue, ...this.counts[index], cancelled: 3 };
    });
    return {
      at: rfc3339(atMs),
      speed: this.speed,
      state: "live",
      version: "0.1.0",
      commitments,
      due,
      changes: this.changes,
      aggregate: this.aggregate(),
      logs: this.logs(),
    };
  }

  aggregate() {
    const series = [
      all,
      { ...of({ product: "thermostat-3" }) },
      of({ product: "thermostat-3", region: "east" }),
      of({ product: "camera-4" }),
      of({ channel: "chat" }),
      of({ category: "product_quality" }),
    ];
    const onset = this.onsetMs;
    const signal = (one, observed, expected) => ({
      series: one,
      measure: "complaints",
      finding: "spike",
      window_start: rfc3339(onset),
      window_end: rfc3339(this.atMs),
      observed,
      expected,
      p_value: 1.2e-9,
      ended: null,
    });
    const crisis = this.levels.length > 0 ? [this.crisis()] : [];
    return {
      clock: rfc3339(this.atMs - 1_400),
      sources: 4,
      sources_missing: [],
      crises: crisis,
      signals: this.rising ? [signal(all, 219, 29), signal(series[1], 188, 7.4), signal(series[2], 103, 2.1)] : [],
      series: series.map((one, index) => this.seriesOf(one, index)),
      satisfaction: [all, ...PRODUCTS.map((product) => of({ product }))].map((one, index) =>
        satisfactionOf(one, index, this.depth),
      ),
      objectives: this.objectives(),
      crises_opened: crisis.length,
      signals_raised: this.rising ? 3 : 1,
    };
  }

  /** The clocks of a subject, as `/api/v1/subjects/{id}` tells them. */
  explain(subject) {
    const due = this.picture().due.filter((one) => one.subject === subject);
    if (due.length === 0) {
      return { status: 404, body: { detail: `\`${subject}\` is none of the cases`, detail_zh: `没有 ${subject}` } };
    }
    const clock = (one) => {
      const [start, end] = [Date.parse(one.started), Date.parse(one.due)];
      const at = (share) => start + (end - start) * share;
      const segment = (from, to, state) => ({ start_ms: at(from), end_ms: at(to), state });
      const rest = one.breached ? [segment(1, 1.4, "breached")] : [segment(0.7, 1, "left")];
      const segments = [segment(0, 0.2, "open"), segment(0.2, 0.3, "closed"), segment(0.3, 0.4, "paused")];
      const warned = [segment(0.4, 0.6, "open"), segment(0.6, one.breached ? 1 : 0.7, "warned")];
      return {
        commitment: one.commitment,
        title: COMMITMENTS.find(({ name }) => name === one.commitment)?.title,
        start_event: "e-1",
        started: one.started,
        due: one.due,
        outcome: one.breached ? "breached" : "open",
        picture: { segments: [...segments, ...warned, ...rest], due_ms: end, closed_drawn: true },
      };
    };
    return { status: 200, body: { subject, explanations: [{ at: rfc3339(this.atMs), clocks: due.map(clock) }] } };
  }

  objectives() {
    const missed = this.depth >= 3;
    const good = missed ? 214 : 261;
    return [
      {
        name: "calls_answered_in_20s",
        title: { en: "80 % of calls answered within 20 seconds", zh: "80%的来电在20秒内接听" },
        operator: "at_least",
        target: 0.8,
        window_start: rfc3339(this.atMs - DAY),
        window_end: rfc3339(this.atMs),
        n: 300,
        good,
        share: good / 300,
        share_interval: missed ? [0.659, 0.762] : [0.826, 0.904],
        standing: missed ? "missed" : "met",
        missed_since: missed ? rfc3339(this.atMs - 20 * MINUTE) : null,
      },
    ];
  }

  seriesOf(series, index) {
    const bad =
      series.product === "thermostat-3" || Object.values(series).every((value) => value === null) || index === 5;
    const size = [9, 1.6, 0.6, 2.1, 3.2, 2.6][index];
    const lastStart = Math.floor(this.atMs / HOUR) * HOUR - HOUR;
    const points = Array.from({ length: POINTS }, (_, back) => {
      const startMs = lastStart - (POINTS - 1 - back) * HOUR;
      const hour = new Date(startMs).getUTCHours();
      const expected = size * (1 + 0.7 * Math.sin(((hour - 8) / 24) * 2 * Math.PI));
      const noise = dice(startMs / HOUR + index * 977);
      const past = (startMs - this.onsetMs) / HOUR;
      const wave =
        this.depth >= 3 && past >= 0
          ? Math.min(1, past / 5) * (this.depth >= 7 ? Math.exp(-Math.max(0, past - 8) / 3) : 1)
          : 0;
      const excess = bad ? wave * (8 + 22 * [1, 0.9, 0.55, 0, 0, 0.7][index]) * (0.7 + 0.6 * noise()) : 0;
      const observed = Math.max(0, Math.round(expected + (noise() + noise() - 1) * 2 * Math.sqrt(expected) + excess));
      const spread = 2.6 * Math.sqrt(expected * 1.4 + 0.01 * expected * expected);
      return {
        start: rfc3339(startMs),
        observed,
        expected: Math.round(expected * 100) / 100,
        low: Math.max(0, Math.floor(expected - spread)),
        high: Math.ceil(expected + spread),
      };
    });
    return {
      series,
      title: titleOf(series),
      measure: "complaints",
      bucket_seconds: 3600,
      points,
      signal: this.rising && bad && index < 3,
    };
  }

  logs() {
    return [0, 1, 2, 3].map((log) => ({
      log,
      place: `events/${log}`,
      state: "live",
      next_offset: Math.round(this.records / 4) + log,
      end_offset: Math.round(this.records / 4) + log + (log % 2),
      high_watermark: 0,
      clock: rfc3339(this.atMs - 900),
      clock_lag_seconds: 0.9 + log / 10,
      fence_age_seconds: 0.2 + log / 10,
      cases: 210,
      memory_bytes: 81_000,
      cut: 812,
      checkpoint_age_seconds: 34 + ((this.records + log * 9) % 60),
      records: Math.round(this.records / 4),
      applied: Math.round(this.records / 4) - 9,
      duplicates: 14,
      rejected: log === 2 ? { not_json: 2, too_late: 1 } : {},
      changes: { raised: 40, amended: 3, resolved: 22, retracted: 1 },
      cuts: 812,
      cut_seconds: 1.4,
      cuts_in_doubt: 0,
      reconciliation_differences: 0,
      clocks: [],
    }));
  }
}

function reasonOf(level, index, levels) {
  const scores = { primary: [1, 2, 0], intermediate: [2, 2, 1], advanced: [2, 3, 3] }[level];
  const falls = index > 0 && levels[index - 1].level === "advanced";
  return falls ? { calm: { hours: 6 } } : { reached: { scope: scores[0], harm: scores[1], urgency: scores[2] } };
}

function titleOf(series) {
  const fixed = Object.entries(series).filter(([, value]) => value !== null);
  const zh = { product: "产品", region: "地区", channel: "渠道", category: "类别" };
  return fixed.length === 0
    ? { en: "everything", zh: "全部业务" }
    : {
        en: fixed.map(([name, value]) => `${name} ${value}`).join(", "),
        zh: fixed.map(([name, value]) => `${zh[name]}“${value}”`).join("、"),
      };
}

function satisfactionOf(series, index, depth) {
  const n = [1_312, 260, 281, 255, 249, 267][index];
  const fall = series.product === "thermostat-3" && depth >= 4 ? 0.6 : 0;
  const mean = [4.21, 4.3, 4.12, 4.26, 4.18, 4.2][index] - fall - (index === 0 && depth >= 4 ? 0.12 : 0);
  return {
    series,
    n,
    sum_milli: Math.round(mean * n * 1_000),
    sum_squares_micro: Math.round((mean * mean + 0.8) * n * 1_000_000),
  };
}
