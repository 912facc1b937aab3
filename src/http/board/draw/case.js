// How does one case come to its verdicts? A dialog with a bar for each of its clocks, asked for when a name is pressed.
//
// Ground rules: it is asked for once when it is opened and again on demand, never by itself: an explanation is as of an
// instant, and says so; what is asked for and comes late is dropped; every bar is said in words beneath it, with how long
// each state lasted, so that none is told by colour alone; what stands still is thinner than what runs.

import { el, keyed, setAttribute, setText, shape, show } from "../dom.js";
import { instantMs } from "../format.js";
import { either } from "../text.js";
import { known } from "../words.js";

const BAR = { width: 1_000, height: 20 };
const STATES = ["open", "warned", "breached", "paused", "closed", "left"];
const get = (id) => document.getElementById(id);

let subject = null;
/** What was answered: `{ explanations }`, `{ problem }`, or `null` while it is asked for. */
let answer = null;

/** Opens the dialog for whatever names a subject; `redraw` draws it in the words of now. */
export function attachCase(redraw) {
  const dialog = get("case");
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button[data-subject]");
    if (button) {
      ask(button.dataset.subject, redraw);
      dialog.showModal();
    }
  });
  get("case-again").addEventListener("click", () => ask(subject, redraw));
  get("case-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    subject = null;
  });
}

async function ask(wanted, redraw) {
  [subject, answer] = [wanted, null];
  redraw();
  let found;
  try {
    const response = await fetch(`/api/v1/subjects/${encodeURIComponent(wanted)}`);
    const body = await response.json();
    found = response.ok ? { explanations: body.explanations ?? [] } : { problem: { en: body.detail, zh: body.detail_zh } };
  } catch {
    found = { problem: null };
  }
  if (subject === wanted) {
    answer = found;
    redraw();
  }
}

/** Draws it while it is open. */
export function drawCase(view) {
  if (subject === null) {
    return;
  }
  const clocks = (answer?.explanations ?? []).flatMap(({ at, clocks: some }) => some.map((clock) => ({ at, clock })));
  setText(get("case-heading"), subject);
  setText(get("case-note"), noteText(view, clocks));
  show(get("case-legend"), clocks.length > 0);
  keyed(
    get("case-clocks"),
    clocks,
    ({ clock }) => `${clock.commitment} ${clock.start_event}`,
    makeClock,
    (parts, one) => drawClock(view, parts, one),
  );
}

function noteText(view, clocks) {
  if (answer === null) {
    return view.say("case.asking");
  }
  if (answer.problem !== undefined) {
    return either(view.language, answer.problem) || view.say("case.unanswered");
  }
  if (clocks.length === 0) {
    return view.say("case.none");
  }
  return view.say("case.at", { time: view.format.when(instantMs(clocks[0].at), view.nowMs) });
}

function makeClock() {
  const parts = {
    title: el("strong"),
    verdict: el("span", { class: "verdict" }),
    bar: shape("svg", {
      class: "clock-bar",
      viewBox: `0 0 ${BAR.width} ${BAR.height}`,
      preserveAspectRatio: "none",
      role: "img",
    }),
    says: el("span", { class: "says" }),
  };
  const head = el("div", { class: "row" }, parts.title, " ", parts.verdict);
  parts.node = el("li", {}, head, parts.bar, parts.says);
  return parts;
}

function drawClock(view, parts, { clock }) {
  const { format, say, language, nowMs } = view;
  setAttribute(parts.node, "data-outcome", clock.outcome);
  setText(parts.title, either(language, clock.title) || clock.commitment);
  setText(parts.verdict, known(view, "outcome", clock.outcome));
  const segments = (clock.picture?.segments ?? []).filter(({ start_ms: from, end_ms: to }) => to > from);
  const drawn = JSON.stringify([segments, clock.picture?.due_ms]);
  if (parts.drawn !== drawn) {
    parts.drawn = drawn;
    parts.bar.replaceChildren(...shapes(segments, clock.picture?.due_ms ?? null));
  }
  const dueMs = instantMs(clock.due);
  const sums = STATES.map((state) => [state, lengthOf(segments, state)]).filter(([, ms]) => ms > 0);
  const parted = sums.map(([state, ms]) => say("case.stretch", { state: known(view, "stretch", state), span: format.span(ms) }));
  const due = dueMs === null ? say("case.no_due") : say("due.at", { time: format.when(dueMs, nowMs) });
  const text = [due, ...parted].join(say("case.join"));
  setText(parts.says, text);
  setAttribute(parts.bar, "aria-label", text);
}

function lengthOf(segments, state) {
  return segments.filter((one) => one.state === state).reduce((sum, one) => sum + one.end_ms - one.start_ms, 0);
}

/** A rectangle for each stretch, and a mark where the goal is used up. */
function shapes(segments, dueMs) {
  if (segments.length === 0) {
    return [];
  }
  const from = segments[0].start_ms;
  const x = (ms) => ((ms - from) * BAR.width) / (segments.at(-1).end_ms - from);
  const rects = segments.map(({ start_ms: start, end_ms: end, state }) =>
    shape("rect", {
      class: `stretch stretch-${STATES.includes(state) ? state : "other"}`,
      x: x(start).toFixed(1),
      y: state === "paused" || state === "closed" ? 7 : 2,
      width: Math.max(1, x(end) - x(start)).toFixed(1),
      height: state === "paused" || state === "closed" ? 6 : 16,
    }),
  );
  const mark = dueMs === null ? [] : [shape("path", { class: "due-mark", d: `M${Math.min(x(dueMs), BAR.width - 1).toFixed(1)} 0V20` })];
  return [...rects, ...mark];
}
