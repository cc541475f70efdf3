// Code on the page: laid out, coloured by kind, to be copied.

import { announce, button, make, setText } from './element.js';
import { layout } from './json.js';

// More than this is slow to colour, and nobody reads it here.
const COLOURED_MAX = 150_000;

/** The nodes of a text that may be JSON. */
export function coloured(text) {
  const parts = text.length <= COLOURED_MAX ? layout(text) : null;
  if (parts === null) return [text];
  return parts.map(({ kind, text: words }) => (kind === 'mark' ? words : make('span', { class: `t-${kind}` }, words)));
}

/** Copies, also where the page is read without HTTPS and browsers offer no clipboard. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make('textarea', { class: 'unseen', 'aria-hidden': 'true', tabindex: '-1' });
    area.value = text;
    const before = document.activeElement;
    // Within the dialog that may be open, or the browser would not let it have the focus.
    (before?.closest('dialog') ?? document.body).append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    before?.focus();
    return done;
  }
}

/** A button that copies what `text()` gives. */
export function copyButton(text, words = 'Copy') {
  const node = button(words, { class: 'button plain small' }, async () => {
    const done = await copy(text());
    setText(node, done ? 'Copied' : 'Not copied');
    announce(done ? 'Copied.' : 'The browser does not let this page copy.');
    setTimeout(() => setText(node, words), 1600);
  });
  return node;
}

/** A block of JSON with a button to copy it. */
export function jsonBlock(text, label) {
  const pre = make('pre', { class: 'code', tabindex: '0', 'aria-label': label }, make('code', {}, ...coloured(text)));
  return make('div', { class: 'code-block' }, pre, make('div', { class: 'code-tools' }, copyButton(() => pre.textContent)));
}
