// How is what the engine knows said in a sentence? Series, levels, factors, steps and changes.
//
// Ground rules: the same words as the server's own sentences, but with instants in the viewer's zone; what we do not
// know (a newer server's kind of alert, level or reason) is shown as it came, never left out and never a fault. A
// `view` is the language with its formats and the engine's time. No look at the page.

import { instantMs } from "./format.js";
import { either, has, say } from "./text.js";

const DIMENSIONS = ["product", "region", "channel", "category"];
const LEVELS = ["primary", "intermediate", "advanced"];

/** 1 to 3; 0 of what is no level that we know. */
export function rankOf(level) {
  return LEVELS.indexOf(level) + 1;
}

/** The line `prefix.value`, or the value itself when there is none. */
export function known(view, prefix, value) {
  const key = `${prefix}.${value}`;
  return has(key) ? say(view.language, key) : String(value ?? "").replaceAll("_", " ");
}

export function levelName(view, level) {
  return level === null || level === undefined ? say(view.language, "level.unknown") : known(view, "level", level);
}

/** The highest level a crisis had. */
export function peakOf(crisis) {
  const levels = [crisis.level, ...(crisis.steps ?? []).map((step) => step.level)];
  return levels.reduce((peak, level) => (rankOf(level) > rankOf(peak) ? level : peak));
}

/** A series for people: "product x, region y". */
export function seriesName(view, series) {
  return seriesParts(view, series).join("");
}

/** The same at the head of a line. */
export function seriesTitle(view, series) {
  return seriesTitleParts(view, series).join("");
}

/** The same in the parts between which a line may break: a name such as `lock-2` should not break at its hyphen. */
export function seriesTitleParts(view, series) {
  const [first, ...rest] = seriesParts(view, series);
  return [first.charAt(0).toLocaleUpperCase(view.language) + first.slice(1), ...rest];
}

function seriesParts(view, series) {
  const fixed = DIMENSIONS.filter((name) => series?.[name] !== null && series?.[name] !== undefined);
  if (fixed.length === 0) {
    return [say(view.language, "everything")];
  }
  const join = say(view.language, "dimension.join");
  return fixed.map((name, index) => {
    const part = say(view.language, `dimension.${name}`, { value: series[name] });
    return index < fixed.length - 1 ? part + join : part;
  });
}

/** How wide the buckets of a series are: "per hour". */
export function perText(view, seconds) {
  return seconds === 3_600
    ? say(view.language, "series.per_hour")
    : say(view.language, "series.per", { span: view.format.span(seconds * 1_000) });
}

/** What tells a series from another; not for people. */
export function seriesKey(series) {
  return JSON.stringify(DIMENSIONS.map((name) => series?.[name] ?? null));
}

/** All that the evidence of a crisis says about one factor: what decided first, then the rest that is there. */
export function factorNumbers(view, factor, name, evidence) {
  const all = {
    scope: ["customers", "regions", "products"],
    harm: ["ratio", "breaches", "satisfaction"],
    urgency: ["doubling"],
  }[name];
  const because = factor.because ?? "nothing";
  const decided = all.includes(because) ? evidenceText(view, because, evidence) : known(view, "because", because);
  const rest = all.filter((other) => other !== because && hasEvidence(other, evidence));
  return { decided, rest: rest.map((other) => evidenceText(view, other, evidence)) };
}

function hasEvidence(name, evidence) {
  const value = {
    customers: evidence.customers,
    regions: evidence.regions,
    products: evidence.products,
    ratio: evidence.complaints,
    breaches: evidence.breaches,
    satisfaction: evidence.satisfaction_drop,
    doubling: evidence.doubling_hours,
  }[name];
  return value > 0;
}

