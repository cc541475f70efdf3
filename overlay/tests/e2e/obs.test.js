// The page in OBS: what OBS tells it, what it does not tell, and what is paid in each case.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Overlay, assertDisclosed, launch } from './support/overlay.js';
import { Server, campaign } from './support/server.js';
import { always, concurrency, pause, until } from './support/until.js';

const INTERVAL_MS = 4000;
const STREAMERS = ['inferred', 'refreshed', 'shutdown', 'hidden', 'preview', 'left', 'two', 'denied', 'plugin', 'offline'];

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.bare({
    streamers: Object.fromEntries(STREAMERS.map((name) => [name, INTERVAL_MS])),
    campaigns: [campaign('surge')],
    settings: { play__require_streaming: true, play__end_grace_ms: 1000 },
  });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

const open = (name, { before: scripts, ...obs } = {}) =>
  Overlay.open(browser, server.overlayUrl(name), { obs: { status: { streaming: true }, ...obs }, before: scripts });

/** Runs in the page: the source is not on show when the page loads for the first time. */
function hiddenAtFirst() {
  if (sessionStorage.getItem('loaded') === null) window.fakeObs.setShowing(false);
  sessionStorage.setItem('loaded', 'once');
}

/** Runs in the page: OBS stops streaming after the page has greeted the server and before it is answered. */
function stopsAfterHello() {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function sendAndStop(text) {
    send.call(this, text);
    if (JSON.parse(text).type === 'hello') window.fakeObs.setStreaming(false);
  };
}

/** Runs in the page: the source leaves the program right after a frame that the test names. */
function leavesAfter() {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function sendAndLeave(text) {
    send.call(this, text);
    const { leaves } = window;
    if (JSON.parse(text).type !== leaves?.after || (leaves.count -= 1) > 0) return;
    window.leaves = null;
    setTimeout(() => {
      window.left_at = Date.now();
      window.fakeObs.setActive(false);
    });
  };
}

/** Hides the source; what a slot may still have brought has come when this is over. */
async function hide(overlay, dashboard) {
  await overlay.obs('setShowing', false);
  await until('the server knows that it is hidden', () => dashboard.heard('state').at(-1)?.overlays[0]?.visible === false);
  await overlay.hears('heartbeat', { nth: overlay.heard('heartbeat').length + 1 });
}

/** When a play was decided on: the time in its id. */
const decidedAt = ({ play_id }) => Number.parseInt(play_id.replaceAll('-', '').slice(0, 12), 16);

const openDashboard = (name) => Overlay.open(browser, server.dashboardUrl(name));

const noneSettled = async (name) => (await server.plays(name)).every((play) => play.outcome !== 'settled');

