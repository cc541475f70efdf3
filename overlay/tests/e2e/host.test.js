// Hosts other than a plain OBS, and an OBS whose key is taken away.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Overlay, assertDisclosed, launch, look } from './support/overlay.js';
import { Server, campaign } from './support/server.js';
import { always, concurrency, until } from './support/until.js';

const INTERVAL_MS = 4000;
const REVOKED = 3501;
const VIDEO_S = 3600;

let browser;
let server;

before(async () => {
  // The site that frames the page would be on the internet, where the server is too.
  browser = await launch(['--disable-features=LocalNetworkAccessChecks']);
  server = await Server.bare({
    streamers: { rotated: INTERVAL_MS, vp9: INTERVAL_MS, none: INTERVAL_MS, framed: INTERVAL_MS, foreign: INTERVAL_MS },
    // The video comes first, and once.
    campaigns: [
      campaign('video', { kind: 'video', file: 'voltade-loop.webm', placement: 'corner', price: 40, gap_s: VIDEO_S, duration_ms: 4000 }),
      campaign('text', { price: 10 }),
    ],
  });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Runs in the page: keeps the codes with which sockets are closed. */
function keepCloses() {
  const Real = WebSocket;
  window.closes = [];
  window.WebSocket = class extends Real {
    constructor(...words) {
      super(...words);
      this.addEventListener('close', ({ code }) => window.closes.push(code));
    }
  };
}

/** Runs in the page: a browser with one codec for video, or with none. */
function decodes({ vp9 }) {
  const fits = (type) => vp9 && /^video\/webm(; ?codecs="?vp0?9[^,]*"?)?$/.test(type);
  const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'src');
  const error = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'error');
  const refused = new WeakSet();
  window.asked = [];
  HTMLMediaElement.prototype.canPlayType = (type) => (fits(type) ? 'probably' : '');
  Object.defineProperty(HTMLMediaElement.prototype, 'error', {
    get() {
      return refused.has(this) ? { code: 4 } : error.get.call(this);
    },
  });
  Object.defineProperty(HTMLMediaElement.prototype, 'src', {
    get: src.get,
    set(url) {
      const { pathname } = new URL(url, location.href);
      window.asked.push(pathname);
      if (vp9 && pathname.endsWith('.webm')) {
        src.set.call(this, url);
      } else {
        refused.add(this);
        setTimeout(() => this.dispatchEvent(new Event('error')), 0);
      }
    },
  });
}

const open = (name, before = []) =>
  Overlay.open(browser, server.overlayUrl(name), { obs: { status: { streaming: true } }, before });

/** A page of another site with the overlay in a frame, as a studio in the cloud shows it. */
async function framedBy(site, name) {
  const overlay = await Overlay.open(browser, null);
  const body = `<!doctype html><iframe width="1280" height="720" style="border: 0" src="${server.overlayUrl(name)}"></iframe>`;
  await overlay.page.route(`${site}/**`, (route) => route.fulfill({ contentType: 'text/html', body }));
  await overlay.page.goto(`${site}/scene`);
  return overlay;
}

describe('a host', { concurrency }, () => {
  test('a rotated key ends the page that holds it, at once and for good; the new one gets ads and is paid', async () => {
    const old = await open('rotated', [[keepCloses]]);
    const first = (await old.paid()).ack.play_id;
    await old.says('started', { nth: 2, ms: 3 * INTERVAL_MS });
    const { streamer_id, streamer_key } = server.streamers.rotated;
    const { sockets } = old;
    const made = await server.call(`/api/streamers/${streamer_id}/overlay-key`, { method: 'POST', key: streamer_key });
    const closes = () => old.page.evaluate(() => window.closes);
    await until('the page is told', async () => (await closes()).length > 0, 2000);
    assert.deepEqual(await closes(), [REVOKED]);
    await old.gone(4000);
    await always('the page does not come back, and stays empty', async () => {
      const elements = await old.page.evaluate(() => document.body.childElementCount);
      return old.sockets === sockets && elements === 0;
    }, 1.5 * INTERVAL_MS);
    assert.equal(await old.painted(), 0);
    server.streamers.rotated.overlay_key = made.overlay_key;
    const fresh = await open('rotated');
    const { ack } = await fresh.paid({ ms: 3 * INTERVAL_MS });
    assert.notEqual(ack.play_id, first);
    await server.outcome('rotated', 'settled', ack.play_id);
    assert.deepEqual(await closes(), [REVOKED]);
    await old.close();
    await fresh.close();
  });

  test('a host that decodes VP9 and no other codec gets videos, sees them move, and is paid', async () => {
    const overlay = await open('vp9', [[decodes, { vp9: true }]]);
    await overlay.says('progress', { nth: 2 });
    assert.equal(overlay.heard('prepare')[0].creative.content.kind, 'video');
    const frames = () => overlay.page.evaluate(() => window.spy.root.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
    assert.ok((await frames()) > 1);
    const { ack, claim } = await overlay.paid();
    assert.ok(claim.evidence.painted_ms >= 2000, JSON.stringify(claim.evidence));
    await server.outcome('vp9', 'settled', ack.play_id);
    const asked = await overlay.page.evaluate(() => window.asked);
    assert.ok(asked.length > 0 && asked.every((path) => path.endsWith('.webm')), JSON.stringify(asked));
    assert.deepEqual(overlay.errors, []);
    await overlay.close();
  });

  test('a host that does not decode VP9 says so, shows nothing and pays nothing for the video', async () => {
    const overlay = await open('none', [[decodes, { vp9: false }]]);
    const failed = await overlay.says('failed');
    assert.equal(failed.reason, 'unsupported');
    assert.equal(await overlay.slot(), null);
    const play = await server.outcome('none', 'failed', failed.play_id);
    assert.notEqual(play.outcome, 'settled');
    assert.equal(overlay.said('claim').filter(({ play_id }) => play_id === failed.play_id).length, 0);
    await overlay.close();
  });

  test('in a frame of Lightstream the page is disclosed, paid, and violates no policy', async () => {
    const overlay = await framedBy('https://studio.golightstream.com', 'framed');
    await overlay.hears('welcome');
    const frame = overlay.page.frames().find((one) => one.url().startsWith(server.url));
    await overlay.says('progress');
    const slot = await frame.evaluate(look);
    assertDisclosed(slot, { brand: 'Voltade' });
    assert.deepEqual(slot.page, { width: 1280, height: 720 });
    const { ack, claim } = await overlay.paid();
    assert.equal(claim.evidence.in_view_percent, 100);
    await server.outcome('framed', 'settled', ack.play_id);
    assert.deepEqual(await frame.evaluate(() => window.spy.violations), []);
    await overlay.close();
  });

  test('in a frame of anybody else the page does not load', async () => {
    const overlay = await framedBy('https://golightstream.com.example', 'foreign');
    await until('the frame is refused', () => overlay.errors.some((error) => /frame-ancestors/.test(error)));
    await always('no socket is opened', () => overlay.sockets === 0, 1000);
    await overlay.close();
  });
});

test('after all of this the books balance', () => server.assertBooksBalance());
