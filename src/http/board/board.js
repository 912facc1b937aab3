// What does the board do? Pictures come, the page shows the newest, and between two of them the clock goes on.
//
// Ground rules: only the newest picture is kept; it is drawn once per frame at most, also when many come; whatever is
// drawn is given the same view (language, formats, engine time), so that all panels speak of the same instant. A panel
// that fails on something unforeseen is reported on the console and leaves the others alone.
//
//   live ──► newest picture ──► frame ──► panels          tick ──► clock, countdowns, age

import { EngineClock } from "./clock.js";
import { attachCase, drawCase } from "./draw/case.js";
import { drawChanges } from "./draw/changes.js";
import { drawCrisis } from "./draw/crisis.js";
import { attachDue, drawDue, tickDue } from "./draw/due.js";
import { announceLink, drawFrame, drawWords, tickFrame } from "./draw/frame.js";
import { drawKeeping } from "./draw/keeping.js";
import { drawObjectives } from "./draw/objectives.js";
import { drawProgram } from "./draw/program.js";
import { drawSatisfaction } from "./draw/satisfaction.js";
import { drawSeries } from "./draw/series.js";
import { drawVitals } from "./draw/vitals.js";
import { formats, instantMs } from "./format.js";
import { Live } from "./live.js";
import { attach, label, language } from "./preferences.js";
import { watchScrolling } from "./scrolling.js";
import { say } from "./text.js";

/** Faster ticks than this are not seen. */
const TICK_MIN_MS = 200;
/** A tick a little after the second, so that it never falls just before it. */
const TICK_SLACK_MS = 8;

/** How long a page that nobody sees gathers pictures before it draws. */
const HIDDEN_MS = 500;

const PANELS = [
  drawFrame,
  drawCrisis,
  drawVitals,
  drawDue,
  drawChanges,
  drawSeries,
  drawKeeping,
  drawObjectives,
  drawSatisfaction,
  drawProgram,
  drawCase,
];

const FORMATS = { en: formats("en"), zh: formats("zh") };

const clock = new EngineClock();
let picture = null;
let frame = null;
let linkBefore = "connecting";

/** In which words, and as of when, everything is drawn. */
function view() {
  const now = language();
  return {
    language: now,
    format: FORMATS[now],
    say: (key, values) => say(now, key, values),
    nowMs: clock.nowMs(performance.now()),
    speed: clock.speed,
  };
}

function draw() {
  frame = null;
  const current = view();
  for (const panel of PANELS) {
    try {
      panel(current, picture);
    } catch (fault) {
      console.error(fault);
    }
  }
  tickFrame(current, live);
}

/** Draws with the next frame. A page that nobody sees has no frames, but a title that is seen. */
function drawSoon() {
  frame ??= document.hidden ? setTimeout(draw, HIDDEN_MS) : requestAnimationFrame(draw);
}

/** What was waited for, a frame or a time, may never come now. */
function drawVisible() {
  frame = null;
  drawSoon();
}

function drawAnew() {
  label();
  drawWords(view());
  draw();
}

function tick() {
  const current = view();
  tickDue(current);
  tickFrame(current, live);
  const waitMs = clock.untilTickMs(performance.now()) + TICK_SLACK_MS;
  setTimeout(tick, Math.min(1_000 + TICK_SLACK_MS, Math.max(TICK_MIN_MS, waitMs)));
}

const live = new Live(
  (newest) => {
    const atMs = instantMs(newest.at);
    if (atMs !== null) {
      clock.hear(atMs, newest.speed, performance.now());
    }
    picture = newest;
    drawSoon();
  },
  (state) => {
    announceLink(view(), state, linkBefore);
    linkBefore = state;
    tickFrame(view(), live);
  },
);

attach(drawAnew);
attachDue(drawSoon);
attachCase(drawSoon);
document.addEventListener("visibilitychange", drawVisible);
watchScrolling();
drawAnew();
live.start();
tick();
