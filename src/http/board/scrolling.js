// Can what overflows be reached without a mouse? Panels that scroll take the keyboard's focus while they do.
//
// Ground rules: only while they scroll, so that there is no stop of the tabulator at which nothing can be done; named
// by the heading of their panel.

import { setAttribute } from "./dom.js";

/** Looks after every element with `data-scroll`, whose value is the id of its heading. */
export function watchScrolling() {
  const check = (node) => {
    const overflows = node.scrollHeight > node.clientHeight + 1 && getComputedStyle(node).overflowY !== "visible";
    setAttribute(node, "tabindex", overflows ? "0" : null);
    setAttribute(node, "role", overflows ? "group" : null);
    setAttribute(node, "aria-labelledby", overflows ? node.dataset.scroll : null);
  };
  const panels = [...document.querySelectorAll("[data-scroll]")];
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      check(target.closest("[data-scroll]"));
    }
  });
  for (const panel of panels) {
    observer.observe(panel);
    for (const child of panel.children) {
      observer.observe(child); // Lists grow without the panel growing.
    }
  }
}
