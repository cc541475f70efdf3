// The real server with its own folder and port, and what tests ask it from outside.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './until.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BINARY = process.env.GAMETRIGGERS_BIN ?? join(ROOT, 'target/release/gametriggers');
const START_MS_MAX = 15_000;
const run = promisify(execFile);

// A run that is broken off leaves no server behind.
const alive = new Set();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));
process.once('SIGTERM', () => process.exit(143));

const RUPEE = 1_000_000;
const rupees = (amount) => ({ amount_micros: amount * RUPEE, currency: 'INR' });

/** Tests are faster than streams; every key of config/default.toml can be given. */
const QUICK = { play__first_slot_ms: 300, play__first_slot_spread_ms: 0, play__minimum_gap_ms: 0, session__heartbeat_ms: 1000 };

function environment(settings) {
  const plain = Object.entries(process.env).filter(([name]) => !name.startsWith('GAMETRIGGERS__'));
  const set = Object.entries(settings).map(([name, value]) => [`GAMETRIGGERS__${name.toUpperCase()}`, String(value)]);
  return Object.fromEntries([...plain, ...set, ['GAMETRIGGERS__LOG__FORMAT', 'json']]);
}

export class Server {
  #environment;
  #process = null;
  data;
  url = null;
  /** Where services of the same house ask; only with `server__internal_bind`. */
  internal = null;
  /** What `demo --json` printed. */
  printed = null;

  constructor(data, settings) {
    this.data = data;
    this.#environment = environment(settings);
  }

