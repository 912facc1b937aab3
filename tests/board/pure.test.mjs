// Is what the board computes right, without a browser? Texts, spans of time, the clock, the geometry of charts.
//
// Ground rules: tables of input and answer; only modules that do not touch the page.

import assert from "node:assert/strict";
import { test } from "node:test";

const board = (name) => import(new URL(`../../src/http/board/${name}`, import.meta.url));

const { KEYS, line, say } = await board("text.js");
const { formats, instantMs, span } = await board("format.js");
const { COAST_MAX_MS, EngineClock } = await board("clock.js");
const { meanOf, niceTop, scaleOf, seriesPaths, stairPath } = await board("chart.js");
const { changeLabel, changeText, factorNumbers, peakOf, reasonText, seriesName, seriesTitle } = await board("words.js");

const view = (language) => ({
  language,
  format: formats(language),
  say: (key, values) => say(language, key, values),
  nowMs: Date.UTC(2026, 2, 1, 12),
  speed: 1,
});

test("every line exists in both languages and has the same blanks", () => {
  const blanks = (text) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();
  const forms = (found) => (typeof found === "string" ? [found] : Object.values(found));
  for (const key of KEYS) {
    const [en, zh] = [forms(line("en", key)), forms(line("zh", key))];
    assert.ok(
      [...en, ...zh].every((text) => text.length > 0),
      `${key} is empty`,
    );
    assert.deepEqual(
      [...new Set(en.flatMap(blanks))].sort(),
      [...new Set(zh.flatMap(blanks))].sort(),
      `the blanks of ${key} differ`,
    );
  }
});

test("plurals", () => {
  assert.equal(say("en", "because.customers", { n: 1 }), "1 customer");
  assert.equal(say("en", "because.customers", { n: 1_234, count: "1,234" }), "1,234 customers");
  assert.equal(say("zh", "because.customers", { n: 1 }), "受影响客户 1 位");
});

test("spans of time have at most two units", () => {
  const cases = [
    [0, {}, "0 s", "0秒"],
    [59_999, {}, "59 s", "59秒"],
    [60_000, {}, "1 min", "1分钟"],
    [61_000, { padded: true }, "1 min 01 s", "1分01秒"],
    [3_600_000, {}, "1 h", "1小时"],
    [7_260_000, { padded: true }, "2 h 01 min", "2小时01分"],
    [90_000_000, {}, "1 d 1 h", "1天1小时"],
    [59_000, { seconds: false }, "< 1 min", "不足1分钟"],
    [-5, {}, "0 s", "0秒"],
  ];
  for (const [ms, options, en, zh] of cases) {
    assert.equal(span("en", ms, options), en);
    assert.equal(span("zh", ms, options), zh);
  }
});

test("what is no number or instant is a dash", () => {
  const { format } = view("en");
  assert.equal(instantMs("never"), null);
  assert.equal(instantMs(null), null);
  assert.equal(format.count(NaN), "–");
  assert.equal(format.span(null - NaN), "–");
  assert.equal(format.when(null, 0), "–");
});

test("nearly all is not all, and hardly any is not none", () => {
  const { format } = view("en");
  assert.equal(format.share(9_999 / 10_000), "99.9%");
  assert.equal(format.share(1), "100.0%");
  assert.equal(format.share(1 / 10_000), "0.1%");
});

test("the clock coasts at the picture's speed, and only for a while", () => {
  const clock = new EngineClock();
  assert.equal(clock.nowMs(0), null);
  clock.hear(1_000_000, 60, 500);
  assert.equal(clock.nowMs(1_500), 1_060_000);
  assert.equal(clock.nowMs(500 + COAST_MAX_MS), clock.nowMs(500 + 10 * COAST_MAX_MS));
  clock.hear(1_060_400, 60, 1_500);
  assert.equal(clock.nowMs(1_500), 1_060_100, "jitter is taken in gently");
  clock.hear(9_000_000, 60, 2_500);
  assert.equal(clock.nowMs(2_500), 9_000_000, "a jump is taken at once");
  clock.hear(9_000_000, 1, 2_500);
  assert.equal(clock.speed, 1);
});

