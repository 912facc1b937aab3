// Are the promises about many cases met? One line per objective: the share, what it is worth, and the target.
//
// Ground rules: never a share without its number of cases and its 95 % interval; that one is missed is a word, the colour
// only helps; with too few cases nothing is said of the target.

import { el, keyed, setAttribute, setText, show } from "../dom.js";
import { instantMs } from "../format.js";
import { either } from "../text.js";
import { known } from "../words.js";

export function drawObjectives(view, picture) {
  const objectives = picture?.aggregate?.objectives ?? [];
  show(document.getElementById("objectives-part"), objectives.length > 0);
  keyed(document.getElementById("objectives"), objectives, ({ name }) => name, makeLine, (parts, one) => {
    const { format, say, language, nowMs } = view;
    setAttribute(parts.node, "data-standing", one.standing);
    setText(parts.title, either(language, one.title) || one.name);
    setText(parts.standing, known(view, "objectives", one.standing));
    setText(parts.share, format.share(one.share ?? NaN));
    const [low, high] = one.share_interval ?? [NaN, NaN];
    const figures = { n: format.count(one.n), low: format.share(low), high: format.share(high) };
    const since = instantMs(one.missed_since);
    const text = say(one.n > 0 ? "objectives.figures" : "objectives.none", {
      ...figures,
      target: format.percent(one.target),
      operator: known(view, "objectives", one.operator),
      start: format.when(instantMs(one.window_start), nowMs),
    });
    const missed = since === null ? "" : ` ${say("objectives.since", { time: format.when(since, nowMs) })}`;
    setText(parts.figures, text + missed);
  });
}

function makeLine() {
  const parts = {
    title: el("strong"),
    standing: el("span", { class: "standing" }),
    share: el("strong", { class: "objective-share" }),
    figures: el("span", { class: "figures" }),
  };
  const head = el("div", { class: "row" }, el("span", {}, parts.standing, " ", parts.title), " ", parts.share);
  parts.node = el("li", {}, head, parts.figures);
  return parts;
}
