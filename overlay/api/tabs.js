// Two or three views of the same thing, one at a time.

import { button, make } from './element.js';

/** `views` are `[words, draw]`; one that gives null is left out, and each is drawn when it is first looked at. */
export function tabs(label, views) {
  const place = make('div', { class: 'tab-view' });
  const drawn = new Map();
  const bar = make('div', { class: 'tabs', role: 'group', 'aria-label': label });
  const show = (words, draw) => {
    if (!drawn.has(words)) drawn.set(words, draw());
    place.replaceChildren(drawn.get(words));
    for (const one of bar.children) one.setAttribute('aria-pressed', String(one.textContent === words));
  };
  for (const [words, draw] of views) bar.append(button(words, { class: 'tab', 'aria-pressed': 'false' }, () => show(words, draw)));
  show(...views[0]);
  return { bar: views.length > 1 ? bar : null, place };
}
