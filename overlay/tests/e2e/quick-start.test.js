// The quick start of the README, as it stands there: its commands run in one bash beside a demo, whose overlay is open
// in a browser. Only the port is another one.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Overlay, assertDisclosed, launch } from './support/overlay.js';
import { Server } from './support/server.js';
import { until } from './support/until.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ORIGIN = 'http://127.0.0.1:7788';
/** The demo's slots are 15 seconds apart, and others have some of them. */
const WHOLE_MS = 90_000;
/** A campaign that ends gives back what it set aside, a moment later. */
const BACK_MS = 10_000;

let browser;
let server;
let folder;

before(async () => {
  browser = await launch();
  server = await Server.demo();
  // A checkout in which the demo runs.
  folder = await mkdtemp(join(tmpdir(), 'gametriggers-checkout-'));
  await symlink(join(ROOT, 'config'), join(folder, 'config'));
  await symlink(server.data, join(folder, 'data'));
});

after(async () => {
  await browser?.close();
  await server?.end();
  if (folder) await rm(folder, { recursive: true });
});

/** What a reader copies: the indented lines between the two marks. */
async function commands() {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const [, section] = /<!-- quick start -->\n(.*?)<!-- \/quick start -->/s.exec(readme);
  return section.split('\n').filter((line) => line.startsWith('    ')).map((line) => line.slice(4)).join('\n');
}

/** Runs commands in one bash; what they printed. */
async function bash(script, more) {
  const child = spawn('bash', ['-eu', '-o', 'pipefail', '-c', script], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...more });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (bytes) => (said[name] += bytes));
  const [code, signal] = await once(child, 'close');
  assert.equal(code, 0, `${signal ?? code}\n${said.stdout}\n${said.stderr}`);
  assert.equal(said.stderr, '');
  return said.stdout;
}

test('a brand gets from nothing to a play that is paid by copying the commands of the README', async () => {
  const script = await commands();
  assert.equal(script.split(ORIGIN).length, 2, 'the address stands there once');
  const overlay = await Overlay.open(browser, server.printed.overlay_url, { width: 1280, height: 720 });
  const ours = async () => {
    const slot = await overlay.slot();
    return slot?.label.endsWith('Crisp') ? slot : null;
  };
  const seen = until("the brand's ad is on the stream", ours, WHOLE_MS + 5000);
  const [printed, slot] = await Promise.all([bash(script.replace(ORIGIN, server.url), { timeout: WHOLE_MS }), seen]);
  assertDisclosed(slot, { brand: 'Crisp' });

  // Everything that was printed is an answer of the API, and none is a problem.
  const answers = printed.trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(!printed.includes('/problems/'), printed);
  const [deposit, live, paused, ended] = answers;
  assert.equal(answers.length, 4, printed);
  const all = { key: server.printed.admin_api_key };
  const campaign = await server.call(`/api/campaigns/${live.campaign_id}`, all);
  assert.deepEqual([campaign.brand, campaign.status, paused.status, ended.status], ['Crisp', 'completed', 'paused', 'completed']);
  assert.ok(!server.printed.campaign_ids.includes(campaign.id), 'a new one');
  assert.ok(live.plays > 0 && live.spent_micros > 0, JSON.stringify(live));
  const { plays, spent_micros } = await server.call(`/api/campaigns/${campaign.id}/live`, all);
  assert.deepEqual([plays, spent_micros], [live.plays, live.spent_micros]);
  // What was not spent is back in the wallet.
  const wallet = async () => (await server.call(`/api/brands/${campaign.brand_id}/wallet`, all)).items[0];
  const left = deposit.available.amount_micros - spent_micros;
  const whole = async () => (await wallet()).available.amount_micros === left;
  await until(`${left} micros are in the wallet`, whole, BACK_MS);
  await server.assertBooksBalance();
  assert.deepEqual(overlay.errors, []);
});
