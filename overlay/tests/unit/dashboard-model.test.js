// The dashboard's model: frames, commands and the link in, what the page shows out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buttons } from '../../dashboard/buttons.js';
import { chips } from '../../dashboard/chips.js';
import { ServerClock } from '../../dashboard/clock.js';
import { headline, progress, ticks } from '../../dashboard/headline.js';
import { keyFrom } from '../../dashboard/key.js';
import { initial, reduce } from '../../dashboard/model.js';
import { ago, countdown } from '../../dashboard/words.js';

const NOW = 1_800_000_000_000;

const PAGE = {
  instance_id: 'a', host: 'obs', plugin_version: '2.26.8', chrome: 127, width: 1920, height: 1080,
  primary: true, active: 'active', visible: true, streaming: true, connected_ms: NOW,
};
const STATE = {
  type: 'state', server_ms: NOW, streamer_id: 1, streamer_name: 'Nadia', paused: false, snoozed_until_ms: null,
  stream: { live: true, viewers: 1284, sampled_ms: NOW }, overlays: [PAGE], blocked_by: null, current: null,
  next_slot_ms: NOW + 65_000, earnings: { currency: 'INR', settled_micros: 0, in_flight_micros: 0, plays: 0 }, plays: [],
};
const CURRENT = {
  play_id: 'p', campaign_id: 3, campaign: 'Launch', brand: 'Voltade', phase: 'on_screen',
  started_ms: NOW - 5_000, ends_ms: NOW + 15_000, earn_micros: 42_000_000,
};

const open = (state = STATE) =>
  [{ type: 'link', link: { phase: 'open' } }, { type: 'frame', frame: state }].reduce(reduce, initial());
const send = (model, id, command) => reduce(model, { type: 'sent', id, command });
const hear = (model, frame) => reduce(model, { type: 'frame', frame });
const button = (model, id) => buttons(model, NOW).find((each) => each.id === id);
const last = (model) => model.notices.at(-1)?.text;

test('the volume is told in words, and a refusal too', () => {
  assert.equal(last(reduce(open(), { type: 'volume', ok: true, words: '40 %' })), 'Ad volume 40 %.');
  assert.equal(last(reduce(open(), { type: 'volume', ok: true, words: 'Silent' })), 'Ads are silent.');
  assert.match(last(reduce(open(), { type: 'volume', ok: false, words: '40 %' })), /not changed/);
});

test('a state frame replaces the whole state and nothing else', () => {
  const model = open();
  assert.equal(model.state.streamer_name, 'Nadia');
  assert.deepEqual(model.notices, []);
  assert.equal(hear(model, { type: 'heartbeat', server_ms: NOW }), model);
  assert.equal(hear(model, { type: 'from_the_future' }), model);
});

test('a command is pending until its own result comes', () => {
  const sent = send(open(), 'c1', { name: 'snooze', minutes: 15 });
  assert.equal(button(sent, 'snooze-15').busy, true);
  assert.equal(button(sent, 'snooze-5').busy, false);
  assert.equal(hear(sent, { type: 'result', id: 'other', ok: true }), sent);
  const answered = hear(sent, { type: 'result', id: 'c1', ok: true });
  assert.equal(button(answered, 'snooze-15').busy, false);
  assert.equal(last(answered), 'Snoozed for 15 minutes.');
});

test('a refusal is told in words, whether it comes as a code or as a sentence', () => {
  const sent = send(open(), 'c1', { name: 'play_next' });
  assert.equal(last(hear(sent, { type: 'result', id: 'c1', ok: false, reason: 'hourly_limit' })), 'No ad now: Your limit of ads an hour is reached.');
  assert.equal(last(hear(sent, { type: 'result', id: 'c1', ok: false, reason: 'Not today.' })), 'No ad now: Not today.');
  assert.equal(last(hear(sent, { type: 'result', id: 'c1', ok: false })), 'No ad now.');
});

test('an answer that never comes ends the wait, once', () => {
  const sent = send(open(), 'c1', { name: 'pause' });
  const late = reduce(sent, { type: 'unanswered', id: 'c1' });
  assert.equal(last(late), 'Not paused: the server did not answer.');
  assert.equal(reduce(late, { type: 'unanswered', id: 'c1' }), late);
});

test('a lost link forgets what was pending and says so', () => {
  const lost = reduce(send(open(), 'c1', { name: 'pause' }), { type: 'link', link: { phase: 'waiting', sentence: 'Connection lost.', retryMs: 700 } });
  assert.deepEqual(lost.pending, {});
  assert.equal(lost.notices.length, 1);
  assert.equal(button(lost, 'pause').enabled, false);
  const trying = reduce(lost, { type: 'link', link: { phase: 'connecting' } });
  assert.equal(trying.link.sentence, 'Connection lost.');
  assert.equal(reduce(trying, { type: 'link', link: { phase: 'open' } }).link.sentence, '');
});

test('a test waits for what it measured, and gives up on silence', () => {
  const sent = hear(send(open(), 't1', { name: 'test' }), { type: 'result', id: 't1', ok: true });
  assert.equal(button(sent, 'test').busy, true);
  const frame = { type: 'tested', painted_after_ms: 84, host: 'obs', width: 1920, height: 1080, active: 'active', streaming: null, sound: false };
  const measured = hear(sent, frame);
  assert.equal(last(measured), 'Test ad painted after 84 ms in OBS at 1920×1080, in program, silent.');
  assert.equal(button(measured, 'test').busy, false);
  assert.equal(reduce(measured, { type: 'untested', id: 't1' }), measured);
  assert.equal(last(reduce(sent, { type: 'untested', id: 't1' })), 'The test ad was not painted by any overlay.');
  const again = send(measured, 't2', { name: 'test' });
  assert.equal(reduce(again, { type: 'untested', id: 't1' }), again);
});