function evidenceText(view, name, evidence) {
  const { format, language } = view;
  const counted = (key, n, more) => say(language, key, { n, count: format.count(n), ...more });
  switch (name) {
    case "customers":
      return counted(evidence.customers_are_cases ? "because.cases" : "because.customers", evidence.customers);
    case "regions":
      return counted("because.regions", evidence.regions);
    case "products":
      return counted("because.products", evidence.products);
    case "ratio":
      return counted("because.ratio", evidence.complaints, { expected: format.about(evidence.complaints_expected) });
    case "breaches":
      return counted("because.breaches", evidence.breaches, { expected: format.about(evidence.breaches_expected) });
    case "satisfaction":
      return say(language, "because.satisfaction", { drop: format.about(evidence.satisfaction_drop) });
    default:
      return evidence.doubling_hours > 0
        ? say(language, "because.doubling", { hours: format.about(evidence.doubling_hours) })
        : say(language, "because.not_growing");
  }
}

/** Why a crisis came to a level. */
export function reasonText(view, reason) {
  if (reason !== null && typeof reason === "object") {
    const [name, values] = Object.entries(reason)[0] ?? ["", {}];
    const key = `reason.${name}`;
    return has(key) ? say(view.language, key, { ...values, n: values?.hours }) : name.replaceAll("_", " ");
  }
  return known(view, "reason", reason);
}

/** What a change is called: "Breach retracted". */
export function changeLabel(view, change) {
  const kind = known(view, "kind", change.kind);
  const key = `action.${change.action}`;
  return has(key)
    ? say(view.language, key, { kind })
    : say(view.language, "action.other", { kind, action: change.action ?? "" });
}

/** Whom a change is about, and what it says. */
export function changeText(view, change) {
  switch (change.kind) {
    case "warning":
    case "breach":
      return { about: change.subject ?? "", says: promiseText(view, change), of: either(view.language, change.title) };
    case "signal":
      return { about: seriesTitle(view, change.series), says: signalText(view, change), of: "" };
    case "crisis":
      return { about: seriesTitle(view, change.series), says: crisisText(view, change), of: "" };
    case "objective":
      return { about: either(view.language, change.title), says: objectiveText(view, change), of: "" };
    default:
      return { about: change.subject ?? "", says: "", of: either(view.language, change.title) };
  }
}

function objectiveText(view, shortfall) {
  const { format, language, nowMs } = view;
  const endedMs = instantMs(shortfall.ended);
  return say(language, endedMs === null ? "change.objective" : "change.objective_over", {
    time: format.when(endedMs ?? instantMs(shortfall.began), nowMs),
    good: format.count(shortfall.good),
    n: format.count(shortfall.n),
    share: format.share(shortfall.n > 0 ? shortfall.good / shortfall.n : NaN),
    target: format.share(shortfall.target),
  });
}

function promiseText(view, change) {
  const { format, language, nowMs } = view;
  const dueMs = instantMs(change.due);
  const due = dueMs === null ? "" : format.when(dueMs, nowMs);
  if (change.kind === "warning") {
    const percent = format.percent(change.threshold);
    return say(language, dueMs === null ? "change.warning_paused" : "change.warning", { percent, due });
  }
  if (Number.isFinite(change.late_seconds)) {
    return say(language, "change.late", { late: format.span(change.late_seconds * 1_000), due });
  }
  return say(language, "change.overdue", { due });
}

/** What a signal says. */
export function signalText(view, signal) {
  const { format, language, nowMs } = view;
  return say(language, signal.finding === "new_series" ? "signals.newcomer" : "signals.line", {
    observed: format.count(signal.observed),
    measure: known(view, "measure", signal.measure),
    start: format.when(instantMs(signal.window_start), nowMs),
    expected: format.about(signal.expected),
    times: format.about(signal.observed / Math.max(signal.expected, 0.01)),
  });
}

function crisisText(view, crisis) {
  const endedMs = instantMs(crisis.ended);
  if (endedMs !== null) {
    const time = view.format.when(endedMs, view.nowMs);
    return say(view.language, "change.crisis_over", { time, level: levelInSentence(view, peakOf(crisis)) });
  }
  const since = instantMs(crisis.steps?.at(-1)?.at ?? crisis.began);
  const time = view.format.when(since, view.nowMs);
  return say(view.language, "change.crisis", { level: levelName(view, crisis.level), time });
}

/** A level's name within a sentence. */
export function levelInSentence(view, level) {
  return levelName(view, level).toLocaleLowerCase(view.language);
}
