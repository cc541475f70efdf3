// Draws the row of buttons and turns a press into a command. A button that can not be used now
// stays focusable (aria-disabled), so that the keyboard never loses its place.

import { byId, make, setAttribute, setText } from './element.js';
import { buttons } from './buttons.js';

const nodes = new Map();

/** `onCommand(command)` is called for each press that is allowed. */
export function buildControls(model, onCommand) {
  const row = byId('controls');
  const snooze = make('div', { class: 'snooze', role: 'group', 'aria-labelledby': 'snooze-label' }, make('span', { id: 'snooze-label', class: 'label' }, 'Snooze'));
  const segments = make('div', { class: 'segments' });
  snooze.append(segments);
  for (const button of buttons(model, 0)) {
    const node = make('button', { type: 'button', id: `do-${button.id}` }, make('span', { class: 'button-text' }));
    node.addEventListener('click', () => {
      const now = nodes.get(button.id).button;
      if (now.enabled && !now.busy) onCommand(now.command);
    });
    nodes.set(button.id, { node, button });
    (button.kind === 'segment' ? segments : row).append(node);
  }
  row.append(snooze);
}

export function drawControls(model, now) {
  for (const button of buttons(model, now)) {
    const entry = nodes.get(button.id);
    entry.button = button;
    setAttribute(entry.node, 'class', `button ${button.kind}`);
    setAttribute(entry.node, 'aria-disabled', button.enabled && !button.busy ? null : 'true');
    setAttribute(entry.node, 'aria-busy', button.busy ? 'true' : null);
    setAttribute(entry.node, 'title', button.hint);
    setText(entry.node.firstChild, button.text);
  }
}
