// What a visitor sees who starts the demo and opens its two addresses in a browser.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Overlay, assertDisclosed, launch } from './support/overlay.js';
import { Server } from './support/server.js';
import { until } from './support/until.js';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));
const PAID_MS = 45_000; // the first ads may be paid by the click, which nobody does here

let browser;
let server;

before(async () => {
  await mkdir(OUTPUT, { recursive: true });
  browser = await launch();
  server = await Server.demo();
});

after(async () => {
  await browser?.close();
  await server?.end();
});

test('a plain browser shows a disclosed ad within ten seconds, and the dashboard counts the money', async () => {
  const dashboard = await browser.newPage({ viewport: { width: 1280, height: 1100 } });
  await dashboard.goto(server.printed.dashboard_url);
  const earned = () => dashboard.locator('#earned').textContent();
  const amount = async () => Number((await earned()).replace(/[^\d.]/g, ''));
  await until('the dashboard is connected', async () => (await dashboard.locator('#link-text').textContent()) === 'Connected');
  const nothing = await until('the dashboard shows money', async () => (await earned()).includes('0') && (await earned()));
  assert.equal(await amount(), 0, nothing);

  const overlay = await Overlay.open(browser, server.printed.overlay_url, { width: 1920, height: 1080 });
  const slot = await overlay.shown(30_000);
  const passed = (await overlay.shownAt()) - (await overlay.page.evaluate(() => performance.timeOrigin));
  assert.ok(passed < 10_000, `${passed} ms`);
  assertDisclosed(slot);
  const { play_id } = await overlay.says('started');
  await overlay.says('progress');
  await overlay.page.screenshot({ path: `${OUTPUT}overlay-with-ad.png`, omitBackground: true });

  await overlay.gone(15_000);
  await overlay.paid();
  const play = await server.outcome('Nova', 'settled', play_id);
  const first_paid = async () => (await server.plays('Nova')).find((one) => one.outcome === 'settled' && one.earned.amount_micros > 0);
  const paid = play.earned.amount_micros > 0 ? play : await until('a play that is paid by the view', first_paid, PAID_MS);
  await until(`Earned is no longer ${nothing}`, async () => (await amount()) > 0);
  assert.ok((await amount()) >= paid.earned.amount_micros / 1e6 - 1, await earned());
  await until('the dashboard lists the play', async () => (await dashboard.locator('#plays-body tr').count()) > 0);
  await dashboard.screenshot({ path: `${OUTPUT}dashboard.png` });

  await server.assertBooksBalance();
  assert.deepEqual(await overlay.violations(), []);
  assert.deepEqual(overlay.errors, []);
});
