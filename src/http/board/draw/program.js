// Can what the board says be believed? The state of the program, its logs, and the sources of the series.
//
// Ground rules: the program's own trouble is shown as plainly as the customers'; ages are as of the picture. At most a
// fixed number of logs.

import { el, keyed, setAttribute, setText, show } from "../dom.js";
import { instantMs } from "../format.js";
import { has } from "../text.js";
import { known } from "../words.js";

const LOGS_SHOWN = 64;
const REASONS_SHOWN = 3;
const COLUMNS = ["state", "lag", "fence", "unread", "records", "rejected", "checkpoint"];

const get = (id) => document.getElementById(id);

export function drawProgram(view, picture) {
  const state = picture?.state ?? null;
  setAttribute(get("state"), "data-state", state ?? "unknown");
  setText(get("state"), state === null ? "" : known(view, "state", state));
  setText(get("state-note"), has(`state.${state}_note`) ? view.say(`state.${state}_note`) : "");
  drawTrouble(view, state);
  drawAggregate(view, picture?.aggregate ?? null, instantMs(picture?.at));
  const logs = picture?.logs ?? [];
  show(get("logs-empty"), logs.length === 0 && picture !== null);
  show(get("logs-table"), logs.length > 0);
  keyed(
    get("logs"),
    logs.slice(0, LOGS_SHOWN),
    ({ log }) => String(log),
    makeRow,
    (parts, log) => drawLog(view, parts, log),
  );
  const n = logs.length - LOGS_SHOWN;
  show(get("logs-cut"), n > 0);
  setText(get("logs-cut"), n > 0 ? view.say("program.logs_cut", { n, count: view.format.count(n) }) : "");
}

/** Above everything, while the clocks cannot be trusted to run. */
function drawTrouble(view, state) {
  const trouble = state !== null && state !== "live";
  show(get("trouble"), trouble);
  if (trouble) {
    const note = has(`state.${state}_note`) ? view.say(`state.${state}_note`) : "";
    const name = known(view, "state", state);
    setText(get("trouble"), note === "" ? name : view.say("program.trouble", { state: name, note }));
  }
}

function drawAggregate(view, aggregate, atMs) {
  show(get("aggregate-facts"), aggregate !== null);
  if (aggregate === null) {
    return;
  }
  const { format, say } = view;
  const clockMs = instantMs(aggregate.clock);
  setText(
    get("aggregate-clock"),
    clockMs === null
      ? say("app.none")
      : say("program.clock_lag", {
          time: format.seconds(clockMs),
          lag: format.span(atMs - clockMs),
        }),
  );
  const missing = aggregate.sources_missing ?? [];
  const n = aggregate.sources ?? 0;
  const list = missing.slice(0, 12).join(", ") + (missing.length > 12 ? ", …" : "");
  setText(
    get("aggregate-sources"),
    missing.length === 0
      ? say("program.sources_all", { n, count: format.count(n) })
      : say("program.sources_missing", { list, n: format.count(n) }),
  );
  setAttribute(get("aggregate-sources"), "data-bad", missing.length > 0 ? "" : null);
}

function makeRow() {
  const parts = { place: el("th", { scope: "row" }) };
  for (const name of COLUMNS) {
    parts[name] = el("td", { class: `l-${name}` });
  }
  parts.node = el("tr", {}, parts.place, ...COLUMNS.map((name) => parts[name]));
  return parts;
}

function drawLog(view, parts, log) {
  const { format, say } = view;
  const seconds = (value) =>
    value < 9.95 ? say("span.seconds", { s: format.tenth(value) }) : format.span(value * 1_000);
  const age = (value) => (Number.isFinite(value) ? seconds(Math.max(0, value)) : say("app.none"));
  setText(parts.place, log.place || String(log.log));
  const texts = {
    state: known(view, "state", log.state),
    lag: log.clock === null ? say("app.none") : age(log.clock_lag_seconds),
    fence: age(log.fence_age_seconds),
    unread: format.count(Math.max(0, log.end_offset - log.next_offset)),
    records: format.count(log.records),
    rejected: rejectedText(view, log.rejected ?? {}),
    checkpoint: log.checkpoint_age_seconds === null ? say("log.no_checkpoint") : age(log.checkpoint_age_seconds),
  };
  for (const name of COLUMNS) {
    setText(parts[name], texts[name]);
    setAttribute(parts[name], "data-label", say(`log.${name}`));
  }
  setAttribute(parts.state, "data-state", log.state ?? "unknown");
  setAttribute(parts.rejected, "data-zero", texts.rejected === "0" ? "" : null);
}

/** How many were refused, and for what, most frequent first. */
function rejectedText(view, rejected) {
  const reasons = Object.entries(rejected)
    .filter(([, n]) => n > 0)
    .sort((a, b) => b[1] - a[1]);
  const total = reasons.reduce((sum, [, n]) => sum + n, 0);
  if (reasons.length === 0) {
    return view.format.count(0);
  }
  const named = reasons.slice(0, REASONS_SHOWN).map(([reason, n]) =>
    view.say("log.reason", {
      reason: reason.replaceAll("_", " "),
      n: view.format.count(n),
    }),
  );
  return `${view.format.count(total)} (${named.join(", ")}${reasons.length > REASONS_SHOWN ? ", …" : ""})`;
}
