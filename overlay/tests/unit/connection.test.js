// The socket on a fake one: greeting, silence, backoff, close codes, drain.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection, isFinal, retryDelay } from '../../source/connection.js';
import { FakeSocket, World } from './fakes.js';
import { frame, words } from './golden.js';

function connect({ random = () => 1 } = {}) {
  const world = new World();
  const sockets = [];
  const events = [];
  const connection = new Connection({
    url: 'ws://host/ws/overlay',
    hello: () => frame('from_hello'),
    on: {
      up: () => events.push('up'),
      message: (message) => events.push(message.type),
      down: () => events.push('down'),
      closed: (code) => events.push(`closed ${code}`),
    },
    open: (url) => {
      sockets.push(new FakeSocket(url));
      return sockets.at(-1);
    },
    ...world,
    random,
  });
  connection.start();
  const greet = () => {
    sockets.at(-1).onopen();
    sockets.at(-1).hear(frame('to_welcome'));
  };
  return { world, sockets, events, connection, greet };
}

test('greets first, is up after the welcome, and sends nothing in between', () => {
  const { sockets, events, connection, greet } = connect();
  assert.equal(sockets[0].url, 'ws://host/ws/overlay');
  assert.equal(connection.send({ type: 'status' }), false);
  greet();
  assert.deepEqual(sockets[0].sent, [frame('from_hello')]);
  assert.deepEqual(events, ['up']);
  assert.equal(connection.send(frame('from_status')), true);
  assert.deepEqual(sockets[0].sent.at(-1), frame('from_status'));
});

test('a server of another version says reload instead of welcome, hangs up, and is tried again', () => {
  const { world, sockets, events } = connect();
  sockets[0].onopen();
  sockets[0].hear(frame('to_reload'));
  sockets[0].onclose({ code: words.close.outdated });
  assert.deepEqual(events, ['reload']);
  world.pass(500);
  assert.equal(sockets.length, 2);
});

test('answers heartbeats', () => {
  const { sockets, events, greet } = connect();
  greet();
  sockets[0].hear(frame('to_heartbeat'));
  assert.deepEqual(sockets[0].sent.at(-1), frame('from_heartbeat'));
  assert.deepEqual(events, ['up', 'heartbeat']);
});

test('ignores what it can not read, and messages before the welcome', () => {
  const { sockets, events, greet } = connect();
  sockets[0].onopen();
  sockets[0].hear(frame('to_play'));
  greet();
  sockets[0].hear('not json');
  sockets[0].hear({ type: 'of_tomorrow' });
  assert.deepEqual(events, ['up']);
});

test('silence for dead_after_ms is a dead link; heartbeats keep it', () => {
  const { world, sockets, events, greet } = connect();
  greet();
  for (let beat = 0; beat < 5; beat += 1) {
    world.pass(10_000);
    sockets[0].hear(frame('to_heartbeat'));
  }
  world.pass(24_999);
  assert.equal(sockets[0].closed, false);
  world.pass(1);
  assert.equal(sockets[0].closed, true);
  assert.equal(events.at(-1), 'down');
  world.pass(500);
  assert.equal(sockets.length, 2);
});

test('a server that takes the socket and never greets is left', () => {
  const { world, sockets, events } = connect();
  world.pass(10_000);
  assert.equal(sockets[0].closed, true);
  world.pass(500);
  assert.equal(sockets.length, 2);
  assert.deepEqual(events, []);
});

test('tries for ever, with full jitter from 0.5 s to 15 s', () => {
  assert.equal(retryDelay(0, () => 1), 500);
  assert.equal(retryDelay(3, () => 1), 4000);
  assert.equal(retryDelay(1000, () => 1), 15_000);
  assert.equal(retryDelay(1000, () => 0.5), 7500);
  const { world, sockets } = connect();
  for (let attempt = 0; attempt < 200; attempt += 1) {
    sockets.at(-1).onclose({ code: 1006 });
    world.pass(15_000);
  }
  assert.ok(sockets.length > 200);
});

test('a server that greets and closes is not hammered; a link that lasted starts over', () => {
  const { world, sockets, greet } = connect();
  for (let attempt = 0; attempt < 6; attempt += 1) {
    greet();
    sockets.at(-1).onclose({ code: 3004 });
    world.pass(15_000);
  }
  const before = sockets.length;
  greet();
  sockets.at(-1).onclose({ code: 3004 });
  world.pass(14_999);
  assert.equal(sockets.length, before);
  world.pass(1);
  greet();
  sockets.at(-1).hear(frame('to_heartbeat'));
  sockets.at(-1).onclose({ code: 1006 });
  world.pass(500);
  assert.equal(sockets.length, before + 2);
});

test('the code says whether to come back, for every code of the protocol', () => {
  for (const [reason, code] of Object.entries(words.close)) {
    assert.equal(isFinal(code), code >= 3500, reason);
    const { world, sockets, events, greet } = connect();
    greet();
    sockets[0].onclose({ code });
    world.pass(3_600_000);
    if (code < 3500) {
      assert.ok(sockets.length > 1, reason);
    } else {
      assert.equal(sockets.length, 1, reason);
      assert.deepEqual(events, ['up', `closed ${code}`]);
      assert.equal(world.timers.size, 0, 'nothing is left running');
    }
  }
});

test('drain names the delay', () => {
  const { world, sockets, connection, greet } = connect({ random: () => 0 });
  greet();
  sockets[0].hear(frame('to_drain'));
  sockets[0].onclose({ code: 3000 });
  connection.retryNow();
  world.pass(2749);
  assert.equal(sockets.length, 1);
  world.pass(1);
  assert.equal(sockets.length, 2);
});

test('a socket that was given up is not heard any more', () => {
  const { world, sockets, events, greet } = connect();
  greet();
  world.pass(25_000);
  sockets[0].hear(frame('to_play'));
  sockets[0].onclose({ code: 3500 });
  assert.deepEqual(events, ['up', 'down']);
  world.pass(500);
  assert.equal(sockets.length, 2);
});

test('the network is back: no waiting', () => {
  const { sockets, connection } = connect();
  connection.retryNow();
  assert.equal(sockets.length, 1);
  sockets[0].onclose({ code: 1006 });
  connection.retryNow();
  assert.equal(sockets.length, 2);
});

test('an address that can not be opened is tried again', () => {
  const world = new World();
  let tries = 0;
  const open = () => {
    tries += 1;
    throw new Error('no network');
  };
  const connection = new Connection({ url: 'ws://x', hello: () => ({}), on: {}, open, ...world, random: () => 1 });
  connection.start();
  world.pass(60_000);
  assert.ok(tries > 4);
});
