// The few lines of DOM that every view needs. Text is always set as text, never as markup: what the
// contract and the server's answers say is shown and never run.

/** The element of the skeleton with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element with properties (`class`, `role`, `data-…`, …) and children (nodes or text; null is left out). */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A button that does something. */
export function button(words, attributes, act) {
  const node = make('button', { type: 'button', ...attributes }, words);
  node.addEventListener('click', act);
  return node;
}

/** Set text only when it changes, so that selections and screen readers are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Tell those who can not see it. */
export function announce(text) {
  setText(byId('announce'), text);
}
