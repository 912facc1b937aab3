// How does it stand at a glance? Six numbers that can be read from across the room.
//
// Ground rules: sums of what other panels show, no number of its own; what is not known is a dash. A number that asks
// for attention says so by its weight and its sign, not by its colour alone.

import { el, keyed, setAttribute, setText } from "../dom.js";
import { meanOf } from "../chart.js";

export function drawVitals(view, picture) {
  const make = () => {
    const parts = {
      name: el("dt"),
      number: el("dd", { class: "vital-number" }),
      note: el("dd", { class: "vital-note" }),
    };
    parts.node = el("div", {}, parts.name, parts.number, parts.note);
    return parts;
  };
  keyed(
    document.getElementById("vitals"),
    vitals(view, picture),
    (vital) => vital.key,
    make,
    (parts, vital) => {
      setAttribute(parts.node, "data-tone", vital.tone ?? "plain");
      setText(parts.name, vital.name);
      setText(parts.number, vital.number);
      setText(parts.note, vital.note);
    },
  );
}

function vitals(view, picture) {
  const { format, say } = view;
  const commitments = picture?.commitments ?? [];
  const sum = (name) => (picture ? commitments.reduce((total, one) => total + (one[name] ?? 0), 0) : NaN);
  const [open, warned, overdue, kept, breached] = ["open", "warned", "overdue", "kept", "breached"].map(sum);
  const closed = kept + breached;
  const ofOpen = (n) => (open > 0 && n > 0 ? say("vital.of_open", { share: format.percent(n / open) }) : "");
  return [
    {
      key: "open",
      name: say("vital.open"),
      number: format.count(open),
      note: say("vital.commitments", { n: commitments.length }),
    },
    {
      key: "warned",
      name: say("vital.warned"),
      number: format.count(warned),
      note: ofOpen(warned),
      tone: warned > 0 ? "warned" : "plain",
    },
    {
      key: "overdue",
      name: say("vital.overdue"),
      number: format.count(overdue),
      note: ofOpen(overdue),
      tone: overdue > 0 ? "overdue" : "plain",
    },
    {
      key: "kept",
      name: say("vital.kept"),
      number: format.share(closed > 0 ? kept / closed : NaN),
      note: closed >= 0 ? say("vital.of_closed", { n: closed, count: format.count(closed) }) : "",
    },
    satisfaction(view, picture),
    complaints(view, picture),
  ];
}

const isEverything = ({ series }) => Object.values(series ?? {}).every((value) => value === null);

function satisfaction(view, picture) {
  const all = (picture?.aggregate?.satisfaction ?? []).find(isEverything);
  const scores = all ? meanOf(all) : null;
  return {
    key: "satisfaction",
    name: view.say("vital.satisfaction"),
    number: view.format.score(scores?.mean ?? NaN),
    note: scores ? view.say("vital.scores", { n: scores.n, count: view.format.count(scores.n) }) : "",
  };
}

function complaints(view, picture) {
  const all = (picture?.aggregate?.series ?? []).find((one) => isEverything(one) && one.measure === "complaints");
  const latest = all?.points?.at(-1);
  const above = latest !== undefined && latest.observed > latest.high;
  return {
    key: "complaints",
    name:
      (all?.bucket_seconds ?? 3_600) === 3_600
        ? view.say("vital.complaints_hour")
        : view.say("vital.complaints", { span: view.format.span(all.bucket_seconds * 1_000) }),
    number: view.format.count(latest?.observed ?? NaN),
    note: latest ? view.say("vital.expected", { n: view.format.about(latest.expected) }) : "",
    tone: above ? "overdue" : "plain",
  };
}
