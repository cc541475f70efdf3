// Tells what happened: a toast for the eyes, a polite live region for screen readers. The region
// speaks at most once a second and drops what a newer message of the same kind replaces.

import { byId, make } from './element.js';

const TOAST_MS = 8_000;
const SPEAK_EVERY_MS = 1_000;
const TOASTS_MOST = 3;

const waiting = new Map();
let spokeAt = -SPEAK_EVERY_MS;
let timer = 0;

/** Say `text` in the live region; a newer one of the same `kind` replaces one that still waits. */
export function speak(kind, text) {
  waiting.delete(kind);
  waiting.set(kind, text);
  if (timer === 0) timer = setTimeout(flush, Math.max(0, spokeAt + SPEAK_EVERY_MS - performance.now()));
}

function flush() {
  timer = 0;
  spokeAt = performance.now();
  byId('announce').textContent = [...waiting.values()].join(' ');
  waiting.clear();
}

/** Show a notice of the model and speak it. */
export function toast({ number, tone, text }) {
  const parent = byId('toasts');
  const node = make('div', { class: 'toast', 'data-tone': tone }, make('p', {}, text));
  const close = make('button', { type: 'button', class: 'toast-close', 'aria-label': 'Dismiss' }, '×');
  close.addEventListener('click', () => node.remove());
  node.append(close);
  parent.append(node);
  while (parent.children.length > TOASTS_MOST) parent.firstChild.remove();
  fade(node);
  speak(`notice ${number}`, text);
}

/** Take the toast away after a while, but not under the pointer or the keyboard. */
function fade(node) {
  setTimeout(() => {
    if (node.matches(':hover, :focus-within')) fade(node);
    else node.remove();
  }, TOAST_MS);
}
