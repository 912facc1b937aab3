// Do complaints rise above what is expected? A small chart for each series, and the signals that go on.
//
// Ground rules: drawn by our own code into paths that are made once per series; every chart has its sentence for those
// who do not see it; bars above the band differ in weight as well as in colour, and a signal is also a word. At most a
// fixed number of charts.

import { BOX, seriesPaths } from "../chart.js";
import { el, keyed, setAttribute, setParts, setText, shape, show } from "../dom.js";
import { instantMs } from "../format.js";
import { known, perText, seriesKey, seriesName, seriesTitle, seriesTitleParts, signalText } from "../words.js";

const SERIES_SHOWN = 12;
const SIGNALS_SHOWN = 8;

export function drawSeries(view, picture) {
  const aggregate = picture?.aggregate;
  const all = (aggregate?.series ?? []).slice(0, SERIES_SHOWN);
  const empty = document.getElementById("series-empty");
  show(empty, all.length === 0 && picture !== null);
  setText(empty, view.say(aggregate === null ? "series.elsewhere" : "series.empty"));
  show(document.getElementById("legend"), all.length > 0);
  const observed = view.say("series.observed", { per: perText(view, all[0]?.bucket_seconds ?? 3_600) });
  setText(document.getElementById("legend-observed"), observed);
  const keyOf = (one) => `${one.measure} ${seriesKey(one.series)}`;
  keyed(document.getElementById("series"), all, keyOf, makeChart, (parts, one) => drawChart(view, parts, one));
  drawSignals(view, (aggregate?.signals ?? []).slice(0, SIGNALS_SHOWN));
}

function makeChart() {
  const parts = {
    name: el("span", { class: "series-name" }),
    chip: el("span", { class: "badge" }),
    latest: el("span"),
    top: el("span", { class: "series-top", "aria-hidden": "true" }),
    start: el("time"),
    end: el("time"),
  };
  for (const name of ["band", "calm", "above", "expected"]) {
    parts[name] = shape("path", { class: `chart-${name}` });
  }
  parts.svg = shape(
    "svg",
    { class: "chart", viewBox: `0 0 ${BOX.width} ${BOX.height}`, preserveAspectRatio: "none", role: "img" },
    parts.band,
    parts.calm,
    parts.above,
    parts.expected,
  );
  const numbers = el("span", { class: "series-latest" }, parts.chip, " ", parts.latest);
  const head = el("div", { class: "series-head" }, parts.name, " ", numbers);
  const axis = el("div", { class: "axis", "aria-hidden": "true" }, parts.start, parts.end);
  parts.node = el("li", {}, head, el("div", { class: "plot" }, parts.top, parts.svg), axis);
  return parts;
}

function drawChart(view, parts, one) {
  const { format, nowMs, say } = view;
  const paths = seriesPaths(one.points ?? []);
  const name = seriesName(view, one.series);
  setAttribute(parts.node, "data-signal", one.signal ? "" : null);
  setParts(parts.name, seriesTitleParts(view, one.series));
  setText(parts.chip, one.signal ? say("series.signal") : "");
  show(parts.chip, Boolean(one.signal));
  for (const path of ["band", "calm", "above", "expected"]) {
    setAttribute(parts[path], "d", paths[path]);
  }
  if (paths.latest === null) {
    setText(parts.latest, say("series.none"));
    setAttribute(parts.svg, "aria-label", `${name}: ${say("series.none")}`);
    return;
  }
  const widthMs = one.bucket_seconds * 1_000;
  const [startMs, lastMs] = [instantMs(paths.first.start), instantMs(paths.latest.start)];
  setText(
    parts.latest,
    say("series.latest", {
      observed: format.count(paths.latest.observed),
      expected: format.about(paths.latest.expected),
    }),
  );
  setText(parts.top, format.count(paths.top));
  setText(parts.start, format.when(startMs, nowMs));
  setText(parts.end, format.when(lastMs + widthMs, nowMs));
  setAttribute(parts.svg, "aria-label", chartText(view, one, paths, { name, startMs, endMs: lastMs + widthMs }));
}

function chartText(view, one, paths, { name, startMs, endMs }) {
  const { format, nowMs } = view;
  return view.say("series.text", {
    measure: known(view, "measure", one.measure === "breaches" ? "Breaches" : "Complaints"),
    per: perText(view, one.bucket_seconds),
    name,
    start: format.when(startMs, nowMs),
    end: format.when(endMs, nowMs),
    observed: format.count(paths.latest.observed),
    expected: format.about(paths.latest.expected),
    low: format.about(paths.latest.low),
    high: format.about(paths.latest.high),
    peak: format.count(paths.peak.observed),
    peakTime: format.when(instantMs(paths.peak.start), nowMs),
    above: paths.aboveCount,
    n: paths.length,
  });
}

function drawSignals(view, signals) {
  show(document.getElementById("signals-part"), signals.length > 0);
  const make = () => {
    const parts = { name: el("strong"), says: el("span") };
    parts.node = el("li", {}, parts.name, " ", parts.says);
    return parts;
  };
  const keyOf = (signal) => `${signal.window_start} ${signal.measure} ${signal.finding} ${seriesKey(signal.series)}`;
  keyed(document.getElementById("signals"), signals, keyOf, make, (parts, signal) => {
    setText(parts.name, seriesTitle(view, signal.series));
    setText(parts.says, signalText(view, signal));
  });
}
