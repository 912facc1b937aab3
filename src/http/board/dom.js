// How does the page change without being made anew? Nodes, texts and keyed lists.
//
// Ground rules: data enters as text, never as markup; what is the same already is not touched, so that a selection, a
// focus and the reading position of a screen reader survive a picture a second; a list keeps the node of an item for as
// long as the item is in it, and nothing of it afterwards.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; texts become text nodes. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for a shape. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** A text between whose parts a line breaks before it breaks within one. */
export function setParts(node, parts) {
  if (node.textContent !== parts.join("") || node.children.length !== parts.length) {
    node.replaceChildren(...parts.map((part) => el("span", { class: "part" }, part)));
  }
}

/** Sets an attribute, or takes it away when the value is `null`. */
export function setAttribute(node, name, value) {
  if (value === null) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

export function show(node, shown) {
  if (node.hidden === shown) {
    node.hidden = !shown;
  }
}

/** Sets a custom property that the style sheet reads. */
export function setProperty(node, name, value) {
  if (node.style.getPropertyValue(name) !== value) {
    node.style.setProperty(name, value);
  }
}

const lists = new WeakMap();

/**
 * Makes the children of `parent` those of `items`. `make(item)` returns the parts of a new one, the node itself as
 * `node`; `update(parts, item, isNew)` fills them in. A key that occurs twice is told apart by its turn.
 */
export function keyed(parent, items, keyOf, make, update) {
  const before = lists.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    let key = keyOf(item);
    for (let turn = 2; after.has(key); turn += 1) {
      key = `${keyOf(item)}#${turn}`;
    }
    const known = before.get(key);
    const parts = known ?? make(item);
    update(parts, item, known === undefined);
    after.set(key, parts);
  }
  for (const [key, parts] of before) {
    if (!after.has(key)) {
      parts.node.remove();
    }
  }
  let place = parent.firstChild;
  for (const { node } of after.values()) {
    if (node === place) {
      place = place.nextSibling;
    } else {
      parent.insertBefore(node, place);
    }
  }
  lists.set(parent, after);
}
