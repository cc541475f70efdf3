// The state machine of a play, on a fake stage with time driven by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../source/clock.js';
import { Player } from '../../source/player.js';
import { World } from './fakes.js';
import { frame } from './golden.js';

const PLAY = frame('to_play').play_id;
const settle = () => new Promise((resolve) => setImmediate(resolve));

class FakeCard {
  shown = false;
  removed = false;
  left = false;
  label = true;
  stalled = false;
  show = () => (this.shown = true);
  remove = () => (this.removed = true);
  leave = () => (this.left = true);
  volume = () => {};
  exitMs = () => 300;
  broken = () => false;
  presented = () => true;
  moving = () => !this.stalled;
  labelVisible = () => this.label;
  measure = () => ({ in_view_percent: 100, area_ppm: 54321 });
}

function player() {
  const world = new World();
  const clock = new Clock(world.now);
  clock.restart(frame('to_welcome').server_ms);
  const it = { world, card: new FakeCard(), sent: [], claims: [], up: true, idle: 0 };
  it.seen = { active: 'active', visible: true, streaming: true };
  it.player = new Player({
    ...world,
    send: (message) => {
      if (it.up) it.sent.push(message);
      return it.up;
    },
    stage: { prepare: async () => it.refuse ?? it.card },
    clock,
    host: { status: () => it.seen, refresh: () => {} },
    outbox: { add: (claim) => it.claims.push(claim) },
    onIdle: () => (it.idle += 1),
  });
  it.player.role(true);
  it.host = (seen) => {
    it.seen = { ...it.seen, ...seen };
    it.player.hostChanged(it.seen);
  };
  it.ready = async (name = 'to_prepare_image') => {
    it.player.prepare(frame(name));
    await settle();
  };
  it.types = () => it.sent.map((message) => message.type);
  it.last = () => it.sent.at(-1);
  return it;
}

test('the whole life of a play', async () => {
  const it = player();
  await it.ready();
  assert.deepEqual(it.sent, [frame('from_prepared')]);
  assert.equal(it.card.shown, false);
  it.player.play(frame('to_play'));
  assert.equal(it.card.shown, true);
  it.world.paint(40);
  assert.equal(it.sent.length, 1, 'two frames are not proven painted yet');
  it.world.paint(20);
  assert.deepEqual(it.last(), frame('from_started'));
  it.world.paint(12_000);
  assert.equal(it.types().filter((type) => type === 'progress').length, 11);
  assert.deepEqual(it.last(), frame('from_ended'));
  assert.equal(it.card.left && it.card.removed, true);
  const [claim] = it.claims;
  const { token, nonce } = frame('to_play');
  assert.deepEqual([claim.play_id, claim.token, claim.nonce], [PLAY, token, nonce]);
  assert.ok(claim.evidence.painted_ms > 11_800 && claim.evidence.painted_ms < 12_000, claim.evidence.painted_ms);
  assert.deepEqual(Object.keys(claim.evidence).sort(), Object.keys(frame('from_claim').evidence).sort());
  assert.equal(it.player.phase, 'idle');
  assert.equal(it.world.timers.size + it.world.frames.size, 0, 'idle leaves nothing running');
  assert.equal(it.idle, 1);
});

test('progress counts up', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(4000);
  const steps = it.sent.filter((message) => message.type === 'progress');
  assert.deepEqual(steps.map((step) => step.painted_ms), [1000, 2000, 3000]);
  assert.deepEqual(steps.map((step) => step.frames), [50, 100, 150]);
  assert.deepEqual(Object.keys(steps[0]), Object.keys(frame('from_progress')));
});

test('a test creative has no token and is never claimed', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play_test'));
  it.world.paint(13_000);
  assert.deepEqual(it.last(), frame('from_ended'));
  assert.equal(it.claims.length, 0);
});

