// Sentences of the dashboard: each code of the closed lists has its own words, others are shown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closing, retryDelay } from '../../dashboard/closing.js';
import { explain, isKnown, outcome } from '../../dashboard/reasons.js';

const GATES = 'paused snoozed no_overlay overlay_hidden overlay_inactive not_streaming stream_offline viewers_unknown minimum_gap hourly_limit first_ad_delay draining store_unavailable play_in_hand';
const CANDIDATES = 'no_candidate category_exclusivity brand_exclusivity cooldown simultaneous_limit pacing outbid not_participating budget daily_cap frequency_cap creative length policy minimum_viewers targeting followers platform mature streamer_blocklist category_blocklist brand_blocklist flight daypart campaign_paused campaign_ended lease_empty';
const PLAYS = 'reserve_timeout prepare_timeout start_timeout play_timeout skipped_by_streamer expired hidden inactive stopped busy disconnected load decode unsupported label_hidden not_painted';
const CLAIMS = 'bad_token token_expired foreign_token bad_nonce unknown_play too_short not_painted not_in_view too_small label_hidden not_in_program faster_than_time lease_exhausted lease_closed test';
const CODES = [...new Set(`${GATES} ${CANDIDATES} ${PLAYS} ${CLAIMS}`.split(' '))];

test('each code of the closed list has a sentence in words', () => {
  for (const code of CODES) {
    assert.ok(isKnown(code), code);
    const { sentence } = explain(code);
    assert.match(sentence, /^[A-Z][^_]*[^.]$/, code);
    assert.ok(sentence.length <= 60, `${code}: ${sentence}`);
  }
});

test('a code that nobody knows is shown as it is', () => {
  assert.deepEqual(explain('solar_flare'), { sentence: 'Another reason (solar_flare)', advice: '', needsHand: false });
  assert.equal(explain('constructor').sentence, 'Another reason (constructor)');
});

test('what the streamer can mend says how', () => {
  for (const code of ['no_overlay', 'overlay_hidden', 'overlay_inactive']) {
    assert.ok(explain(code).needsHand, code);
    assert.ok(explain(code).advice.endsWith('.'), code);
  }
  assert.equal(explain('minimum_gap').needsHand, false);
});

test('each outcome of a slot has a word and a tone', () => {
  for (const code of ['settled', 'shown', 'claimed', 'rejected', 'skipped', 'failed', 'expired', 'no_fill']) {
    const { text, tone } = outcome(code);
    assert.match(text, /^[A-Z]/);
    assert.ok(['good', 'pending', 'bad', 'quiet'].includes(tone), code);
  }
  assert.deepEqual(outcome('something_new'), { text: 'something_new', tone: 'quiet' });
});

test('close codes below 3500 reconnect, from 3500 to 3999 they stop', () => {
  for (const code of [1000, 1001, 1006, 1011, 3000, 3006, 3499, 4000]) assert.equal(closing(code).again, true, String(code));
  for (const code of [3500, 3501, 3502, 3503, 3504, 3505, 3506, 3999]) {
    const { again, sentence } = closing(code);
    assert.equal(again, false, String(code));
    assert.match(sentence, /^[A-Z].*\.$/);
  }
  assert.equal(closing(1006).sentence, 'Connection lost.');
  assert.equal(closing(1006, false).sentence, 'The server does not answer.');
  assert.equal(closing(3500).remedy, 'key');
  assert.equal(closing(3501).remedy, 'key');
  assert.equal(closing(3504).remedy, 'reload');
});

test('the wait before the next attempt has full jitter between half a second and 15', () => {
  assert.equal(retryDelay(0, 0), 500);
  assert.equal(retryDelay(0, 0.5), 750);
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const most = retryDelay(attempt, 0.999_999);
    assert.equal(retryDelay(attempt, 0), 500);
    assert.ok(most >= 500 && most <= 15_000, `${attempt}: ${most}`);
  }
  assert.equal(retryDelay(50, 0.999_999), 15_000);
});
