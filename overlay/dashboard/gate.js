// The quiet form that asks for the key when the address did not bring one.

import { byId, setText } from './element.js';
import { keyFrom } from './key.js';

/** `onKey(key)` is called with a key that looks right. */
export function buildGate(onKey) {
  byId('gate-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = byId('gate-key');
    const key = keyFrom(field.value);
    if (key === null) {
      showGate('That does not look like a key.');
      return;
    }
    field.value = '';
    onKey(key);
  });
}

/** Show the form with a sentence about why, instead of the board. */
export function showGate(sentence = '') {
  const field = byId('gate-key');
  byId('gate').hidden = false;
  byId('board').hidden = true;
  byId('forget').hidden = true;
  setText(byId('gate-error'), sentence);
  if (sentence === '') field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
  field.focus();
}

/** Show the board instead of the form. */
export function hideGate() {
  byId('gate').hidden = true;
  byId('board').hidden = false;
  byId('forget').hidden = false;
}
