// Draws the two lists: the overlays that are connected and the last plays.

import { byId, follow, make, setText } from './element.js';
import { formatSmallMoney } from './money.js';
import { explain, outcome } from './reasons.js';
import { activeWords, clockTime, count, hostName } from './words.js';

export function drawOverlays({ overlays }, locale) {
  const items = overlays.length > 0 ? overlays : [null];
  follow(byId('overlays'), items, {
    key: (page) => page?.instance_id ?? 'none',
    print: (page) => JSON.stringify(page),
    build: (page) => (page === null ? noOverlay() : overlayItem(page, locale)),
  });
}

function noOverlay() {
  return make('li', { class: 'quiet' }, 'None. Add the overlay’s address to OBS as a browser source of 1920×1080.');
}

function overlayItem(page, locale) {
  const facts = [`${page.width}×${page.height}`];
  if (page.chrome !== null) facts.push(`Chrome ${page.chrome}`);
  if (page.plugin_version !== null) facts.push(`plugin ${page.plugin_version}`);
  facts.push(`since ${clockTime(page.connected_ms, locale)}`);
  const state = [page.visible ? activeWords(page.active) : 'hidden'];
  if (page.streaming !== null) state.push(page.streaming ? 'streaming' : 'not streaming');
  const item = make('li', { class: 'overlay' },
    make('p', { class: 'overlay-name' }, hostName(page.host), make('span', { class: page.primary ? 'tag main' : 'tag' }, page.primary ? 'Primary' : 'Standby')),
    make('p', { class: 'overlay-facts' }, capital(state.join(', '))),
    make('p', { class: 'overlay-facts' }, facts.join(' · ')));
  // 800x600 is what OBS proposes for a new browser source; ads are small and blurred there.
  if (page.width === 800 && page.height === 600) {
    item.append(make('p', { class: 'overlay-hint' }, 'This is the default size of a browser source. Set 1920×1080.'));
  }
  return item;
}

export function drawPlays({ plays, earnings }, locale) {
  byId('plays').hidden = plays.length === 0;
  byId('plays-empty').hidden = plays.length > 0;
  follow(byId('plays-body'), plays, {
    key: (play) => play.play_id ?? `slot-${play.at_ms}`,
    print: (play) => JSON.stringify(play),
    build: (play) => playRow(play, earnings.currency, locale),
  });
}

function playRow(play, currency, locale) {
  const { text, tone } = outcome(play.outcome);
  const reason = play.reason === null ? '' : explain(play.reason).sentence;
  const result = make('div', { class: 'result-words' }, make('span', { class: 'outcome', 'data-tone': tone }, text));
  if (reason !== '') result.append(make('span', { class: 'reason' }, reason));
  const empty = play.play_id === null && play.campaign_id === null;
  return make('tr', { role: 'row' },
    make('td', { role: 'cell', class: 'when' }, make('time', { datetime: new Date(play.at_ms).toISOString() }, clockTime(play.at_ms, locale))),
    make('td', { role: 'cell', class: empty ? 'campaign none' : 'campaign' }, play.campaign || (empty ? 'Empty slot' : '–')),
    make('td', { role: 'cell', class: 'brand' }, play.brand),
    make('td', { role: 'cell', class: 'result' }, result),
    make('td', { role: 'cell', class: 'number viewers' }, empty ? '' : count(play.viewers, locale)),
    make('td', { role: 'cell', class: 'number earn' }, play.earn_micros === 0 ? '–' : formatSmallMoney(play.earn_micros, currency, locale)));
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name in the header. */
export function drawName({ streamer_name }) {
  setText(byId('streamer'), streamer_name);
}
