// Claims survive everything but their ack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, keyName } from '../../source/outbox.js';
import { FakeStorage } from './fakes.js';
import { frame } from './golden.js';

function outbox({ key = 'key-a', storage = new FakeStorage(), up = true } = {}) {
  const link = { up, sent: [] };
  const send = (claim) => {
    if (link.up) link.sent.push(claim);
    return link.up;
  };
  return { link, storage, box: new Outbox({ key, storage: () => storage, send }) };
}

const claim = (play_id) => ({ ...frame('from_claim'), play_id });
const number = (index) => `play-${String(index).padStart(6, '0')}`;

test('a claim is stored before it is sent, exactly as the golden frame', () => {
  const storage = new FakeStorage();
  let stored = -1;
  const sent = [];
  const send = (frame) => {
    stored = storage.length;
    sent.push(frame);
    return true;
  };
  new Outbox({ key: 'k', storage: () => storage, send }).add(frame('from_claim'));
  assert.equal(stored, 1);
  assert.deepEqual(sent, [frame('from_claim')]);
});

test('only the ack deletes it; it is sent again after every welcome and after a restart', () => {
  const { link, storage, box } = outbox();
  box.add(claim('p1'));
  box.resend();
  box.resend();
  assert.equal(link.sent.length, 3);
  const again = outbox({ storage });
  assert.equal(again.box.size, 1);
  again.box.resend();
  assert.deepEqual(again.link.sent, [claim('p1')]);
  again.box.ack('p1');
  assert.equal(again.box.size, 0);
  assert.equal(storage.length, 0);
});

test('without a link it waits', () => {
  const { link, box } = outbox({ up: false });
  box.add(claim('p1'));
  assert.equal(link.sent.length, 0);
  link.up = true;
  box.resend();
  assert.deepEqual(link.sent, [claim('p1')]);
});

test('two keys on one storage do not mix, and the key is not in it', () => {
  const storage = new FakeStorage();
  const one = outbox({ key: 'secret-one', storage });
  one.box.add(claim('p1'));
  assert.equal(outbox({ key: 'secret-two', storage }).box.size, 0);
  assert.equal(outbox({ key: 'secret-one', storage }).box.size, 1);
  assert.ok(![...storage.entries.keys()].join().includes('secret'));
  assert.match(keyName('secret-one'), /^[0-9a-f]{16}$/);
  assert.notEqual(keyName('secret-one'), keyName('secret-two'));
});

test('works without storage', () => {
  const sent = [];
  const storage = () => {
    throw new Error('denied');
  };
  const box = new Outbox({ key: 'k', storage, send: (frame) => sent.push(frame) > 0 });
  box.add(claim('p1'));
  box.resend();
  assert.equal(sent.length, 2);
  box.ack('p1');
  assert.equal(box.size, 0);
});

test('a full storage keeps the claim in memory', () => {
  const storage = new FakeStorage();
  storage.setItem = () => {
    throw new Error('quota');
  };
  const { link, box } = outbox({ storage });
  box.add(claim('p1'));
  assert.equal(box.size, 1);
  assert.equal(link.sent.length, 1);
});

test('what is not a claim is thrown out of the storage, so that it can not close the socket', () => {
  const storage = new FakeStorage();
  const name = (play_id) => `gametriggers.claim.${keyName('key-a')}.${play_id}`;
  storage.setItem(name('p1'), '{"half":');
  storage.setItem(name('p2'), JSON.stringify({ ...claim('p2'), evidence: {} }));
  storage.setItem(name('p3'), JSON.stringify(claim('other')));
  storage.setItem(name('p4'), JSON.stringify({ ...claim('p4'), stray: true }));
  storage.setItem('of someone else', 'x');
  const { link, box } = outbox({ storage });
  box.resend();
  assert.deepEqual(link.sent, [claim('p4')]);
  assert.deepEqual([...storage.entries.keys()].sort(), [name('p4'), 'of someone else']);
});

test('a long absence is sent in order and a few at a time', () => {
  const { link, box } = outbox({ up: false });
  for (let index = 0; index < 100; index += 1) box.add(claim(number(index)));
  link.up = true;
  box.resend();
  assert.equal(link.sent.length, 16);
  for (let index = 0; index < 100; index += 1) box.ack(link.sent[index].play_id);
  assert.deepEqual(link.sent.map((sent) => sent.play_id), Array.from({ length: 100 }, (_, index) => number(index)));
  assert.equal(box.size, 0);
});

test('holds 5000 and lets the oldest go', () => {
  const { storage, box } = outbox({ up: false });
  for (let index = 0; index < 5003; index += 1) box.add(claim(number(index)));
  assert.equal(box.size, 5000);
  assert.equal(storage.length, 5000);
  assert.equal(storage.key(0).endsWith(number(3)), true);
});

test('a claim that has no answer for three heartbeats goes out again', () => {
  const { link, box } = outbox();
  box.add(claim('p1'));
  box.beat();
  box.beat();
  assert.equal(link.sent.length, 1);
  box.beat();
  assert.equal(link.sent.length, 2);
  box.ack('p1');
  for (let beat = 0; beat < 6; beat += 1) box.beat();
  assert.equal(link.sent.length, 2);
});
