// Draws the large card: what is on screen or why nothing is, and the bar of the time on screen.

import { byId, setAttribute, setText } from './element.js';
import { headline } from './headline.js';
import { formatSmallMoney } from './money.js';
import { testWords } from './model.js';

export function drawNow(model, now, locale) {
  const view = headline(model.state, now, locale);
  setAttribute(byId('now'), 'data-tone', view.tone);
  setText(byId('now-eyebrow'), view.eyebrow);
  setText(byId('now-title'), view.title);
  setText(byId('now-detail'), view.detail);
  const figure = typeof view.figure === 'string' ? view.figure : formatSmallMoney(view.figure.earn, model.state.earnings.currency, locale);
  setText(byId('now-figure-label'), view.figureLabel);
  setText(byId('now-figure-value'), figure);
  byId('now-figure').hidden = figure === '';
  drawProgress(view.progress);
  drawTested(model);
  return view;
}

function drawProgress(progress) {
  byId('now-progress').hidden = progress === null;
  if (progress === null) return;
  const bar = byId('now-bar');
  setAttribute(bar, 'aria-valuemax', String(Math.round(progress.total / 1000)));
  setAttribute(bar, 'aria-valuenow', String(Math.round(progress.done / 1000)));
  setAttribute(bar, 'aria-valuetext', progress.left);
  byId('now-fill').style.transform = `scaleX(${(progress.done / progress.total).toFixed(4)})`;
  setText(byId('now-elapsed'), progress.elapsed);
  setText(byId('now-left'), progress.left);
}

function drawTested({ testing, tested }) {
  const line = byId('tested');
  const waits = testing !== null;
  line.hidden = !waits && tested === null;
  setAttribute(line, 'data-tone', waits ? 'pending' : 'good');
  setText(line, waits ? 'Test ad sent. Waiting for an overlay to paint it…' : tested === null ? '' : testWords(tested));
}
