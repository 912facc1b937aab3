// Are the customers content? The mean score of everything and of each product, with what it is worth.
//
// Ground rules: never a mean without its number of scores and its 95 % interval, which is drawn on one scale for all,
// so that two that overlap are seen to. At most a fixed number of lines.

import { BOX, meanOf, scaleOf } from "../chart.js";
import { el, keyed, setAttribute, setParts, setText, shape, show } from "../dom.js";
import { seriesKey, seriesTitleParts } from "../words.js";

const LINES_SHOWN = 12;

export function drawSatisfaction(view, picture) {
  const aggregate = picture?.aggregate;
  const lines = (aggregate?.satisfaction ?? [])
    .map((one) => ({ series: one.series, scores: meanOf(one) }))
    .filter(({ scores }) => scores !== null)
    .slice(0, LINES_SHOWN);
  const empty = document.getElementById("satisfaction-empty");
  show(empty, lines.length === 0 && picture !== null);
  setText(empty, view.say(aggregate === null ? "series.elsewhere" : "satisfaction.empty"));
  const scale = scaleOf(lines.map(({ scores }) => scores));
  keyed(
    document.getElementById("satisfaction"),
    lines,
    ({ series }) => seriesKey(series),
    makeLine,
    (parts, line) => {
      drawLine(view, parts, line, scale);
    },
  );
  const ends = document.getElementById("satisfaction-scale");
  show(ends, lines.length > 0);
  [...ends.firstElementChild.children].forEach((end, index) => setText(end, view.format.about(scale[index])));
}

function makeLine() {
  const parts = {
    name: el("span", { class: "score-name" }),
    mean: el("strong", { class: "score-mean" }),
    n: el("span", { class: "score-n" }),
    interval: shape("path", { class: "interval" }),
    dot: shape("path", { class: "dot" }),
  };
  const axis = shape("path", { class: "score-axis", d: `M0 50H${BOX.width}` });
  parts.svg = shape(
    "svg",
    { class: "score", viewBox: `0 0 ${BOX.width} ${BOX.height}`, preserveAspectRatio: "none", role: "img" },
    axis,
    parts.interval,
    parts.dot,
  );
  parts.node = el("li", {}, parts.name, " ", parts.svg, " ", parts.mean, " ", parts.n);
  return parts;
}

function drawLine(view, parts, { series, scores }, [from, to]) {
  const { format, say } = view;
  const x = (value) => Math.round((BOX.width * (Math.min(Math.max(value, from), to) - from)) / (to - from));
  setParts(parts.name, seriesTitleParts(view, series));
  setText(parts.mean, format.score(scores.mean));
  setText(parts.n, say("satisfaction.n", { n: format.count(scores.n) }));
  setAttribute(parts.interval, "d", scores.low === null ? "" : `M${x(scores.low)} 50H${x(scores.high)}`);
  setAttribute(parts.dot, "d", `M${x(scores.mean)} 18V82`);
  const key = scores.low === null ? "satisfaction.text_single" : "satisfaction.text";
  setAttribute(
    parts.svg,
    "aria-label",
    say(key, {
      mean: format.score(scores.mean),
      low: format.score(scores.low ?? NaN),
      high: format.score(scores.high ?? NaN),
    }),
  );
}
