// The OBS page: makes the parts and connects them. No logic of its own.

import { Clock } from './clock.js';
import { Connection } from './connection.js';
import { Host } from './host.js';
import * as messages from './messages.js';
import { Outbox } from './outbox.js';
import { Player } from './player.js';
import { Reloader } from './reload.js';
import { Stage } from './stage.js';

/** The key stands in the fragment, which no server, log or referrer sees. */
function keyOf(fragment) {
  const found = /[#&]k=([^&]*)/.exec(fragment)?.[1] ?? '';
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}

function instanceId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What the world gives a player, replaceable in tests. */
const world = {
  now: () => performance.now(),
  nextFrame: (work) => requestAnimationFrame(work),
  cancelFrame: (frame) => cancelAnimationFrame(frame),
  setTimer: (work, ms) => setTimeout(work, ms),
  clearTimer: (timer) => clearTimeout(timer),
};

function make(token, build, note) {
  const made = { build, note };
  const send = (frame) => {
    const sent = made.connection.send(frame);
    note(sent ? 'sent' : 'unsent', frame);
    return sent;
  };
  made.clock = new Clock();
  made.outbox = new Outbox({ key: token, storage: () => localStorage, send });
  made.reloader = new Reloader({
    storage: () => sessionStorage,
    reload: () => location.reload(),
    idle: () => made.player.phase === 'idle',
    now: () => performance.timeOrigin + performance.now(),
    setTimer: world.setTimer,
    random: Math.random,
  });
  made.tellStatus = () => send(messages.status(made.host.status()));
  made.host = new Host(window, (seen) => {
    made.tellStatus();
    made.player.hostChanged(seen);
  });
  made.player = new Player({
    ...world,
    send,
    stage: new Stage(),
    clock: made.clock,
    host: made.host,
    outbox: made.outbox,
    onIdle: () => made.reloader.settle(),
  });
  made.connection = new Connection({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/overlay`,
    hello: greeting(token, made),
    on: listeners(made),
  });
  return made;
}

function greeting(token, { build, host, outbox }) {
  const instance_id = instanceId();
  return () =>
    messages.hello({
      token,
      instance_id,
      build,
      host: host.describe(),
      page: { width: innerWidth, height: innerHeight, dpr: devicePixelRatio },
      status: host.status(),
      outbox: outbox.size,
    });
}

function listeners(made) {
  const { clock, host, player, outbox, reloader, note } = made;
  const handle = {
    heartbeat({ server_ms }) {
      clock.sync(server_ms);
      host.refresh();
      outbox.beat();
    },
    role: ({ primary }) => player.role(primary),
    settings: (settings) => player.settings(settings),
    prepare: (message) => player.prepare(message),
    play: (message) => player.play(message),
    stop: (message) => player.stop(message),
    ack: ({ play_id }) => outbox.ack(play_id),
    reload: () => reloader.want(),
  };
  return {
    up(welcome) {
      note('received', welcome);
      clock.restart(welcome.server_ms);
      player.settings(welcome.settings);
      player.role(welcome.primary);
      // What OBS said after the greeting and before this answer found no link.
      made.tellStatus();
      player.linkUp();
      outbox.resend();
    },
    down: () => player.linkLost(),
    closed: () => player.clear(),
    message(message) {
      note('received', message);
      handle[message.type]?.(message);
    },
  };
}

async function main() {
  const build = document.querySelector('meta[name="gametriggers-build"]')?.content ?? '';
  // Changing only the fragment does not load a page again, in OBS neither: a new key needs a new page.
  window.addEventListener('hashchange', () => location.reload());
  const token = keyOf(location.hash);
  let note = () => {};
  const made = token === '' ? null : make(token, build, (...what) => note(...what));
  if (new URLSearchParams(location.search).get('debug') === '1') {
    const { Debug } = await import('./debug.js');
    const debug = new Debug(made, build);
    note = (...what) => debug.note(...what);
  }
  if (!made) return;
  window.addEventListener('online', () => made.connection.retryNow());
  made.connection.start();
}

main();
