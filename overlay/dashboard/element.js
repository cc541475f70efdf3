// The few lines of DOM that every view needs. Text is always set as text, never as markup.

/** The element of the skeleton with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element with properties (`class`, `role`, `data-…`, …) and children (nodes or text). */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Set text only when it changes, so that selections and screen readers are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute only when it changes; null takes it away. */
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * Make the children of `parent` follow `items`: one node a key, kept while its key stays, moved
 * only when the order changed. `build(item)` makes a node; it is made anew when `print` differs.
 */
export function follow(parent, items, { key, print, build }) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, place) => {
    const name = key(item);
    const shape = print(item);
    let node = old.get(name);
    old.delete(name);
    if (node === undefined || node.dataset.print !== shape) {
      const fresh = build(item);
      fresh.dataset.key = name;
      fresh.dataset.print = shape;
      if (node !== undefined) node.replaceWith(fresh);
      node = fresh;
    }
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
  for (const node of old.values()) node.remove();
}
