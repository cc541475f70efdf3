// What the page puts on the screen, and what it costs the machine.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Overlay, assertDisclosed, launch } from './support/overlay.js';
import { Server, campaign } from './support/server.js';
import { concurrency, pause } from './support/until.js';

const ONCE_S = 3600;
const KINDS = ['image', 'video', 'qr', 'text'];
/** Of a scene, and of a source that nobody has sized. */
const SIZES = [
  ['1280x720', { width: 1280, height: 720 }],
  ['1920x1080', { width: 1920, height: 1080 }],
  ['2560x1440', { width: 2560, height: 1440 }],
  ['3840x2160', { width: 3840, height: 2160 }],
  ['1080x1920', { width: 1080, height: 1920 }],
  ['800x600', { width: 800, height: 600 }],
];
const CARDS = 300;
const GROWTH_MAX = 5_000_000;

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.bare({
    streamers: { ...Object.fromEntries(SIZES.map(([size]) => [size, 3300])), idle: 600_000 },
    // The dearest comes first, and each but the last only once.
    campaigns: [
      campaign('image', { kind: 'image', file: 'voltade-lower-third.webp', price: 50, gap_s: ONCE_S }),
      campaign('video', { kind: 'video', file: 'voltade-loop.webm', placement: 'corner', price: 40, gap_s: ONCE_S, duration_ms: 4000 }),
      campaign('qr', { kind: 'qr', placement: 'corner', price: 30, gap_s: ONCE_S }),
      campaign('text', { placement: 'ticker', price: 20 }),
    ],
  });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Plays each kind once on a page of a size, and looks at it. */
async function playAll(name, size) {
  const overlay = await Overlay.open(browser, server.overlayUrl(name), size);
  for (const [index, kind] of KINDS.entries()) {
    await overlay.says('progress', { nth: overlay.said('progress').length + 1, ms: 15_000 });
    const prepared = overlay.heard('prepare').at(-1);
    assert.equal(prepared.creative.content.kind, kind);
    assertDisclosed(await overlay.slot(), { brand: 'Voltade' });
    const { ack, claim } = await overlay.paid({ nth: index + 1 });
    assert.equal(ack.play_id, prepared.play_id);
    assert.ok(claim.evidence.area_ppm >= 15_000, `${kind}: ${JSON.stringify(claim.evidence)}`);
    assert.equal(claim.evidence.in_view_percent, 100);
    assert.equal(claim.evidence.label_visible, true);
    await server.outcome(name, 'settled', ack.play_id);
  }
  await overlay.gone();
  assert.deepEqual(await overlay.violations(), []);
  assert.deepEqual(overlay.errors, []);
  await overlay.close();
}

/** Runs in the page: a server within the page that shows one card after the other as fast as it can. */
function endless() {
  window.WebSocket = class {
    #count = 0;

    constructor() {
      window.endless = { shown: 0, stopped: false };
      setTimeout(() => this.onopen({}), 0);
    }

    #say(message) {
      setTimeout(() => this.onmessage({ data: JSON.stringify(message) }), 0);
    }

    #next() {
      if (window.endless.stopped) return;
      this.#count += 1;
      const looks = { placement: 'lower_third', corner: 'bottom_left', duration_ms: 5000, label: 'Ad', brand: 'Voltade', accent: '#d9ff3d' };
      const content = { kind: 'text', headline: `Card ${this.#count}`, body: 'One of many.' };
      this.#say({
        type: 'prepare',
        play_id: `play-${this.#count}`,
        creative: { ...looks, content },
        not_after_ms: 1e8,
      });
    }

    send(text) {
      const said = JSON.parse(text);
      const play_id = said.play_id;
      if (said.type === 'hello') {
        const settings = { volume_percent: 0, motion: 'full' };
        const build = said.build;
        this.#say({ type: 'welcome', v: 1, server_ms: 0, build, heartbeat_ms: 1e9, dead_after_ms: 1e9, primary: true, settings });
        this.#next();
      } else if (said.type === 'prepared') {
        this.#say({ type: 'play', play_id, nonce: 'n', not_after_ms: 1e8 });
      } else if (said.type === 'started') {
        window.endless.shown += 1;
        this.#say({ type: 'stop', play_id });
      } else if (said.type === 'skipped' || said.type === 'failed') {
        this.#next();
      }
    }

    close() {}
  };
}

// Each case has its own page in its own process, and mostly waits.
describe('the page', { concurrency }, () => {
  for (const [name, size] of SIZES) {
    test(`${name}: each kind of creative is disclosed, within the page and paid, covers 1.5 %, and violates no policy`, () =>
      playAll(name, size));
  }

  test('after an ad the page does nothing for ten seconds: no frame, no layout, no animation, no element', async () => {
    const overlay = await Overlay.open(browser, server.overlayUrl('idle'));
    await overlay.paid();
    const { session, read } = await overlay.measure();
    await pause(500);
    const before = await read();
    const frames = await overlay.page.evaluate(() => window.spy.frames);
    assert.ok(frames > 0, 'the ad itself was counted');
    const heartbeats = overlay.heard('heartbeat').length;
    await pause(10_000);
    const now = await read();
    assert.ok(overlay.heard('heartbeat').length > heartbeats, 'the link is alive');
    assert.equal(await overlay.page.evaluate(() => window.spy.frames), frames);
    assert.equal(now.LayoutCount, before.LayoutCount);
    assert.equal(now.RecalcStyleCount, before.RecalcStyleCount);
    assert.ok(now.TaskDuration - before.TaskDuration < 0.2, `${now.TaskDuration - before.TaskDuration} s of work`);
    assert.equal(await overlay.page.evaluate(() => document.getAnimations().length), 0);
    assert.equal(await overlay.page.evaluate(() => document.body.childElementCount), 0);
    assert.equal(await overlay.painted(), 0);
    await session.detach();
    await overlay.close();
  });

  test(`after ${CARDS} cards the page holds no more memory than after a few`, async () => {
    const small = { width: 640, height: 360, before: [[endless]], wait: false };
    const overlay = await Overlay.open(browser, `${server.url}/overlay/#k=endless`, small);
    const { session, read } = await overlay.measure();
    const after = async (shown) => {
      await overlay.page.waitForFunction((count) => window.endless?.shown >= count, shown, { timeout: 60_000, polling: 200 });
      await session.send('HeapProfiler.collectGarbage');
      return read();
    };
    const before = await after(40);
    const now = await after(40 + CARDS);
    assert.ok(now.JSHeapUsedSize - before.JSHeapUsedSize < GROWTH_MAX, `${now.JSHeapUsedSize - before.JSHeapUsedSize} bytes more`);
    assert.ok(now.Nodes - before.Nodes < 200, `${now.Nodes - before.Nodes} nodes more`);
    await overlay.close();
  });
});

test('after all of this the books balance', () => server.assertBooksBalance());
