// How are a number, an instant and a span of time written? In the chosen language, in the viewer's zone.
//
// Ground rules: formatters are made once per language and kept, because making one is slow; what is no number or no
// instant becomes a dash, never "NaN". No look at the page.

import { say } from "./text.js";

const DASH = "–";
const LOCALES = { en: "en-GB", zh: "zh-CN" };
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The zone all instants are shown in. */
export const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** An RFC 3339 text in milliseconds; `null` for what is none (`null`, "never"). */
export function instantMs(text) {
  const ms = typeof text === "string" ? Date.parse(text) : NaN;
  return Number.isFinite(ms) ? ms : null;
}

/** From this speed on a second on the wall is many: seconds are not shown, they would only flicker. */
export const SPEED_WITHOUT_SECONDS = 10;

/** Everything that writes, for one language. */
export function formats(language) {
  const locale = LOCALES[language];
  const date = (options) => new Intl.DateTimeFormat(locale, options);
  const number = (options) => new Intl.NumberFormat(locale, options);
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const dates = {
    time: date(clock),
    seconds: date({ ...clock, second: "2-digit" }),
    day: date({ weekday: "short", day: "numeric", month: "short" }),
    dayTime: date({ day: "numeric", month: "short", ...clock }),
    full: date({ year: "numeric", day: "numeric", month: "short", ...clock }),
  };
  const whole = number({ maximumFractionDigits: 0 });
  const tenth = number({ maximumFractionDigits: 1 });
  const fixedTenth = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const hundredth = number({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const shares = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const percents = number({ style: "percent", maximumFractionDigits: 0 });
  const guard = (format) => (value) => (Number.isFinite(value) ? format(value) : DASH);
  return {
    time: guard((ms) => dates.time.format(ms)),
    seconds: guard((ms) => dates.seconds.format(ms)),
    day: guard((ms) => dates.day.format(ms)),
    /** The time of the day; with the day when that is not today's, with the year when it is far. */
    when: (ms, nowMs) => (Number.isFinite(ms) ? when(dates, ms, nowMs) : DASH),
    count: guard((value) => whole.format(value)),
    /** Whole from ten on, one decimal below. */
    about: guard((value) => (Math.abs(value) >= 9.95 ? whole : tenth).format(value)),
    tenth: guard((value) => fixedTenth.format(value)),
    score: guard((value) => hundredth.format(value)),
    share: guard((value) => shares.format(rounded(value))),
    percent: guard((value) => percents.format(value)),
    span: (ms, options) => (Number.isFinite(ms) ? span(language, ms, options) : DASH),
  };
}

function when(dates, ms, nowMs) {
  const away = Math.abs(ms - nowMs);
  if (away < DAY && new Date(ms).getDate() === new Date(nowMs).getDate()) {
    return dates.time.format(ms);
  }
  return (away < 180 * DAY ? dates.dayTime : dates.full).format(ms);
}

/** A share to a tenth of a percent; less than all is never written as all, and more than nothing not as nothing. */
function rounded(share) {
  const least = 0.001;
  if (share > 1 - least && share < 1) {
    return 1 - least;
  }
  return share > 0 && share < least ? least : share;
}

/**
 * A span of time in its two largest units. `padded` keeps the width of what ticks; `seconds: false` is for speeds at
 * which seconds mean nothing.
 */
export function span(language, ms, { padded = false, seconds = true } = {}) {
  const whole = Math.floor(Math.max(0, ms) / SECOND) * SECOND;
  const d = Math.floor(whole / DAY);
  const h = Math.floor((whole % DAY) / HOUR);
  const m = Math.floor((whole % HOUR) / MINUTE);
  const s = Math.floor((whole % MINUTE) / SECOND);
  const two = (value) => (padded ? String(value).padStart(2, "0") : value);
  if (d > 0) {
    return h > 0 ? say(language, "span.days_hours", { d, h }) : say(language, "span.days", { d });
  }
  if (h > 0) {
    return m > 0 || padded ? say(language, "span.hours_minutes", { h, m: two(m) }) : say(language, "span.hours", { h });
  }
  if (!seconds) {
    return m > 0 ? say(language, "span.minutes", { m }) : say(language, "span.under_minute");
  }
  if (m > 0) {
    return s > 0 || padded
      ? say(language, "span.minutes_seconds", { m, s: two(s) })
      : say(language, "span.minutes", { m });
  }
  return say(language, "span.seconds", { s });
}
