// The short link of a QR play: who is billed for, and who is not.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Overlay, assertDisclosed, launch } from './support/overlay.js';
import { Server, campaign } from './support/server.js';
import { always, until } from './support/until.js';

const PHONE = 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0 Mobile Safari/537.36';
const BOT = 'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)';
const CLICK_MICROS = 90_000_000;

let browser;
let server;

before(async () => {
  browser = await launch();
  server = await Server.bare({
    streamers: { Nova: 600_000 },
    campaigns: [campaign('free-can', { kind: 'qr', placement: 'corner', per: 'cpc', price: 90 })],
  });
});

after(async () => {
  await browser?.close();
  await server?.end();
});

const clicks = (result) => server.metric('gametriggers_clicks_total', { result });

test('a scanned code is billed once, for a browser only, and never again for the same viewer', async () => {
  const overlay = await Overlay.open(browser, server.overlayUrl('Nova'));
  const slot = await overlay.shown();
  assertDisclosed(slot, { brand: 'Voltade' });
  await overlay.paid();
  const play = await server.outcome('Nova', 'settled');
  assert.equal(play.earned.amount_micros, 0, 'the view itself is free');
  assert.ok(slot.text.includes(`/r/${play.click_code}`), slot.text);

  const follow = async (method, agent) => {
    const answer = await fetch(`${server.url}/r/${play.click_code}`, { method, headers: { 'user-agent': agent }, redirect: 'manual' });
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get('location'), 'https://voltade.example/free-can');
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
  };
  const spent = async () => (await server.spending(server.campaigns[0])).spent_micros;

  await follow('HEAD', PHONE);
  await follow('GET', BOT);
  await until('both were seen', async () => (await clicks('preview')) === 1 && (await clicks('robot')) === 1);
  assert.equal(await clicks('billed'), 0);
  assert.equal(await spent(), 0);

  await follow('GET', PHONE);
  await until('one click is billed', async () => (await clicks('billed')) === 1);
  await until('the campaign has paid it', async () => (await spent()) === CLICK_MICROS);

  await follow('GET', PHONE);
  await follow('GET', PHONE);
  await until('the others were repeated', async () => (await clicks('repeated')) === 2);
  await always('one click was paid', async () => (await spent()) === CLICK_MICROS, 300);
  assert.equal(await clicks('billed'), 1);
  assert.equal((await server.spending(server.campaigns[0])).clicks, 1);
  await server.assertBooksBalance();
  await overlay.close();
});
