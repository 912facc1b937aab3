// What time is it, is the line up, and whose picture is this? Header, footer and the notice of a lost connection.
//
// Ground rules: a lost line is said in words, above everything, with the age of what is still shown, and to screen
// readers once; the age itself ticks outside the live region.

import { setAttribute, setText, show } from "../dom.js";
import { instantMs, SPEED_WITHOUT_SECONDS, ZONE } from "../format.js";

const SIGNS = {
  connecting: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Zm0 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z",
  live: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z",
  silent: "M2 1h3v10H2ZM7 1h3v10H7Z",
  lost: "M2.1.7 6 4.6 9.9.7 11.3 2.1 7.4 6l3.9 3.9-1.4 1.4L6 7.4l-3.9 3.9L.7 9.9 4.6 6 .7 2.1Z",
};

const get = (id) => document.getElementById(id);

/** Writes every word that stands in the page itself. */
export function drawWords(view) {
  for (const node of document.querySelectorAll("[data-t]")) {
    setText(node, view.say(node.dataset.t));
  }
  for (const node of document.querySelectorAll("[data-t-label]")) {
    setAttribute(node, "aria-label", view.say(node.dataset.tLabel));
  }
}

export function drawFrame(view, picture) {
  const speed = picture?.speed ?? 1;
  show(get("speed"), speed !== 1 && picture !== null);
  setText(get("speed"), view.say("app.speed", { speed: view.format.about(speed) }));
  setAttribute(get("speed"), "title", view.say("app.speed_help", { speed: view.format.about(speed) }));
  setText(get("version"), picture?.version ? view.say("app.version", { version: picture.version }) : "");
  setText(get("zone"), view.say("app.zone", { zone: ZONE }));
  const at = instantMs(picture?.at);
  setText(get("picture-at"), at === null ? "" : view.say("app.picture_at", { time: view.format.seconds(at) }));
}

/** What changes between two pictures: the clock and the age. */
export function tickFrame(view, live) {
  const time = get("engine-time");
  if (view.nowMs === null) {
    setText(time, view.say("app.none"));
  } else {
    const seconds = view.speed < SPEED_WITHOUT_SECONDS;
    setText(time, seconds ? view.format.seconds(view.nowMs) : view.format.time(view.nowMs));
    setText(get("engine-day"), view.format.day(view.nowMs));
  }
  drawLink(view, live);
}

function drawLink(view, live) {
  const { state, ageMs } = live;
  setAttribute(document.body, "data-link", state);
  setAttribute(get("link-sign"), "d", SIGNS[state]);
  setText(get("link-text"), view.say(`link.${state}`));
  const stale = state === "lost" || state === "silent";
  show(get("stale"), stale);
  if (stale) {
    const key = ageMs === null ? "link.never_note" : `link.${state}_note`;
    setText(get("stale"), view.say(key, { age: view.format.span(ageMs ?? NaN) }));
  }
}

/** Says a change of the connection to screen readers; the first connection is no news. */
export function announceLink(view, state, before) {
  if (state === "lost") {
    setText(get("announcer"), view.say("link.said_lost"));
  } else if (state === "live" && before === "lost") {
    setText(get("announcer"), view.say("link.said_live"));
  }
}
