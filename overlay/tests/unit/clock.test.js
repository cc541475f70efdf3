// Server time without the wall clock of the machine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../source/clock.js';

function clock() {
  const at = { ms: 5000 };
  return { at, clock: new Clock(() => at.ms) };
}

test('knows no time before the server spoke, and then shows nothing', () => {
  const { clock: it } = clock();
  assert.equal(it.serverMs(), null);
  assert.equal(it.passed(Infinity), true);
});

test('runs on from the server time by the monotonic clock', () => {
  const { at, clock: it } = clock();
  it.restart(1_000_000);
  at.ms += 250;
  assert.equal(it.serverMs(), 1_000_250);
  assert.equal(it.passed(1_000_250), false);
  assert.equal(it.passed(1_000_249), true);
});

test('a message that came late does not set the clock back', () => {
  const { at, clock: it } = clock();
  it.restart(1_000_000);
  at.ms += 10_000;
  it.sync(1_010_000 - 400);
  assert.equal(it.serverMs(), 1_010_000);
});

test('follows a server whose clock was set back, and forgets the last server at once', () => {
  const { at, clock: it } = clock();
  it.restart(1_000_000);
  for (let beat = 1; beat <= 6; beat += 1) {
    at.ms += 10_000;
    it.sync(900_000 + beat * 10_000);
  }
  assert.equal(it.serverMs(), 960_000);
  it.restart(42);
  assert.equal(it.serverMs(), 42);
});

test('a sleep that stopped the monotonic clock is caught up by the next heartbeat', () => {
  const { clock: it } = clock();
  it.restart(1_000_000);
  it.sync(1_600_000);
  assert.equal(it.serverMs(), 1_600_000);
});

test('nonsense is not a time', () => {
  const { clock: it } = clock();
  it.sync(Number.NaN);
  assert.equal(it.serverMs(), null);
});