test('play may come before prepared', async () => {
  const it = player();
  it.player.prepare(frame('to_prepare_text'));
  it.player.play(frame('to_play'));
  assert.equal(it.player.phase, 'preparing');
  await settle();
  assert.equal(it.player.phase, 'on_screen');
});

test('too late is skipped, not replayed', async () => {
  const it = player();
  await it.ready();
  it.world.pass(3001);
  it.player.play(frame('to_play'));
  assert.deepEqual(it.last(), { ...frame('from_skipped'), reason: 'expired' });
  assert.equal(it.card.shown, false);
  assert.equal(it.card.removed, true);
});

test('a prepared creative whose play never comes is forgotten', async () => {
  const it = player();
  await it.ready();
  it.world.pass(15_000);
  assert.equal(it.last().reason, 'expired');
  assert.equal(it.player.phase, 'idle');
});

for (const [seen, reason] of [
  [{ visible: false, active: 'unknown' }, 'hidden'],
  [{ visible: true, active: 'inactive' }, 'inactive'],
]) {
  test(`${reason} at play: skipped`, async () => {
    const it = player();
    await it.ready();
    it.host(seen);
    it.player.play(frame('to_play'));
    assert.deepEqual(it.last(), { ...frame('from_skipped'), reason });
  });

  test(`${reason} before the threshold: skipped, no claim`, async () => {
    const it = player();
    await it.ready();
    it.player.play(frame('to_play'));
    it.world.paint(900);
    it.host(seen);
    assert.deepEqual(it.last(), { ...frame('from_skipped'), reason });
    assert.equal(it.claims.length, 0);
    assert.equal(it.card.removed, true);
  });

  test(`${reason} after the threshold: ended early, claimed as measured`, async () => {
    const it = player();
    await it.ready();
    it.player.play(frame('to_play'));
    it.world.paint(1500);
    it.host(seen);
    assert.deepEqual(it.last(), frame('from_ended'));
    assert.ok(it.claims[0].evidence.painted_ms < 1500);
    assert.equal(it.claims[0].evidence.active, 'active');
  });
}

test('a video needs two seconds', async () => {
  const it = player();
  await it.ready('to_prepare_video');
  it.player.play(frame('to_play'));
  it.world.paint(1900);
  it.host({ visible: false });
  assert.equal(it.last().reason, 'hidden');
});

test('the lowest state and both ends of streaming go into the evidence', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(2000);
  it.host({ active: 'inferred' });
  it.host({ active: 'active', streaming: false });
  it.world.paint(11_000);
  assert.equal(it.claims[0].evidence.active, 'inferred');
  assert.equal(it.claims[0].evidence.streaming, false);
});

test('stop is at once, in every phase', async () => {
  const ready = player();
  await ready.ready();
  ready.player.stop(frame('to_stop'));
  assert.deepEqual(ready.last(), { ...frame('from_skipped'), reason: 'stopped' });
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(5000);
  it.player.stop(frame('to_stop'));
  assert.equal(it.card.removed, true);
  assert.equal(it.last().reason, 'stopped');
  assert.equal(it.claims.length, 0);
  it.player.stop(frame('to_stop'));
  assert.equal(it.types().filter((type) => type === 'skipped').length, 1);
});

test('a hidden label voids the play, at the start and later', async () => {
  const start = player();
  start.card.label = false;
  await start.ready();
  start.player.play(frame('to_play'));
  start.world.paint(100);
  assert.deepEqual(start.last(), frame('from_failed'));
  assert.ok(!start.types().includes('started'));
  const later = player();
  await later.ready();
  later.player.play(frame('to_play'));
  later.world.paint(5000);
  later.card.label = false;
  later.world.paint(1000);
  assert.deepEqual(later.last(), frame('from_failed'));
  assert.equal(later.claims.length, 0);
  assert.equal(later.card.removed, true);
});