// Most of the time is spent waiting for slots, so the cases share it; each has its own streamer.
describe('in OBS', { concurrency }, () => {
  test('a source that is hidden for many slots and shown again gets one ad a slot, not what it missed', async () => {
    const [overlay, dashboard] = [await open('hidden'), await openDashboard('hidden')];
    await overlay.paid();
    await hide(overlay, dashboard);
    const before = overlay.heard('prepare').length;
    await pause(3.5 * INTERVAL_MS);
    assert.equal(overlay.heard('prepare').length, before, 'a hidden page is sent nothing');
    assert.ok((await server.unfilled('overlay_hidden')) >= 3);
    const nth = overlay.said('started').length + 2;
    await overlay.obs('setShowing', true);
    await overlay.obs('setActive', true);
    await overlay.says('started', { nth, ms: 4 * INTERVAL_MS });
    const slots = overlay.heard('prepare').slice(before).map(decidedAt);
    assert.equal(slots.length, 2);
    // One right after the other would be three seconds, the time of the ad.
    assert.ok(slots[1] - slots[0] >= INTERVAL_MS - 400, `${slots[1] - slots[0]} ms apart`);
    await overlay.close();
    await dashboard.close();
  });

  test('a source that was active before it loaded, and is told nothing, gets ads and is paid', async () => {
    const overlay = await open('inferred');
    const [hello] = overlay.said('hello');
    assert.deepEqual([hello.host.kind, hello.host.plugin_version], ['obs', '2.26.8']);
    assertDisclosed(await overlay.shown(), { brand: 'Voltade' });
    const { claim } = await overlay.paid();
    assert.equal(claim.evidence.active, 'inferred');
    assert.equal(claim.evidence.streaming, true);
    assert.ok(claim.evidence.painted_ms >= 2000, JSON.stringify(claim.evidence));
    await server.outcome('inferred', 'settled', claim.play_id);
    await overlay.close();
  });

  test('a source that OBS refreshes when its scene becomes active, and tells nothing after that, is paid', async () => {
    const overlay = await open('refreshed', { before: [[hiddenAtFirst]] });
    assert.equal(overlay.said('hello')[0].status.visible, false);
    await pause(500);
    assert.equal(overlay.heard('prepare').length, 0);
    await overlay.page.evaluate(() => {
      window.fakeObs.setShowing(true);
      window.fakeObs.setActive(true);
      window.fakeObs.missedEventReload();
    });
    await overlay.hears('welcome', { nth: 2 });
    const hello = overlay.said('hello')[1];
    assert.notEqual(hello.instance_id, overlay.said('hello')[0].instance_id);
    assert.notEqual(hello.status.active, 'active', 'the new page was told nothing');
    const { claim } = await overlay.paid({ ms: 3 * INTERVAL_MS });
    assert.equal(claim.evidence.active, 'inferred');
    await overlay.close();
  });

  test('a source that is shut down in the middle of an ad is not paid for it, and gets ads when it is back', async () => {
    const overlay = await open('shutdown');
    const { play_id } = await overlay.says('started');
    await overlay.says('progress');
    await overlay.close();
    const play = await server.outcome('shutdown', 'failed', play_id);
    assert.equal(play.reason, 'play_timeout');
    assert.ok(await noneSettled('shutdown'));
    const again = await open('shutdown');
    const { ack } = await again.paid({ ms: 3 * INTERVAL_MS });
    assert.notEqual(ack.play_id, play_id);
    assert.notEqual((await server.plays('shutdown')).find((one) => one.play_id === play_id).outcome, 'settled');
    await again.close();
  });

  test('a source in the preview of studio mode gets no ad; in the program it does', async () => {
    const overlay = await open('preview', { before: [[hiddenAtFirst]] });
    await overlay.obs('setShowing', true);
    const shown = await until('the page says that it is on show', () => overlay.said('status').find(({ visible }) => visible));
    assert.equal(shown.active, 'unknown');
    await until('a slot stays empty', async () => (await server.unfilled('overlay_inactive')) > 0, 2 * INTERVAL_MS);
    await overlay.obs('setActive', false);
    await always('no ad in the preview', () => overlay.heard('prepare').length === 0, 1.2 * INTERVAL_MS);
    assert.equal(await overlay.slot(), null);
    await overlay.obs('setActive', true);
    const { claim } = await overlay.paid({ ms: 3 * INTERVAL_MS });
    assert.equal(claim.evidence.active, 'active');
    await overlay.close();
  });

  test('an ad that leaves the program at once is not paid; one that was seen for two seconds is', async () => {
    const overlay = await open('left', { before: [[leavesAfter]] });
    const leave = (after, count) => overlay.page.evaluate((leaves) => Object.assign(window, { leaves }), { after, count });
    const assertGoneAtOnce = async () => {
      const passed = (await overlay.goneAt()) - (await overlay.page.evaluate(() => window.left_at));
      assert.ok(passed >= 0 && passed < 500, `${passed} ms`);
    };
    await leave('started', 1);
    await overlay.obs('setActive', true);
    const { play_id } = await overlay.says('started');
    const skipped = await overlay.says('skipped');
    assert.deepEqual([skipped.play_id, skipped.reason], [play_id, 'inactive']);
    await assertGoneAtOnce();
    const play = await server.outcome('left', 'skipped', play_id);
    assert.equal(play.reason, 'inactive');
    assert.ok(await noneSettled('left'));
    await leave('progress', 2);
    await overlay.obs('setActive', true);
    const { claim } = await overlay.paid({ ms: 4 * INTERVAL_MS });
    await assertGoneAtOnce();
    assert.ok(claim.evidence.painted_ms < 2900, JSON.stringify(claim.evidence));
    await overlay.close();
  });

  test('of two sources with one key exactly one gets each ad, and the older one stays empty', async () => {
    const older = await open('two');
    await pause(50);
    const newer = await open('two');
    // An ad that had begun before the second source came stays where it is.
    await until('the newer one is told its part', () => newer.heard('role').at(-1)?.primary === true, 6000);
    const seen = older.heard('prepare').length;
    await always('the older one is empty', async () => {
      const begun = newer.said('started').length > 0;
      return older.heard('prepare').length === seen && (!begun || (await older.slot()) === null);
    }, 1.5 * INTERVAL_MS);
    const { ack } = await newer.paid();
    await server.outcome('two', 'settled', ack.play_id);
    const plays = [...older.heard('play'), ...newer.heard('play')].map(({ play_id }) => play_id);
    assert.equal(new Set(plays).size, plays.length, 'no play on two pages');
    assert.ok(!older.heard('role').at(-1)?.primary);
    await older.close();
    await newer.close();
  });

  test('without any permission the page does not know whether OBS streams, and is paid', async () => {
    const overlay = await open('denied', { level: 0 });
    assert.equal('streaming' in overlay.said('hello')[0].status, false);
    const { claim } = await overlay.paid();
    assert.equal('streaming' in claim.evidence, false);
    await server.outcome('denied', 'settled', claim.play_id);
    await overlay.close();
  });

  test('plugin 2.26.1, which never hides the document, gets no ad while its source is hidden', async () => {
    const overlay = await open('plugin', { plugin_version: '2.26.1', emulate_hidden: false });
    const dashboard = await openDashboard('plugin');
    await overlay.paid();
    await hide(overlay, dashboard);
    const nth = overlay.heard('ack').length + 1;
    assert.equal(await overlay.page.evaluate(() => document.visibilityState), 'visible');
    const before = overlay.heard('prepare').length;
    await always('no ad while hidden', () => overlay.heard('prepare').length === before, 1.5 * INTERVAL_MS);
    await overlay.obs('setShowing', true);
    await overlay.obs('setActive', true);
    await overlay.paid({ nth, ms: 3 * INTERVAL_MS });
    await overlay.close();
    await dashboard.close();
  });

  test('an OBS that stops streaming while the page greets the server gets no ad until it streams again', async () => {
    const overlay = await open('offline', { before: [[stopsAfterHello]] });
    assert.notEqual(overlay.said('hello')[0].status.streaming, false);
    await until('a slot stays empty', async () => (await server.unfilled('not_streaming')) > 0, 2 * INTERVAL_MS);
    assert.equal(overlay.heard('prepare').length, 0);
    await overlay.obs('setStreaming', true);
    const { claim } = await overlay.paid({ ms: 3 * INTERVAL_MS });
    assert.equal(claim.evidence.streaming, true);
    await overlay.close();
  });
});

test('after all of this the books balance, and the log of plays agrees with them', async () => {
  await server.assertBooksBalance();
  const spent = await server.spending(server.campaigns[0]);
  assert.ok(spent.plays > STREAMERS.length, JSON.stringify(spent));
  assert.equal(spent.spent_micros, spent.plays * 10_000_000);
  const settled = async () => {
    const plays = await Promise.all(STREAMERS.map((name) => server.plays(name)));
    return plays.flat().filter(({ outcome }) => outcome === 'settled').length;
  };
  await until('as many plays are settled as were paid', async () => (await settled()) === spent.plays, 5000);
});
