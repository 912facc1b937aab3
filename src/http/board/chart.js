// Which lines and bars show these numbers? Geometry only: points in, paths out.
//
// Ground rules: a chart is drawn in a fixed box that the page stretches, so paths hold no text and strokes must not
// scale; numbers that are missing are left out, never drawn as zero; at most a fixed number of points. No look at the
// page and no words.

/** The box all charts are drawn in. */
export const BOX = { width: 480, height: 100 };
const POINTS_MAX = 96;

/** One decimal is finer than a screen and keeps paths short. */
const at = (value) => String(Math.round(value * 10) / 10);

/**
 * A series as paths: bars within the band, bars above it, the band, and the line of what was expected; with `peak`, the
 * highest point, and `above`, how many are above the band.
 */
export function seriesPaths(points) {
  const shown = points.slice(-POINTS_MAX).filter((point) => Number.isFinite(point.observed));
  const values = shown.flatMap((point) => [point.observed, point.expected, point.high]);
  const top = niceTop(Math.max(1, ...values.filter(Number.isFinite)));
  const step = BOX.width / Math.max(1, shown.length);
  const y = (value) => BOX.height * (1 - Math.min(Math.max(value, 0), top) / top);
  const above = (point) => Number.isFinite(point.high) && point.observed > point.high;
  const bar = (point, index) => {
    const gap = step * 0.14;
    const [left, right] = [index * step + gap, (index + 1) * step - gap];
    return point.observed > 0 ? `M${at(left)} ${BOX.height}V${at(y(point.observed))}H${at(right)}V${BOX.height}Z` : "";
  };
  const bars = (wanted) => shown.map((point, index) => (above(point) === wanted ? bar(point, index) : "")).join("");
  return {
    top,
    calm: bars(false),
    above: bars(true),
    band: band(shown, step, y),
    expected: stairs(
      shown.map((point) => point.expected),
      step,
      y,
    ),
    aboveCount: shown.filter(above).length,
    peak: shown.reduce((peak, point) => (peak === null || point.observed > peak.observed ? point : peak), null),
    first: shown[0] ?? null,
    latest: shown.at(-1) ?? null,
    length: shown.length,
  };
}

/** The least of 1, 2, 3, 4, 5, 6, 8 times a power of ten that is not below: so that a scale seldom changes. */
export function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const nice = [1, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value * (1 - 1e-9));
  return nice * power;
}

/** A line of one value per step; it breaks where one is missing. */
function stairs(values, step, y) {
  let pen = "M";
  return values
    .map((value, index) => {
      if (!Number.isFinite(value)) {
        pen = "M";
        return "";
      }
      const piece = `${pen}${at(index * step)} ${at(y(value))}H${at((index + 1) * step)}`;
      pen = "L";
      return piece;
    })
    .join("");
}

function band(points, step, y) {
  return points
    .map(({ low, high }, index) => {
      const whole = Number.isFinite(low) && Number.isFinite(high);
      return whole ? `M${at(index * step)} ${at(y(low))}V${at(y(high))}H${at((index + 1) * step)}V${at(y(low))}Z` : "";
    })
    .join("");
}

/** The levels of a crisis as a staircase from its beginning until now: `steps` are `{ atMs, rank }`, in order. */
export function stairPath(steps, untilMs) {
  if (steps.length === 0) {
    return "";
  }
  const fromMs = steps[0].atMs;
  const spanMs = Math.max(1, untilMs - fromMs);
  const x = (ms) => at((BOX.width * Math.min(Math.max(0, ms - fromMs), spanMs)) / spanMs);
  const y = (rank) => at(BOX.height * (1 - rank / 3));
  const rise = steps.map(({ atMs, rank }) => `H${x(atMs)}V${y(rank)}`).join("");
  return `M0 ${BOX.height}${rise}H${BOX.width}V${BOX.height}Z`;
}

/** The scale on which intervals are drawn: whole numbers, or tens of what goes to a hundred, that hold them all. */
export function scaleOf(scores) {
  const values = scores.flatMap(({ mean, low, high }) => [low ?? mean, high ?? mean]);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const step = most > 10 ? 10 : 1;
  const to = Math.ceil(most / step) * step;
  return [Math.min(Math.floor(least / step) * step, to - 2 * step), to];
}

/** Mean and 95 % interval of scores; `null` when there are none, no interval from fewer than two. */
export function meanOf({ n, sum_milli: sum, sum_squares_micro: squares }) {
  if (!(n > 0)) {
    return null;
  }
  const mean = sum / 1_000 / n;
  if (n < 2) {
    return { n, mean, low: null, high: null };
  }
  const variance = Math.max(0, (squares / 1_000_000 - n * mean * mean) / (n - 1));
  const half = 1.96 * Math.sqrt(variance / n);
  return { n, mean, low: mean - half, high: mean + half };
}
