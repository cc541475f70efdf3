// The frames of the page against the golden frames.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as messages from '../../source/messages.js';
import { frame, names, words } from './golden.js';

// From the parts of a golden frame back to the frame: what the page builds has exactly that shape.
const build = {
  hello: messages.hello,
  status: messages.status,
  heartbeat: messages.heartbeat,
  prepared: ({ play_id }) => messages.prepared(play_id),
  started: ({ play_id }) => messages.started(play_id),
  progress: ({ play_id, painted_ms, frames }) => messages.progress(play_id, painted_ms, frames),
  ended: ({ play_id }) => messages.ended(play_id),
  skipped: ({ play_id, reason }) => messages.skipped(play_id, reason),
  failed: ({ play_id, reason }) => messages.failed(play_id, reason),
  claim: messages.claim,
};

for (const name of names('from')) {
  test(`the page builds ${name} as in the golden frame`, () => {
    const golden = frame(name);
    assert.deepEqual(build[golden.type](golden), golden);
  });
}

for (const name of names('to')) {
  test(`the page accepts ${name}`, () => {
    const golden = frame(name);
    assert.deepEqual(messages.parse(JSON.stringify(golden)), golden);
    assert.ok(messages.parse(JSON.stringify({ ...golden, later: 1 })), 'a newer server may add a field');
  });
}

test('anything else is null, never an error', () => {
  const wrong = ['', 'nonsense', 'null', '[]', '7', '{}', '{"type":"surprise"}', '{"type":"toString"}', '{"type":"role"}'];
  for (const text of wrong) assert.equal(messages.parse(text), null, text);
  assert.equal(messages.parse('{"type":"prepare","play_id":"a","creative":null,"not_after_ms":1}'), null);
});

test('the page uses the words of the protocol', () => {
  assert.deepEqual(messages.ACTIVE, words.active);
  for (const reason of words.skip_reason) assert.equal(messages.skipped('p', reason).reason, reason);
  for (const reason of words.fail_reason) assert.equal(messages.failed('p', reason).reason, reason);
});

test('numbers are whole and in range, unknown optionals are left out', () => {
  const hello = messages.hello({
    ...frame('from_hello'),
    page: { width: 1919.6, height: -3, dpr: 1 },
    host: { kind: 'obs', plugin_version: undefined, chrome: undefined },
    status: { active: 'unknown', visible: true, streaming: undefined },
  });
  assert.deepEqual(hello.page, { width: 1919, height: 0, dpr: 1 });
  assert.deepEqual(hello.host, { kind: 'obs' });
  assert.deepEqual(hello.status, { active: 'unknown', visible: true });
  const claim = frame('from_claim');
  claim.evidence.painted_ms = 1000.7;
  claim.evidence.in_view_percent = 140;
  assert.equal(messages.claim(claim).evidence.painted_ms, 1000);
  assert.equal(messages.claim(claim).evidence.in_view_percent, 100);
});

test('a claim that the server would not parse is no claim', () => {
  const golden = frame('from_claim');
  assert.deepEqual(messages.claim({ ...golden, stray: 1, evidence: { ...golden.evidence, stray: 1 } }), golden);
  assert.equal(messages.claim({ ...golden, token: undefined }), null);
  assert.equal(messages.claim({ ...golden, evidence: { ...golden.evidence, active: 'maybe' } }), null);
  assert.equal(messages.claim(null), null);
});