  /** A server with brands and campaigns to look at. */
  static async demo(settings = {}) {
    const server = new Server(await mkdtemp(join(tmpdir(), 'gametriggers-e2e-')), settings);
    return server.#orEnd(async () => {
      await server.#start(['demo', '--data', server.data, '--port', '0', '--json']);
      const { printed } = server;
      const keyOf = (url) => new URL(url).hash.slice('#k='.length);
      server.streamers = {
        Nova: {
          streamer_id: printed.streamer_id,
          streamer_key: keyOf(printed.dashboard_url),
          overlay_key: keyOf(printed.overlay_url),
        },
      };
    });
  }

  /** A server without any rule or campaign. `streamers` maps names to slot intervals in milliseconds,
   *  `campaigns` are bodies as `campaign()` makes them. */
  static async bare({ streamers, campaigns, settings = {} }) {
    const data = await mkdtemp(join(tmpdir(), 'gametriggers-e2e-'));
    // The demo's rules are in its configuration.
    const none = { conflict_rules: '[]' };
    const server = new Server(data, { ...QUICK, ...none, server__bind: '127.0.0.1:0', ...settings });
    return server.#orEnd(() => server.#people(streamers, campaigns));
  }

  async #orEnd(work) {
    try {
      await work();
      return this;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  async #people(streamers, campaigns) {
    const brand = await this.#command('brand', 'add', '--name', 'Voltade', '--deposit-micros', String(1_000_000 * RUPEE));
    this.brand_key = /gt_brand_\w+/.exec(brand)[0];
    this.admin_key = /gt_admin_\w+/.exec(await this.#command('admin', 'add'))[0];
    this.streamers = {};
    for (const [name, interval] of Object.entries(streamers)) {
      const often = ['--slot-interval-ms', String(interval), '--hourly-max', String(Math.ceil(3_600_000 / interval) + 10)];
      const added = await this.#command('streamer', 'add', '--name', name, ...often, '--first-ad-delay-ms', '0', '--json');
      this.streamers[name] = JSON.parse(added);
    }
    await this.restart();
    this.campaigns = [];
    for (const body of campaigns) this.campaigns.push(await this.#publish(body));
  }

  #command(...words) {
    return run(BINARY, [...words, '--data', this.data], { env: this.#environment }).then(({ stdout }) => stdout);
  }

  async #publish({ file, ...body }) {
    if (file) body.creatives[0].asset = await this.#upload(file);
    return this.call('/api/campaigns', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `campaign-${body.name}` },
      body: JSON.stringify(body),
    });
  }

  async #upload(file) {
    const body = await readFile(join(ROOT, 'config/demo', file));
    return (await this.call('/api/assets', { method: 'POST', body })).name;
  }

  /** Start, or start again after `kill` on the same data and port. */
  async restart() {
    if (this.url) this.#environment.GAMETRIGGERS__SERVER__BIND = new URL(this.url).host;
    await this.#start(['serve', '--data', this.data]);
  }

  async #start(words) {
    const child = spawn(BINARY, words, { env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    alive.add(child);
    child.once('exit', () => alive.delete(child));
    const said = [];
    const told = deferred();
    const hear = (line) => {
      if (said.push(line) > 40) said.shift();
      const found = address(line);
      if (found) told.resolve(found);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear);
    const fail = (why) => told.reject(new Error(`${BINARY} ${words[0]}: ${why}\n${said.join('\n')}`));
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
    const timer = setTimeout(() => fail('does not listen'), START_MS_MAX);
    const { url, internal, printed } = await told.promise.finally(() => clearTimeout(timer));
    this.url = url;
    this.internal = internal;
    this.printed = printed;
  }

  /** As if the machine had lost its power. */
  async kill() {
    await this.#end('SIGKILL');
  }

  async #end(signal) {
    const child = this.#process;
    this.#process = null;
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Ends the process and removes its folder. */
  async end() {
    await this.#end('SIGKILL');
    await rm(this.data, { recursive: true, force: true });
  }

  overlayUrl(name) {
    return `${this.url}/overlay/#k=${this.streamers[name].overlay_key}`;
  }

  dashboardUrl(name) {
    return `${this.url}/dashboard/#k=${this.streamers[name].streamer_key}`;
  }

  /** An API call with the brand's key, or another one; the answer has to be a success. */
  async call(path, { key = this.brand_key, headers = {}, ...more } = {}) {
    const answer = await fetch(this.url + path, { ...more, headers: { ...headers, authorization: `Bearer ${key}` } });
    const text = await answer.text();
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** The plays of a streamer as the API has them, newest first. */
  async plays(name) {
    const { streamer_id, streamer_key } = this.streamers[name];
    return (await this.call(`/api/streamers/${streamer_id}/plays`, { key: streamer_key })).items;
  }

  /** Waits until a play of a streamer has ended as told; `play_id` may be left out for any. */
  outcome(name, outcome, play_id, ms = 10_000) {
    const fits = (play) => play.outcome === outcome && (!play_id || play.play_id === play_id);
    return until(`a play of ${name} is ${outcome}`, async () => (await this.plays(name)).find(fits), ms);
  }

  /** What a campaign has spent, shown and reserved. */
  spending(campaign) {
    return this.call(`/api/campaigns/${campaign.id}/live`);
  }

  /** The sum of a counter over the labels that are not given. */
  async metric(name, labels = {}) {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    const wanted = lines.filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)));
    return wanted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Slots that stayed empty for a reason. */
  unfilled(reason) {
    return this.metric('gametriggers_slots_unfilled_total', { reason });
  }

  /** The money agrees with itself: every check of the ledger, to the micro. */
  async assertBooksBalance() {
    const checks = (await this.#command('ledger', 'reconcile')).trim().split('\n');
    assert.ok(checks.length > 3, checks.join('\n'));
    const made = checks.filter((check) => /^R\d/.test(check) && !check.includes(' not applicable: '));
    for (const check of made) assert.match(check, / mismatches=0 drift_micros=0 /);
  }
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** The address in a line of the demo's JSON or of the log. */
function address(line) {
  let said;
  try {
    said = JSON.parse(line);
  } catch {
    return null;
  }
  if (said.api_url) return { url: new URL(said.api_url).origin, printed: said };
  if (said.message !== 'listening') return null;
  return { url: said.url, internal: said.internal ? `http://${said.internal}` : null, printed: null };
}

const WORDS = { headline: 'Citrus Surge', body: 'Zero sugar, all spark.' };

/** A campaign that wins each slot which no dearer one takes. */
export function campaign(name, how = {}) {
  const { kind = 'text', placement = 'lower_third', price = 10, per = 'flat', gap_s = 0, duration_ms = 3000, file } = how;
  const words = kind === 'text' || kind === 'qr' ? WORDS : {};
  const day_ms = 86_400_000;
  return {
    name,
    category: 'energy_drink',
    pricing: { type: per, rate: rupees(price) },
    budget: rupees(50_000),
    flight: {
      starts_at: new Date(Date.now() - 60_000).toISOString(),
      ends_at: new Date(Date.now() + day_ms).toISOString(),
    },
    pacing: 'asap',
    frequency_cap: { minimum_gap_s: gap_s },
    landing_url: `https://voltade.example/${name}`,
    creatives: [{ kind, placement, duration_ms, accent: '#d9ff3d', ...words }],
    file,
  };
}
