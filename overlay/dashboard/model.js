// All that the page knows, and the one pure function that changes it. The views read the model;
// nothing else holds state that matters. Times in it are the server's unless named otherwise.

import { explain, isKnown } from './reasons.js';
import { activeWords, hostName } from './words.js';

const NOTICES_KEPT = 8;

/** The model before anything was heard. */
export function initial() {
  return {
    link: { phase: 'idle', sentence: '', retryMs: null, remedy: null },
    state: null,
    pending: {},
    tested: null,
    testing: null,
    notices: [],
    noticed: 0,
  };
}

/** The model after `event`, which is one of `link`, `frame`, `sent`, `unanswered`, `untested`,
 *  `volume`. */
export function reduce(model, event) {
  switch (event.type) {
    case 'link': return linkChanged(model, event.link);
    case 'frame': return frameHeard(model, event.frame);
    case 'sent': return commandSent(model, event);
    case 'unanswered': return unanswered(model, event.id);
    case 'untested': return untested(model, event.id);
    case 'volume': return volumeSet(model, event);
    default: return model;
  }
}

function linkChanged(model, link) {
  const next = { ...model, link: { phase: link.phase, sentence: link.sentence ?? '', retryMs: link.retryMs ?? null, remedy: link.remedy ?? null } };
  if (link.phase === 'connecting') {
    // Keep saying why the last socket ended until the next one is open.
    next.link.sentence = model.link.sentence;
    return next;
  }
  if (link.phase === 'open' || Object.keys(model.pending).length === 0) return next;
  return notice({ ...next, pending: {}, testing: null }, 'bad', 'The connection was lost before the server answered.');
}

function frameHeard(model, frame) {
  switch (frame.type) {
    case 'state': return { ...model, state: frame };
    case 'result': return answered(model, frame);
    case 'tested': return tested(model, frame);
    case 'drain': return notice(model, 'quiet', 'The server restarts; the page reconnects by itself.');
    default: return model;
  }
}

function commandSent(model, { id, command }) {
  const pending = { ...model.pending, [id]: command };
  if (command.name !== 'test') return { ...model, pending };
  return { ...model, pending, testing: id, tested: null };
}

function answered(model, { id, ok, reason }) {
  const command = model.pending[id];
  if (command === undefined) return model;
  const next = { ...model, pending: without(model.pending, id) };
  if (ok && command.name === 'test') return next;
  if (ok) return notice(next, 'good', done(command));
  if (command.name === 'test') next.testing = null;
  return notice(next, 'bad', `${refused(command)}${reason ? `: ${reasonWords(reason)}` : ''}.`);
}

function unanswered(model, id) {
  const command = model.pending[id];
  if (command === undefined) return model;
  const next = { ...model, pending: without(model.pending, id) };
  if (command.name === 'test') next.testing = null;
  return notice(next, 'bad', `${refused(command)}: the server did not answer.`);
}

function untested(model, id) {
  if (model.testing !== id) return model;
  return notice({ ...model, testing: null }, 'bad', 'The test ad was not painted by any overlay.');
}

function volumeSet(model, { ok, words }) {
  if (!ok) return notice(model, 'bad', 'The volume was not changed: the server did not take it.');
  return notice(model, 'good', words === 'Silent' ? 'Ads are silent.' : `Ad volume ${words}.`);
}

function tested(model, frame) {
  return notice({ ...model, tested: frame, testing: null }, 'good', testWords(frame));
}

/** The result of a test in one line. */
export function testWords({ painted_after_ms, host, width, height, active, streaming, sound }) {
  const stream = streaming === true ? ', streaming' : streaming === false ? ', not streaming' : '';
  return `Test ad painted after ${painted_after_ms} ms in ${hostName(host)} at ${width}×${height}, ${activeWords(active)}${stream}, ${sound ? 'with sound' : 'silent'}.`;
}

/** A reason for a refusal: a code of the closed list or already words; without the last stop. */
function reasonWords(reason) {
  const words = isKnown(reason) ? explain(reason).sentence : reason;
  return words.replace(/\.\s*$/, '');
}

const DONE = { pause: 'Ads paused.', resume: 'Ads resumed.', skip: 'Ad skipped.', play_next: 'The next ad is on its way.' };
const REFUSED = { pause: 'Not paused', resume: 'Not resumed', skip: 'Not skipped', play_next: 'No ad now', snooze: 'Not snoozed', test: 'No test ad' };

function done(command) {
  return command.name === 'snooze' ? `Snoozed for ${command.minutes} minutes.` : DONE[command.name] ?? 'Done.';
}

function refused(command) {
  return REFUSED[command.name] ?? 'Not done';
}

function notice(model, tone, text) {
  const noticed = model.noticed + 1;
  return { ...model, noticed, notices: [...model.notices, { number: noticed, tone, text }].slice(-NOTICES_KEPT) };
}

function without(object, name) {
  const { [name]: _, ...rest } = object;
  return rest;
}