test('buttons follow the state', () => {
  assert.equal(button(initial(), 'pause').enabled, false);
  assert.equal(button(open(), 'pause').text, 'Pause');
  assert.equal(button(open(), 'skip').enabled, false);
  assert.equal(button(open({ ...STATE, current: CURRENT }), 'skip').enabled, true);
  assert.equal(button(open({ ...STATE, current: CURRENT }), 'play-next').enabled, false);
  assert.deepEqual(button(open({ ...STATE, paused: true }), 'pause').command, { name: 'resume' });
  assert.equal(button(open({ ...STATE, snoozed_until_ms: NOW + 1 }), 'pause').text, 'Resume');
  assert.equal(button(open({ ...STATE, snoozed_until_ms: NOW - 1 }), 'pause').text, 'Pause');
});

test('the headline: an ad in hand comes first, then pause, snooze, block, countdown', () => {
  const say = (more) => headline({ ...STATE, ...more }, NOW, 'en-US');
  assert.equal(headline(null, NOW).title, 'Waiting for the server');
  assert.equal(say({ current: CURRENT, blocked_by: 'play_in_hand' }).title, 'Voltade');
  assert.deepEqual(say({ current: CURRENT }).figure, { earn: 42_000_000 });
  assert.equal(say({ current: { ...CURRENT, campaign_id: null } }).figure, 'unpaid');
  assert.equal(say({ paused: true, blocked_by: 'paused' }).title, 'Ads are paused');
  assert.equal(say({ snoozed_until_ms: NOW + 60_000, blocked_by: 'snoozed' }).figure, '1:00');
  assert.equal(say({ blocked_by: 'no_overlay' }).tone, 'hold');
  assert.equal(say({ blocked_by: 'minimum_gap' }).tone, 'wait');
  assert.equal(say({ blocked_by: 'solar_flare' }).title, 'Another reason (solar_flare)');
  assert.equal(say({}).figure, '1:05');
  assert.equal(say({ next_slot_ms: NOW }).title, 'The next ad is due');
});

test('the time on screen always adds up and never leaves its range', () => {
  for (let at = -3_000; at <= 25_000; at += 250) {
    const { done, total, elapsed, left } = progress(CURRENT, CURRENT.started_ms + at);
    assert.ok(done >= 0 && done <= total);
    assert.equal(Number.parseInt(elapsed, 10) + Number.parseInt(left, 10), 20);
  }
  assert.equal(progress({ started_ms: null, ends_ms: null }, NOW), null);
  assert.equal(progress({ started_ms: NOW, ends_ms: NOW }, NOW), null);
});

test('nothing ticks when nothing moves', () => {
  assert.equal(ticks(null), false);
  assert.equal(ticks(STATE), true);
  assert.equal(ticks({ ...STATE, paused: true }), false);
  assert.equal(ticks({ ...STATE, next_slot_ms: null }), false);
  assert.equal(ticks({ ...STATE, current: { ...CURRENT, ends_ms: null } }), false);
});

test('the chips tell yes, no and not known apart', () => {
  const tones = (more) => chips({ ...STATE, ...more }, NOW, 'en-US').map((chip) => chip.tone);
  const texts = (more) => chips({ ...STATE, ...more }, NOW, 'en-US').map((chip) => chip.text);
  assert.deepEqual(texts({}), ['Overlay connected', 'In program', 'Streaming', 'Live, 1,284 viewers']);
  assert.deepEqual(tones({ overlays: [] }), ['bad', 'unknown', 'unknown', 'good']);
  assert.deepEqual(tones({ overlays: [{ ...PAGE, active: 'inactive', visible: false, streaming: false }] }), ['warn', 'warn', 'warn', 'good']);
  assert.equal(texts({ stream: { live: true, viewers: 1, sampled_ms: NOW } })[3], 'Live, 1 viewer');
  assert.equal(texts({ stream: { live: true, viewers: 9, sampled_ms: NOW - 600_000 } })[3], 'Live, 9 viewers (10 min ago)');
  assert.equal(texts({ stream: { live: false, viewers: null, sampled_ms: null } })[3], 'Platform not checked');
});

test('the time is the server’s and the fastest frame decides', () => {
  let steady = 1_000;
  const clock = new ServerClock(() => steady);
  assert.equal(clock.now(), null);
  clock.hear(NOW);
  steady += 10_000;
  clock.hear(NOW + 9_700);
  assert.equal(clock.now(), NOW + 10_000);
  for (let beat = 0; beat < 8; beat += 1) clock.hear(NOW + 9_000);
  assert.equal(clock.now(), NOW + 9_000);
  clock.reset();
  assert.equal(clock.now(), null);
});

test('a key is found in a link, in a fragment and alone', () => {
  assert.equal(keyFrom('https://ads.example/dashboard/#k=gtd_12345678'), 'gtd_12345678');
  assert.equal(keyFrom('#k=gtd_12345678'), 'gtd_12345678');
  assert.equal(keyFrom('  gtd_12345678\n'), 'gtd_12345678');
  assert.equal(keyFrom('#k=%ZZ'), null);
  assert.equal(keyFrom('hello there'), null);
  assert.equal(keyFrom(''), null);
});

test('spans of time in words', () => {
  assert.equal(countdown(272_000), '4:32');
  assert.equal(countdown(271_001), '4:32');
  assert.equal(countdown(-5), '0:00');
  assert.equal(countdown(3_729_000), '1:02:09');
  assert.equal(ago(1_000), 'just now');
  assert.equal(ago(90_000), '1 min ago');
});
