// What must not be seen on a stream, and what must not be lost, when something goes wrong.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Overlay, launch } from './support/overlay.js';
import { Server, campaign } from './support/server.js';
import { always, pause, until } from './support/until.js';

const MINUTES_5 = 300_000;
const STREAMERS = ['killed', 'fast', 'slow', 'down', 'styled'];

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.bare({
    streamers: Object.fromEntries(STREAMERS.map((name) => [name, 5000])),
    campaigns: [campaign('surge')],
  });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Runs in the page: the machine's clock is wrong. */
function skew(ms) {
  const Real = Date;
  window.Date = class extends Real {
    constructor(...parts) {
      if (parts.length === 0) super(Real.now() + ms);
      else super(...parts);
    }

    static now() {
      return Real.now() + ms;
    }
  };
}

/** Runs in the page, as the custom CSS of OBS does. */
function customCss(text) {
  const obsCSS = document.createElement('style');
  obsCSS.append(text);
  document.querySelector('head').append(obsCSS);
}

async function assertEmpty(overlay) {
  assert.equal(await overlay.painted(), 0, 'every pixel is transparent');
  assert.equal(await overlay.page.evaluate(() => document.body.innerText.trim()), '');
  assert.equal(await overlay.page.evaluate(() => document.body.childElementCount), 0);
}

test('the server is killed while an ad plays: the page finishes, comes back, and is paid exactly once', async () => {
  const overlay = await Overlay.open(browser, server.overlayUrl('killed'));
  const { play_id } = await overlay.says('started');
  await overlay.says('progress');
  await server.kill();
  assert.ok(await overlay.slot(), 'the ad stays');
  await overlay.gone(5000);
  assert.equal(await overlay.painted(), 0, 'nothing is left of it');
  await server.restart();
  const { ack, claim } = await overlay.paid({ ms: 20_000 });
  assert.equal(ack.play_id, play_id);
  assert.ok(claim.evidence.painted_ms >= 2000, JSON.stringify(claim.evidence));
  await server.outcome('killed', 'settled', play_id);
  assert.equal(overlay.heard('ack').filter((one) => one.play_id === play_id).length, 1);
  await overlay.close();
  const spent = await until('the campaign has been charged', async () => {
    const now = await server.spending(server.campaigns[0]);
    return now.plays > 0 && now;
  });
  assert.deepEqual([spent.plays, spent.spent_micros], [1, 10_000_000]);
  await server.assertBooksBalance();
});

test('a machine whose clock is five minutes fast or slow shows ads and is paid', async () => {
  const play = async (name, ms) => {
    const overlay = await Overlay.open(browser, server.overlayUrl(name), { before: [[skew, ms]] });
    const off = (await overlay.page.evaluate(() => Date.now())) - Date.now();
    assert.ok(Math.abs(off - ms) < 5000, `${off}`);
    const { claim } = await overlay.paid();
    await server.outcome(name, 'settled', claim.play_id);
    await overlay.close();
  };
  await Promise.all([play('fast', MINUTES_5), play('slow', -MINUTES_5)]);
});

test('custom CSS that hides everything voids the ad: label_hidden, and nothing is paid', async () => {
  const overlay = await Overlay.open(browser, server.overlayUrl('styled'));
  await overlay.page.evaluate(customCss, '* { display: none !important }');
  const failed = await overlay.says('failed');
  assert.equal(failed.reason, 'label_hidden');
  const play = await server.outcome('styled', 'failed', failed.play_id);
  assert.equal(play.reason, 'label_hidden');
  assert.equal(overlay.said('claim').length, 0);
  assert.equal(await overlay.painted(), 0);
  await overlay.close();
});

test('a wrong key, or none, leaves the page empty and transparent, without a second try', async () => {
  const wrong = await Overlay.open(browser, `${server.url}/overlay/#k=gt_overlay_${'0'.repeat(64)}`, { wait: false });
  await wrong.says('hello');
  const none = await Overlay.open(browser, `${server.url}/overlay/`, { wait: false });
  await always('only one socket', () => wrong.sockets === 1 && none.sockets === 0, 1500);
  for (const overlay of [wrong, none]) {
    await assertEmpty(overlay);
    await overlay.close();
  }
});

test('a server that is gone when the page opens its socket leaves it transparent; an ad comes when it is back', async () => {
  const overlay = await Overlay.open(browser, null);
  let rest = 0;
  overlay.page.on('response', (response) => {
    if (response.url().endsWith('.js')) rest += 1;
  });
  // The last script comes through when the server is already dead.
  await overlay.page.route('**/main.js', async (route) => {
    const response = await route.fetch();
    const modules = await overlay.page.locator('link[rel=modulepreload]').count();
    await until('all other modules are here', () => rest === modules);
    await server.kill();
    await route.fulfill({ response });
  });
  await overlay.go(server.overlayUrl('down'), false);
  await until('the page has tried twice', () => overlay.sockets >= 2);
  assert.equal(overlay.heard('welcome').length, 0);
  await assertEmpty(overlay);
  await pause(1000);
  await assertEmpty(overlay);
  await server.restart();
  await overlay.shown(20_000);
  await overlay.paid();
  await overlay.close();
  await server.assertBooksBalance();
});
