// The four status chips: overlay, program, streaming, platform. Pure: a state and the server's
// time in, words and tones out. A chip tells three things apart: yes, no, and not known.

import { ago, viewers } from './words.js';

const STALE_MS = 5 * 60_000;

/** `[{ name, tone, text }]`; tone is `good`, `bad`, `warn` or `unknown`. */
export function chips(state, now, locale) {
  const page = mainPage(state);
  return [overlayChip(state, page), activeChip(page), streamingChip(page), platformChip(state.stream, now, locale)];
}

/** The overlay that gets the plays, or the one that would tell most about the stream. */
export function mainPage({ overlays }) {
  return overlays.find((page) => page.primary) ?? overlays[0] ?? null;
}

function overlayChip({ overlays }, page) {
  if (page === null) return { name: 'overlay', tone: 'bad', text: 'No overlay' };
  if (!page.primary) return { name: 'overlay', tone: 'warn', text: 'Overlay connected, not in use' };
  if (!page.visible) return { name: 'overlay', tone: 'warn', text: 'Overlay hidden' };
  return { name: 'overlay', tone: 'good', text: overlays.length > 1 ? `${overlays.length} overlays connected` : 'Overlay connected' };
}

function activeChip(page) {
  switch (page?.active) {
    case 'active': return { name: 'active', tone: 'good', text: 'In program' };
    case 'inferred': return { name: 'active', tone: 'good', text: 'In program (inferred)' };
    case 'inactive': return { name: 'active', tone: 'warn', text: 'Not in program' };
    default: return { name: 'active', tone: 'unknown', text: 'Program unknown' };
  }
}

function streamingChip(page) {
  if (page?.streaming === true) return { name: 'streaming', tone: 'good', text: 'Streaming' };
  if (page?.streaming === false) return { name: 'streaming', tone: 'warn', text: 'Not streaming' };
  return { name: 'streaming', tone: 'unknown', text: 'Streaming unknown' };
}

function platformChip({ live, viewers: number, sampled_ms }, now, locale) {
  if (!live) return { name: 'platform', tone: sampled_ms === null ? 'unknown' : 'warn', text: sampled_ms === null ? 'Platform not checked' : 'Offline' };
  if (number === null) return { name: 'platform', tone: 'warn', text: 'Live, viewers unknown' };
  const age = sampled_ms === null ? 0 : now - sampled_ms;
  const text = `Live, ${viewers(number, locale)}`;
  return age > STALE_MS ? { name: 'platform', tone: 'warn', text: `${text} (${ago(age)})` } : { name: 'platform', tone: 'good', text };
}
