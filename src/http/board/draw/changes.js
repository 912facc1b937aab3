// What has just happened? The latest steps in the lives of alerts, newest first.
//
// Ground rules: at most a fixed number of them, however many come; kind and action are words and a sign, the colour
// only helps; what is new is marked for a moment unless motion is unwelcome. No live region: in a bad hour it would
// speak without end; the level and the connection are announced instead.

import { el, keyed, setAttribute, setText, shape, show } from "../dom.js";
import { instantMs } from "../format.js";
import { changeLabel, changeText } from "../words.js";

const CHANGES_SHOWN = 60;

/** A shape for each kind of alert, and for what was taken back or is over. */
const SIGNS = {
  warning: "M6 1 11.5 11H.5Z",
  breach: "M1 1h10v10H1Z",
  signal: "M1 11V7h2.5v4ZM4.75 11V4h2.5v7ZM8.5 11V1H11v10Z",
  crisis: "M6 0 12 6 6 12 0 6Z",
  objective: "M6 .5A5.5 5.5 0 1 0 6 11.5 5.5 5.5 0 0 0 6 .5ZM6 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z",
  retracted: "M2 5h8v2H2Z",
  resolved: "M4.5 10.5.8 6.8 2.2 5.4 4.5 7.7 9.8 2.4 11.2 3.8Z",
  other: "M6 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
};

let painted = false;

export function drawChanges(view, picture) {
  const changes = (picture?.changes ?? []).slice(0, CHANGES_SHOWN);
  show(document.getElementById("changes-empty"), changes.length === 0 && picture !== null);
  const keyOf = (change) => [change.id, change.action, change.log, change.next_offset, change.clock].join(" ");
  keyed(document.getElementById("changes"), changes, keyOf, makeRow, (parts, change, isNew) => {
    if (isNew && painted) {
      parts.node.classList.add("fresh");
    }
    const clockMs = instantMs(change.clock);
    const { about, says, of } = changeText(view, change);
    setAttribute(parts.node, "data-kind", change.kind ?? "other");
    setAttribute(parts.node, "data-action", change.action ?? "other");
    setAttribute(parts.node, "data-level", change.kind === "crisis" ? change.level : null);
    setAttribute(parts.sign, "d", signOf(change));
    setAttribute(parts.time, "datetime", change.clock ?? "");
    setText(parts.time, view.format.when(clockMs, view.nowMs));
    setText(parts.label, changeLabel(view, change));
    setText(parts.about, about);
    setText(parts.says, says);
    setText(parts.of, of);
  });
  painted ||= changes.length > 0;
}

function signOf({ action, kind }) {
  const name = action === "retracted" || action === "resolved" ? action : kind;
  return SIGNS[name] ?? SIGNS.other;
}

function makeRow() {
  const parts = {
    sign: shape("path"),
    time: el("time"),
    label: el("span", { class: "label" }),
    about: el("strong", { class: "subject" }),
    says: el("span", { class: "says" }),
    of: el("span", { class: "promise" }),
  };
  const sign = shape(
    "svg",
    { class: "sign", viewBox: "0 0 12 12", "aria-hidden": "true", focusable: "false" },
    parts.sign,
  );
  const head = el("div", { class: "row" }, el("span", {}, parts.label, " ", parts.about), " ", parts.time);
  parts.node = el("li", {}, sign, el("div", { class: "body" }, head, parts.of, " ", parts.says));
  return parts;
}
