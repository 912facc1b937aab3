// How bad is it, and what is to be done? The level, its factors and steps, and what the guide says.
//
// Ground rules: one crisis is large, the gravest that goes on; where none goes on, one that ended lately brings the
// steps of recovery; what is not known is never shown as calm. A change of level is said once to screen readers.

import { stairPath } from "../chart.js";
import { el, keyed, setAttribute, setParts, setProperty, setText, shape, show } from "../dom.js";
import { instantMs } from "../format.js";
import { either } from "../text.js";
import {
  factorNumbers,
  levelInSentence,
  levelName,
  peakOf,
  rankOf,
  reasonText,
  seriesKey,
  seriesName,
  seriesTitle,
  seriesTitleParts,
} from "../words.js";

const STEPS_SHOWN = 5;
const OTHERS_SHOWN = 8;
const FACTORS = ["scope", "harm", "urgency"];

const get = (id) => document.getElementById(id);

/** What the large field is about: which level, which crisis, and why there is none. */
export function verdict(aggregate) {
  if (aggregate === undefined) {
    return { level: null, crisis: null, note: "crisis.waiting" };
  }
  if (aggregate === null) {
    return { level: null, crisis: null, note: "crisis.elsewhere" };
  }
  const crisis = (aggregate.crises ?? []).find((one) => one.ended === null || one.ended === undefined) ?? null;
  if (crisis !== null) {
    return { level: crisis.level, crisis, note: null };
  }
  if (aggregate.clock === null) {
    return { level: null, crisis: null, note: "crisis.unheard" };
  }
  return { level: "none", crisis: null, note: "calm" };
}

let said = null;

export function drawCrisis(view, picture) {
  const aggregate = picture?.aggregate;
  const { level, crisis, note } = verdict(aggregate);
  drawLevel(view, level);
  setParts(get("crisis-name"), crisis ? seriesTitleParts(view, crisis.series) : [noteText(view, note, aggregate)]);
  setParts(get("crisis-since"), crisis ? sinceParts(view, crisis) : calmParts(view, note, aggregate));
  setAttribute(get("crisis-name"), "data-quiet", crisis ? null : "");
  drawFactors(view, crisis);
  drawSteps(view, crisis);
  const lately = crisis ? null : ((aggregate?.crises ?? [])[0] ?? null);
  drawResponse(view, crisis ?? lately);
  const large = crisis ?? lately;
  show(get("deeds"), large !== null);
  drawOthers(
    view,
    (aggregate?.crises ?? []).filter((one) => one !== large),
  );
  announce(view, level, crisis);
}

/** A word's width in ems, roughly: what lets the style sheet make it as large as it fits. */
export function widthEm(word) {
  return [...word].reduce((sum, letter) => sum + (letter.codePointAt(0) > 0x2e80 ? 1 : 0.56), 0);
}

function drawLevel(view, level) {
  const word = levelName(view, level);
  const rank = rankOf(level);
  setAttribute(document.body, "data-level", level ?? "unknown");
  setText(get("level-word"), word);
  setProperty(get("level-word"), "--width-em", widthEm(word).toFixed(2));
  setText(
    get("level-rank"),
    rank > 0 ? view.say("level.rank", { rank }) : level === "none" ? view.say("level.rank_none") : "",
  );
  document.querySelectorAll(".ladder rect").forEach((bar, index) => {
    setAttribute(bar, "class", index < rank ? "reached" : "unreached");
  });
  document.title = rank > 0 ? view.say("crisis.title", { level: word }) : view.say("app.name");
}

function noteText(view, note, aggregate) {
  if (note !== "calm") {
    return view.say(note);
  }
  const n = (aggregate.signals ?? []).length;
  return n === 0 ? view.say("crisis.calm") : view.say("crisis.calm_signals", { n });
}

function calmParts(view, note, aggregate) {
  if (note !== "calm") {
    return [];
  }
  const { format } = view;
  const judged = view.say("crisis.judged", { time: format.when(instantMs(aggregate.clock), view.nowMs) });
  const total = (key, n) => view.say(key, { n, count: format.count(n) });
  const counts = view.say("crisis.calm_counts", {
    signals: total("crisis.count_signals", aggregate.signals_raised),
    crises: total("crisis.count_crises", aggregate.crises_opened),
  });
  return [judged, counts];
}

function sinceParts(view, crisis) {
  const { format, nowMs, say } = view;
  const beganMs = instantMs(crisis.began);
  return [
    say("crisis.since", { time: format.when(beganMs, nowMs) }),
    say("crisis.lasted", { age: format.span(nowMs - beganMs, { seconds: false }) }),
    say("crisis.signals", { n: crisis.signals, count: format.count(crisis.signals) }),
  ];
}

