// What the large card says: the ad in hand, or why there is none, or how long until the next one.
// Pure: a state and the server's time in, words and a tone out.

import { explain } from './reasons.js';
import { clockTime, countdown, seconds } from './words.js';

const PHASES = {
  reserving: 'Booking the next ad',
  preparing: 'Loading the next ad',
  starting: 'Starting',
  on_screen: 'On screen',
  ending: 'Leaving the screen',
};

const SHOWN = new Set(['on_screen', 'ending']);

/** `{ tone, eyebrow, title, detail, figureLabel, figure, progress }`; figure is text or `{ earn }`. */
export function headline(state, now, locale) {
  if (state === null) return blank('quiet', 'One moment', 'Waiting for the server');
  if (state.current) return inHand(state.current, now);
  if (state.paused) return hold('paused', state, now);
  const snoozedFor = state.snoozed_until_ms === null ? 0 : state.snoozed_until_ms - now;
  if (snoozedFor > 0) {
    const title = `Snoozed until ${clockTime(state.snoozed_until_ms, locale)}`;
    return { ...blank('hold', 'No ads', title, 'Ads come back by themselves.'), figureLabel: 'Left', figure: countdown(snoozedFor) };
  }
  if (state.blocked_by) return hold(state.blocked_by, state, now);
  return ready(state, now);
}

function blank(tone, eyebrow, title, detail = '') {
  return { tone, eyebrow, title, detail, figureLabel: '', figure: '', progress: null };
}

function inHand(current, now) {
  const shown = SHOWN.has(current.phase);
  const view = blank(shown ? 'live' : 'pending', PHASES[current.phase] ?? current.phase, current.brand || current.campaign, current.brand ? current.campaign : '');
  view.figureLabel = current.campaign_id === null ? 'Test' : 'Earns you';
  view.figure = current.campaign_id === null ? 'unpaid' : { earn: current.earn_micros };
  view.progress = progress(current, now);
  return view;
}

/** Time on screen: `{ total, done, elapsed, left }`, in whole milliseconds and in words. */
export function progress({ started_ms, ends_ms }, now) {
  if (started_ms === null || ends_ms === null || ends_ms <= started_ms) return null;
  const total = ends_ms - started_ms;
  const done = Math.min(total, Math.max(0, now - started_ms));
  // Rounded once, so that what is past and what is left always add up to the whole.
  const left = Math.ceil((total - done) / 1000) * 1000;
  return { total, done, elapsed: `${seconds(Math.max(0, total - left))} of ${seconds(total)}`, left: `${seconds(left)} left` };
}

function hold(code, state, now) {
  const { sentence, advice, needsHand } = explain(code);
  const asks = needsHand || code === 'paused';
  const view = blank(asks ? 'hold' : 'wait', 'No ad now', sentence, advice);
  return code === 'paused' ? view : { ...view, ...nextSlot(state, now) };
}

function ready(state, now) {
  const due = state.next_slot_ms !== null && state.next_slot_ms <= now;
  return { ...blank('ready', 'Ready', due ? 'The next ad is due' : 'All set for the next ad'), ...nextSlot(state, now) };
}

function nextSlot(state, now) {
  if (state.next_slot_ms === null || state.next_slot_ms <= now) return {};
  return { figureLabel: 'Next slot', figure: countdown(state.next_slot_ms - now) };
}

/** Whether what the card says changes with time alone. */
export function ticks(state) {
  if (state === null) return false;
  if (state.current) return state.current.ends_ms !== null;
  return !state.paused && (state.snoozed_until_ms !== null || state.next_slot_ms !== null);
}