test("scales", () => {
  assert.deepEqual([1, 7, 11, 47, 100, 101].map(niceTop), [1, 8, 20, 50, 100, 200]);
  assert.deepEqual(scaleOf([{ mean: 4.2, low: 4.1, high: 4.3 }]), [3, 5]);
  assert.deepEqual(scaleOf([{ mean: 72, low: null, high: null }]), [60, 80]);
});

test("a chart tells what is above its band and survives what is missing", () => {
  const point = (observed, expected, low, high) => ({ start: "2026-03-01T00:00:00Z", observed, expected, low, high });
  const paths = seriesPaths([point(3, 4, 0, 9), point(12, 4, 0, 9), point(5, null, null, null)]);
  assert.equal(paths.aboveCount, 1);
  assert.equal(paths.peak.observed, 12);
  assert.equal(paths.top, 20);
  assert.ok(!Object.values(paths).some((path) => typeof path === "string" && /NaN|undefined|null/.test(path)));
  assert.equal(seriesPaths([]).latest, null);
  assert.equal(stairPath([], 5), "");
  assert.equal(
    stairPath(
      [
        { atMs: 0, rank: 1 },
        { atMs: 50, rank: 3 },
      ],
      100,
    ),
    "M0 100H0V66.7H240V0H480V100Z",
  );
});

test("a mean is never without its interval unless there is one score only", () => {
  assert.equal(meanOf({ n: 0, sum_milli: 0, sum_squares_micro: 0 }), null);
  assert.deepEqual(meanOf({ n: 1, sum_milli: 4_000, sum_squares_micro: 16_000_000 }), {
    n: 1,
    mean: 4,
    low: null,
    high: null,
  });
  const { mean, low, high } = meanOf({ n: 4, sum_milli: 12_000, sum_squares_micro: 40_000_000 });
  assert.equal(mean, 3);
  assert.ok(Math.abs(high - low - 2 * 1.96 * Math.sqrt(4 / 3 / 4)) < 1e-9);
});

test("series are named as the server names them", () => {
  const series = { product: "p", region: "r", channel: null, category: null };
  assert.equal(seriesName(view("en"), series), "product p, region r");
  assert.equal(seriesTitle(view("en"), series), "Product p, region r");
  assert.equal(seriesName(view("zh"), series), "产品“p”、地区“r”");
  assert.equal(seriesName(view("zh"), {}), "全部业务");
});

test("the number that made a factor comes first", () => {
  const evidence = { customers: 164, customers_are_cases: false, regions: 3, products: 1, doubling_hours: 0 };
  const scope = factorNumbers(view("en"), { score: 2, because: "customers" }, "scope", evidence);
  assert.deepEqual(scope, { decided: "164 customers", rest: ["3 regions", "1 product"] });
  const urgency = factorNumbers(view("en"), { score: 0, because: "nothing" }, "urgency", evidence);
  assert.equal(urgency.decided, "Nothing that counts");
});

test("reasons and levels, also those of a newer server", () => {
  assert.equal(reasonText(view("en"), { reached: { scope: 2, harm: 3, urgency: 1 } }), "2 + 3 + 1");
  assert.equal(reasonText(view("en"), { calm: { hours: 6 } }), "calm for 6 h");
  assert.equal(reasonText(view("zh"), "by_hand"), "人工设定");
  assert.equal(reasonText(view("en"), { full_moon: {} }), "full moon");
  assert.equal(peakOf({ level: "primary", steps: [{ level: "advanced" }, { level: "primary" }] }), "advanced");
});

test("changes are said in a sentence, also unknown ones", () => {
  const breach = {
    action: "retracted",
    kind: "breach",
    subject: "T-1",
    title: { en: "Response", zh: "响应" },
    due: "2026-03-01T11:00:00Z",
    late_seconds: null,
  };
  assert.equal(changeLabel(view("en"), breach), "Breach retracted");
  assert.equal(changeLabel(view("zh"), breach), "违约·已撤回");
  assert.match(changeText(view("en"), breach).says, /^Overdue since \d\d:\d\d$/);
  assert.equal(changeText(view("zh"), breach).of, "响应");
  assert.equal(changeLabel(view("en"), { action: "sighted", kind: "omen" }), "omen: sighted");
  assert.deepEqual(changeText(view("en"), { action: "sighted", kind: "omen", subject: "T-2" }), {
    about: "T-2",
    says: "",
    of: "",
  });
});
