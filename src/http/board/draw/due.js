// Which promise runs out next? The open promises on one axis of time, around now.
//
// Ground rules: soonest first; of those that are overdue the latest stand just above, the older ones are folded away
// with their number, so that they never hide what can still be kept. The countdown is engine time, drawn again on every
// tick without a picture; it is no live region. The bar is the share of the time between start and due.

import { el, keyed, setAttribute, setProperty, setText, show } from "../dom.js";
import { instantMs, SPEED_WITHOUT_SECONDS } from "../format.js";
import { either } from "../text.js";
import { known } from "../words.js";

const OVERDUE_SHOWN = 3;
/** On narrow screens the rest is behind a button; the style sheet knows the same number. */
const NARROW_SHOWN = 8;

const get = (id) => document.getElementById(id);
const rows = new Map();
let olderShown = false;

/** Gives the two buttons their work. */
export function attachDue(redraw) {
  get("due-older").addEventListener("click", () => {
    olderShown = !olderShown;
    redraw();
  });
  get("due-more").addEventListener("click", () => {
    get("due").classList.toggle("all");
    redraw();
  });
}

/** Open promises with their instants, soonest due first; without those whose due is no instant. */
export function sortedDue(promises) {
  return promises
    .map((promise) => ({ promise, dueMs: instantMs(promise.due), startedMs: instantMs(promise.started) }))
    .filter(({ dueMs }) => dueMs !== null)
    .sort((a, b) => a.dueMs - b.dueMs);
}

export function drawDue(view, picture) {
  const sorted = sortedDue(picture?.due ?? []);
  const overdue = sorted.filter(({ promise }) => promise.breached).length;
  const older = Math.max(0, overdue - OVERDUE_SHOWN);
  const shown = olderShown || older <= 1 ? sorted : sorted.slice(older);
  show(get("due-empty"), sorted.length === 0 && picture !== null);
  drawButtons(view, older, shown.length);
  const titles = new Map((picture?.commitments ?? []).map(({ name, title }) => [name, title]));
  rows.clear();
  const keyOf = ({ promise }) => `${promise.commitment} ${promise.subject} ${promise.started}`;
  keyed(get("due"), shown, keyOf, makeRow, (parts, item) => {
    const { promise } = item;
    const state = promise.breached ? "overdue" : promise.warned ? "warned" : "open";
    setAttribute(parts.node, "data-state", state);
    setText(parts.subject, promise.subject ?? "");
    setAttribute(parts.subject, "data-subject", promise.subject ?? "");
    setAttribute(parts.subject, "aria-haspopup", "dialog");
    setText(parts.badge, state === "open" ? "" : view.say(`due.${state}`));
    show(parts.badge, state !== "open");
    setText(
      parts.title,
      titles.has(promise.commitment)
        ? either(view.language, titles.get(promise.commitment))
        : known(view, "commitment", promise.commitment),
    );
    const dueText = view.format.when(item.dueMs, view.nowMs);
    setText(parts.due, view.say(state === "overdue" ? "due.was" : "due.at", { time: dueText }));
    setAttribute(parts.due, "datetime", promise.due);
    rows.set(parts, item);
  });
  tickDue(view);
}

/** What changes between two pictures: countdowns and bars. */
export function tickDue(view) {
  if (view.nowMs === null) {
    return;
  }
  const options = { padded: true, seconds: view.speed < SPEED_WITHOUT_SECONDS };
  for (const [parts, { promise, dueMs, startedMs }] of rows) {
    const leftMs = dueMs - view.nowMs;
    setText(parts.left, leftText(view, leftMs, promise.breached, options));
    const used = startedMs === null || dueMs <= startedMs ? 1 : (view.nowMs - startedMs) / (dueMs - startedMs);
    const share = Math.min(1, Math.max(0, used));
    setProperty(parts.bar, "--used", share.toFixed(3));
    setAttribute(parts.bar, "aria-label", view.say("due.used", { share: view.format.percent(share) }));
  }
}

function leftText(view, leftMs, breached, options) {
  // Up the last second, or a countdown would say "0 s left" for a whole one.
  const span = view.format.span(leftMs < 0 ? -leftMs : Math.ceil(leftMs / 1_000) * 1_000, options);
  if (leftMs < 0) {
    // Time is up, and the engine has not said so yet: it waits for late events.
    return breached || -leftMs >= 1_000 ? view.say("due.over", { time: span }) : view.say("due.now");
  }
  return view.say("due.left", { time: span });
}

function makeRow() {
  const parts = {
    subject: el("button", { type: "button", class: "subject" }),
    badge: el("span", { class: "badge" }),
    left: el("span", { class: "left" }),
    title: el("span", { class: "promise" }),
    due: el("time", { class: "due-at" }),
    bar: el("span", { class: "bar", role: "img" }),
  };
  const head = el("div", { class: "row" }, el("span", {}, parts.subject, " ", parts.badge), " ", parts.left);
  const foot = el("div", { class: "row" }, parts.title, " ", parts.due);
  parts.node = el("li", {}, head, foot, parts.bar);
  return parts;
}

function drawButtons(view, older, count) {
  const olderButton = get("due-older");
  show(olderButton, older > 1);
  setAttribute(olderButton, "aria-expanded", String(olderShown));
  setText(
    olderButton,
    olderShown ? view.say("due.less") : view.say("due.older", { n: older, count: view.format.count(older) }),
  );
  const moreButton = get("due-more");
  const all = get("due").classList.contains("all");
  show(moreButton, count > NARROW_SHOWN);
  setAttribute(moreButton, "aria-expanded", String(all));
  setText(moreButton, all ? view.say("due.less") : view.say("due.more", { n: view.format.count(count) }));
}
