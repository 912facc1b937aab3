// Are the promises kept? One line per commitment, in the policy's order.
//
// Ground rules: counts as the picture has them; the share is of those that are decided, and there is none before one
// is; a zero is quiet, so that what is not zero stands out.

import { el, keyed, setAttribute, setProperty, setText, show } from "../dom.js";
import { either } from "../text.js";

const COUNTS = ["open", "warned", "overdue", "kept", "breached"];

export function drawKeeping(view, picture) {
  const commitments = picture?.commitments ?? [];
  show(document.getElementById("keeping-empty"), commitments.length === 0 && picture !== null);
  show(document.getElementById("keeping-table"), commitments.length > 0);
  keyed(
    document.getElementById("keeping"),
    commitments,
    ({ name }) => name,
    makeRow,
    (parts, one) => {
      setText(parts.title, either(view.language, one.title) || one.name);
      setAttribute(parts.title, "title", one.name);
      for (const name of COUNTS) {
        setText(parts[name], view.format.count(one[name] ?? NaN));
        setAttribute(parts[name], "data-label", view.say(`keeping.${name}`));
        setAttribute(parts[name], "data-zero", one[name] > 0 ? null : "");
      }
      const decided = one.kept + one.breached;
      const share = decided > 0 ? one.kept / decided : NaN;
      setText(parts.shareText, view.format.share(share));
      setAttribute(parts.share, "data-label", view.say("keeping.share"));
      show(parts.bar, decided > 0);
      setProperty(parts.bar, "--kept", decided > 0 ? share.toFixed(4) : "0");
    },
  );
}

function makeRow() {
  const parts = {
    title: el("th", { scope: "row" }),
    shareText: el("span"),
    bar: el("span", { class: "kept-bar", "aria-hidden": "true" }),
  };
  for (const name of COUNTS) {
    parts[name] = el("td", { class: `n-${name}` });
  }
  parts.share = el("td", { class: "n-share" }, parts.bar, parts.shareText);
  parts.node = el("tr", {}, parts.title, ...COUNTS.map((name) => parts[name]), parts.share);
  return parts;
}
