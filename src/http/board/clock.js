// What time is it for the engine, between two pictures?
//
// Ground rules: every picture sets the clock; in between it goes on at the picture's speed, but only for a few seconds,
// so that it stands still, and with it every countdown, when no pictures come. Small differences are the jitter of the
// way here and are taken in gently, or seconds would be skipped and repeated. It is told the wall's time, never asks.

/** How long the clock goes on by itself, in milliseconds of the wall. */
export const COAST_MAX_MS = 4_000;
/** Up to this difference, in milliseconds of the wall, a picture only nudges the clock. */
const JITTER_MS = 1_200;
/** The part of such a difference that is taken in at once. */
const NUDGE = 0.25;

export class EngineClock {
  #anchor = null;

  /** A picture came: it was `atMs` for the engine when it is `wallMs` here. */
  hear(atMs, speed, wallMs) {
    const rate = Number.isFinite(speed) && speed > 0 ? speed : 1;
    const before = this.nowMs(wallMs);
    const same = before !== null && this.#anchor.speed === rate;
    const difference = same ? atMs - before : Infinity;
    const nudged = Math.abs(difference) <= JITTER_MS * rate;
    this.#anchor = { atMs: nudged ? before + difference * NUDGE : atMs, speed: rate, wallMs };
  }

  /** Engine time; `null` before the first picture. */
  nowMs(wallMs) {
    if (this.#anchor === null) {
      return null;
    }
    const { atMs, speed, wallMs: heardMs } = this.#anchor;
    return atMs + Math.min(Math.max(0, wallMs - heardMs), COAST_MAX_MS) * speed;
  }

  get speed() {
    return this.#anchor?.speed ?? 1;
  }

  /** How long until the next whole second of the engine, in milliseconds of the wall. */
  untilTickMs(wallMs) {
    const now = this.nowMs(wallMs);
    return now === null ? 1_000 : (1_000 - (now % 1_000)) / this.speed;
  }
}