test('nothing painted: failed, and off by a timer', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.pass(2000);
  assert.deepEqual(it.last(), { ...frame('from_failed'), reason: 'not_painted' });
  const stopped = player();
  await stopped.ready();
  stopped.player.play(frame('to_play'));
  stopped.world.paint(500);
  stopped.world.pass(14_000);
  assert.equal(stopped.last().reason, 'not_painted');
  assert.equal(stopped.claims.length, 0);
});

test('a gap breaks the continuous time', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(4000);
  it.world.pass(700);
  it.world.paint(9000);
  const { painted_ms } = it.claims[0].evidence;
  assert.ok(painted_ms > 7000 && painted_ms < 7400, painted_ms);
});

test('a video that waits for data is not painted', async () => {
  const it = player();
  await it.ready('to_prepare_video');
  it.player.play(frame('to_play'));
  it.world.paint(1000);
  it.card.stalled = true;
  it.world.paint(12_000);
  assert.equal(it.last().reason, 'not_painted');
});

test('load and decode failures are told', async () => {
  for (const reason of ['load', 'decode', 'unsupported']) {
    const it = player();
    it.refuse = Promise.reject(Object.assign(new Error(reason), { reason }));
    await it.ready();
    assert.deepEqual(it.last(), { ...frame('from_failed'), reason });
    assert.equal(it.player.phase, 'idle');
  }
});

test('a page that is not the primary one takes nothing', async () => {
  const it = player();
  it.player.role(false);
  await it.ready();
  assert.equal(it.last().type, 'skipped');
  assert.equal(it.player.phase, 'idle');
});

test('losing the role lets the ad on screen end', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(500);
  it.player.role(false);
  it.world.paint(12_000);
  assert.equal(it.claims.length, 1);
});

test('one at a time: busy while on screen, the newer one before', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.player.prepare({ ...frame('to_prepare_text'), play_id: 'other' });
  assert.deepEqual(it.last(), { type: 'skipped', play_id: 'other', reason: 'busy' });
  const next = player();
  await next.ready();
  next.player.prepare({ ...frame('to_prepare_text'), play_id: 'other' });
  await settle();
  assert.deepEqual(next.types(), ['prepared', 'skipped', 'prepared']);
  assert.equal(next.last().play_id, 'other');
});

test('the same prepare twice is answered twice', async () => {
  const it = player();
  await it.ready();
  await it.ready();
  assert.deepEqual(it.types(), ['prepared', 'prepared']);
});

test('a play that this page never prepared is refused', () => {
  const it = player();
  it.player.play(frame('to_play'));
  assert.deepEqual(it.last(), { ...frame('from_skipped'), reason: 'disconnected' });
});

test('link lost while on screen: the ad ends, the claim is kept, the last word follows', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(3000);
  it.up = false;
  it.player.linkLost();
  it.world.paint(10_000);
  assert.equal(it.claims.length, 1);
  assert.ok(!it.types().includes('ended'));
  it.up = true;
  it.player.linkUp();
  assert.deepEqual(it.last(), frame('from_ended'));
});

test('link lost before: forgotten, told when the link is back', async () => {
  const it = player();
  await it.ready();
  it.up = false;
  it.player.linkLost();
  assert.equal(it.player.phase, 'idle');
  it.up = true;
  it.player.linkUp();
  assert.deepEqual(it.last(), { ...frame('from_skipped'), reason: 'disconnected' });
});

test('a revoked key clears the stage without a word', async () => {
  const it = player();
  await it.ready();
  it.player.play(frame('to_play'));
  it.world.paint(3000);
  const before = it.sent.length;
  it.player.clear();
  assert.equal(it.card.removed, true);
  assert.equal(it.sent.length, before);
  assert.equal(it.claims.length, 0);
  assert.equal(it.world.timers.size + it.world.frames.size, 0);
});

test('a card that becomes ready after its play was dropped is thrown away', async () => {
  const it = player();
  it.player.prepare(frame('to_prepare_image'));
  it.player.stop(frame('to_stop'));
  await settle();
  assert.equal(it.card.removed, true);
  assert.ok(!it.types().includes('prepared'));
});