function drawFactors(view, crisis) {
  const list = get("factors");
  show(list, crisis !== null);
  show(get("factors-heading"), crisis !== null);
  const make = () => {
    const parts = {
      name: el("span", { class: "factor-name" }),
      pips: shape("svg", { class: "pips", viewBox: "0 0 44 12", role: "img" }),
      decided: el("span", { class: "factor-decided" }),
      rest: el("span", { class: "factor-rest" }),
    };
    for (const x of [0, 16, 32]) {
      parts.pips.append(shape("rect", { x: x + 1, y: 1, width: 10, height: 10 }));
    }
    const score = el("div", { class: "factor-score" }, parts.name, " ", parts.pips);
    parts.node = el("li", {}, score, el("div", { class: "factor-numbers" }, parts.decided, " ", parts.rest));
    return parts;
  };
  const evidence = crisis?.factors?.evidence ?? {};
  keyed(
    list,
    crisis ? FACTORS : [],
    (name) => name,
    make,
    (parts, name) => {
      const factor = crisis.factors?.[name] ?? { score: 0, because: "nothing" };
      const { decided, rest } = factorNumbers(view, factor, name, evidence);
      setText(parts.name, view.say(`factor.${name}`));
      setAttribute(parts.pips, "aria-label", view.say("crisis.score", { score: factor.score }));
      [...parts.pips.children].forEach((pip, index) =>
        setAttribute(pip, "class", index < factor.score ? "reached" : "unreached"),
      );
      setText(parts.decided, decided);
      setText(parts.rest, rest.join(" · "));
    },
  );
}

function drawSteps(view, crisis) {
  const steps = crisis?.steps ?? [];
  show(get("steps-part"), steps.length > 0);
  const ranked = steps.map((step) => ({ atMs: instantMs(step.at), rank: rankOf(step.level) }));
  setAttribute(
    get("stairs").firstElementChild,
    "d",
    stairPath(
      ranked.filter((step) => step.atMs !== null),
      view.nowMs,
    ),
  );
  const recent = steps.slice(-STEPS_SHOWN);
  const words = recent.map((step) =>
    view.say("crisis.stair", {
      level: levelInSentence(view, step.level),
      time: view.format.when(instantMs(step.at), view.nowMs),
    }),
  );
  setAttribute(
    get("stairs"),
    "aria-label",
    view.say("crisis.stairs", { steps: words.join(view.say("dimension.join")) }),
  );
  const make = () => {
    const parts = { time: el("time"), level: el("strong"), reason: el("span", { class: "reason" }) };
    parts.node = el("li", {}, parts.time, " ", parts.level, " ", parts.reason);
    return parts;
  };
  keyed(
    get("steps"),
    recent,
    (step) => `${step.at}${step.level}`,
    make,
    (parts, step) => {
      setAttribute(parts.time, "datetime", step.at);
      setText(parts.time, view.format.when(instantMs(step.at), view.nowMs));
      setText(parts.level, levelName(view, step.level));
      setText(parts.reason, reasonText(view, step.reason));
    },
  );
  get("steps").start = 1 + steps.length - recent.length;
}

function drawResponse(view, crisis) {
  const lines = crisis?.response ?? [];
  const endedMs = instantMs(crisis?.ended);
  show(get("response-part"), lines.length > 0);
  setText(get("response-heading"), view.say(endedMs === null ? "crisis.response" : "crisis.recovery"));
  show(get("response-of"), endedMs !== null);
  if (endedMs !== null) {
    const words = {
      name: seriesName(view, crisis.series),
      began: view.format.when(instantMs(crisis.began), view.nowMs),
      ended: view.format.when(endedMs, view.nowMs),
      level: levelInSentence(view, peakOf(crisis)),
    };
    setText(get("response-of"), view.say("crisis.lately", words));
  }
  const make = () => ({ node: el("li") });
  keyed(
    get("response"),
    lines,
    (line) => line.en ?? line.zh ?? "",
    make,
    (parts, line) => {
      setText(parts.node, either(view.language, line));
    },
  );
}

function drawOthers(view, others) {
  show(get("others-part"), others.length > 0);
  const make = () => {
    const parts = { name: el("strong"), state: el("span") };
    parts.node = el("li", {}, parts.name, " ", parts.state);
    return parts;
  };
  const keyOf = (crisis) => crisis.id ?? seriesKey(crisis.opened_as);
  keyed(get("others"), others.slice(0, OTHERS_SHOWN), keyOf, make, (parts, crisis) => {
    const endedMs = instantMs(crisis.ended);
    setAttribute(parts.node, "data-level", endedMs === null ? crisis.level : "over");
    setText(parts.name, seriesTitle(view, crisis.series));
    setText(
      parts.state,
      endedMs === null
        ? view.say("crisis.other_open", {
            level: levelName(view, crisis.level),
            time: view.format.when(instantMs(crisis.began), view.nowMs),
          })
        : view.say("crisis.other_over", {
            level: levelInSentence(view, peakOf(crisis)),
            time: view.format.when(endedMs, view.nowMs),
          }),
    );
  });
}

/** The first level that is known is no change; a change of language is none either. */
function announce(view, level, crisis) {
  const now = `${level} ${crisis?.id ?? ""}`;
  if (level !== null && said !== null && said !== now) {
    const name = crisis ? seriesName(view, crisis.series) : "";
    setText(get("announcer"), view.say("crisis.said", { level: levelName(view, level), name }));
  }
  said = level === null ? said : now;
}
