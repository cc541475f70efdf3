// Draws the quiet parts of the board: connection, chips, earnings, and the banner above it all.

import { byId, follow, make, setAttribute, setText } from './element.js';
import { chips } from './chips.js';
import { formatMoney } from './money.js';
import { clockTime, count } from './words.js';

const PHASES = { idle: 'No key', connecting: 'Connecting', open: 'Connected', waiting: 'Reconnecting', stopped: 'Stopped' };

export function drawLink({ link }) {
  setAttribute(byId('link'), 'data-phase', link.phase);
  setText(byId('link-text'), PHASES[link.phase]);
}

/** The line above the board while the link is down: why, and how old the picture is. */
export function drawBanner({ link, state }, locale) {
  const down = link.phase === 'waiting' || link.phase === 'stopped' || (link.phase === 'connecting' && link.sentence !== '');
  setAttribute(byId('board'), 'data-stale', down ? '' : null);
  const banner = byId('banner');
  banner.hidden = !down || (link.phase === 'stopped' && link.remedy === 'key');
  if (banner.hidden) return;
  setAttribute(banner, 'data-tone', link.phase === 'stopped' ? 'bad' : 'warn');
  const again = link.phase === 'stopped' ? '' : ' Trying again.';
  const age = state === null ? '' : ` What you see is from ${clockTime(state.server_ms, locale)}.`;
  setText(byId('banner-text'), `${link.sentence}${again}${age}`);
  const action = byId('banner-action');
  action.hidden = link.phase === 'connecting';
  setText(action, link.phase === 'stopped' ? 'Reload' : 'Try now');
}

export function drawChips(state, now, locale) {
  follow(byId('chips'), chips(state, now, locale), {
    key: (chip) => chip.name,
    print: (chip) => `${chip.tone}/${chip.text}`,
    build: (chip) => make('li', { class: 'chip', 'data-tone': chip.tone }, make('span', { class: 'dot', 'aria-hidden': 'true' }), chip.text),
  });
}

export function drawEarnings({ earnings }, locale) {
  const earned = formatMoney(earnings.settled_micros, earnings.currency, locale);
  setText(byId('earned'), earned);
  setAttribute(byId('earned'), 'data-length', earned.length > 14 ? 'longest' : earned.length > 10 ? 'long' : 'short');
  setText(byId('in-flight'), formatMoney(earnings.in_flight_micros, earnings.currency, locale));
  setText(byId('paid-plays'), count(earnings.plays, locale));
}
