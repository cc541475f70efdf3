// The front end and the gateway of the platform's documents, pointed at the real server: somebody signs in with an
// account elsewhere, their session becomes one of this server's, and the gateway lets it through.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { promisify } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Server } from '../../overlay/tests/e2e/support/server.js';
import { sessionOf, signIn, startFront } from './front.js';
import { admit } from './gateway.js';
import { Browser } from './http.js';
import { Provider } from './provider.js';

const run = promisify(execFile);
const ACCESS_LIFE_MS = 600_000;

let folder;
let publicKey;
let twitch;
let google;
const worlds = {};

/** A server, and a front end that knows nothing of it but its internal address. */
async function world(more) {
  const settings = { auth__providers: `{ twitch = ${twitch.settings}, google = ${google.settings} }`, server__internal_bind: '127.0.0.1:0', ...more };
  const server = await Server.bare({ streamers: {}, campaigns: [], settings });
  const identity = server.internal;
  return { server, identity, gateway: { identity, publicKey }, front: await startFront(identity, [twitch, google]) };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gametriggers-front-'));
  const key = join(folder, 'rs256.pem');
  // As config/default.toml and the README tell an operator.
  await run('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072', '-out', key]);
  publicKey = (await run('openssl', ['pkey', '-in', key, '-pubout'])).stdout;
  [twitch, google] = [await Provider.start('twitch'), await Provider.start('google')];
  worlds.rs256 = await world({ auth__algorithm: 'RS256', secrets__rsa_keys: `["7:${key}"]` });
  worlds.eddsa = await world({});
});

after(async () => {
  for (const { front, server } of Object.values(worlds)) await Promise.all([front.end(), server.end()]);
  await Promise.all([twitch?.end(), google?.end()]);
  if (folder) await rm(folder, { recursive: true });
});

async function post(url, body, key) {
  const authorization = key ? { authorization: `Bearer ${key}` } : {};
  const headers = { 'content-type': 'application/json', ...authorization };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** Opens a brand's account over the API and ties an account at a provider to it: its user, and a browser in which that
 *  account is signed in at the provider. */
async function brand({ server }, provider, account) {
  const email = `${account}@volt.example`;
  const opened = await post(`${server.url}/api/auth/sign-up`, { email, password: 'correct horse battery', name: account, type: 'brand' });
  assert.equal(opened.status, 201, JSON.stringify(opened.body));
  const browser = new Browser();
  browser.carry(provider.url, 'account', account);
  const link = await post(`${server.url}/api/auth/${provider.name}/link`, {}, opened.body.access_token);
  browser.carry(server.url, ...link.headers.get('set-cookie').split(';')[0].split(/=(.*)/s));
  const home = await browser.follow(link.body.authorize_url, `${server.url}/#`);
  assert.match(home, /#code=gt_code_/);
  const user = opened.body.user;
  return { id: String(user.user_id), scopes: user.scopes, browser };
}

/** What a page finds when the provider's access token is over, or, later, one of the server: by the clock of the front
 *  end, which alone decides when it asks. */
async function later(work, after_ms = 5000) {
  const now = Date.now();
  mock.method(Date, 'now', () => now + after_ms);
  return work().finally(() => mock.restoreAll());
}

const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));

test('a gateway that knows RS256 alone lets a session of the front end through', async () => {
  const { server, identity, gateway, front } = worlds.rs256;
  const ada = await brand(worlds.rs256, twitch, 'ada');
  assert.equal(await signIn(front, ada.browser, twitch), `${front.url}/home`);
  // The provider's token is over by now: the callback has the server renew it, and gets the server's own.
  const first = await later(() => sessionOf(front, ada.browser));
  assert.deepEqual({ id: first.user.id, type: first.user.type, permissions: first.user.permissions }, { id: ada.id, type: 'brand', permissions: ada.scopes });
  const { status, user } = await admit(gateway, `Bearer ${first.accessToken}`);
  assert.deepEqual({ status, sub: user?.sub, kid: headerOf(first.accessToken).kid }, { status: 200, sub: ada.id, kid: '7' });
  assert.ok(Math.abs(user.exp * 1000 - Date.now() - ACCESS_LIFE_MS) < 30_000, String(user.exp));
  assert.equal((await server.call('/api/auth/me', { key: first.accessToken })).user_id, Number(ada.id));
  assert.deepEqual(twitch.shown.map(({ good }) => good), [true], 'the provider was asked once');
  // Not over: the same. Over again: another one, by the server's own refresh token; the provider is not asked.
  assert.equal((await sessionOf(front, ada.browser)).accessToken, first.accessToken);
  const second = await later(() => sessionOf(front, ada.browser), 2 * ACCESS_LIFE_MS);
  assert.notEqual(second.accessToken, first.accessToken);
  assert.equal((await admit(gateway, `Bearer ${second.accessToken}`)).status, 200);
  assert.equal(twitch.shown.length, 1);
  // Who signs out here is out there: the gateway asks.
  await fetch(`${server.url}/api/auth/sign-out`, { method: 'POST', headers: { authorization: `Bearer ${second.accessToken}`, 'content-type': 'application/json' }, body: '{}' });
  assert.equal((await admit(gateway, `Bearer ${second.accessToken}`)).status, 401);
  for (const odd of [undefined, 'Bearer', `Bearer ${second.accessToken.slice(0, -3)}`]) assert.equal((await admit(gateway, odd)).status, 401);
  assert.equal((await post(`${identity}/auth/validate`, { token: second.accessToken })).status, 401);
});

test('without RSA keys the same session is verified by the keys that the server shows', async () => {
  const { server, gateway, front } = worlds.eddsa;
  const bo = await brand(worlds.eddsa, google, 'bo');
  assert.equal(await signIn(front, bo.browser, google), `${front.url}/home`);
  const { user, accessToken } = await later(() => sessionOf(front, bo.browser));
  assert.deepEqual([user.id, user.type], [bo.id, 'brand']);
  const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
  const { payload, protectedHeader } = await jwtVerify(accessToken, keys, { issuer: server.url, audience: 'gametriggers', typ: 'at+jwt' });
  assert.deepEqual([payload.sub, protectedHeader.alg], [bo.id, 'EdDSA']);
  assert.equal((await post(`${gateway.identity}/auth/validate`, { token: accessToken })).body.id, bo.id);
  assert.equal((await admit(gateway, `Bearer ${accessToken}`)).status, 401, 'that gateway takes RS256 only');
  assert.ok(!twitch.shown.some(({ token }) => token.startsWith('1//')), "Google's token was shown to Google only");
});

test('two pages that are over at once both go on, though the provider takes a refresh token once', async () => {
  const { gateway, front } = worlds.rs256;
  const cy = await brand(worlds.rs256, twitch, 'cy');
  await signIn(front, cy.browser, twitch);
  const before = twitch.shown.length;
  const pages = [cy.browser, cy.browser.clone()];
  const sessions = await later(() => Promise.all(pages.map((page) => sessionOf(front, page))));
  for (const { accessToken } of sessions) assert.equal((await admit(gateway, `Bearer ${accessToken}`)).status, 200);
  assert.equal(twitch.shown.length, before + 1);
});

test('who is not known here, or not any more there, has no session of this server', async () => {
  const { server, gateway, front } = worlds.rs256;
  const stranger = new Browser();
  stranger.carry(twitch.url, 'account', 'stranger');
  const end = new URL(await stranger.follow(await signIn(front, stranger, twitch), `${front.url}/auth/`));
  assert.equal(end.searchParams.get('error'), 'Callback', end.href);
  assert.deepEqual(await sessionOf(front, stranger), {});
  const dee = await brand(worlds.rs256, twitch, 'dee');
  await signIn(front, dee.browser, twitch);
  twitch.revoke('dee');
  const { user, accessToken } = await later(() => sessionOf(front, dee.browser));
  assert.equal(user.id, dee.id, 'the front end keeps its own session');
  assert.equal((await admit(gateway, `Bearer ${accessToken}`)).status, 401, 'and has nothing that opens this server');
  assert.equal((await fetch(`${server.url}/api/auth/me`, { headers: { authorization: `Bearer ${accessToken}` } })).status, 401);
});

test("from outside a provider's token opens nothing, and no provider is asked", async () => {
  const { server, identity } = worlds.rs256;
  await brand(worlds.rs256, twitch, 'eve');
  const before = twitch.shown.length + google.shown.length;
  const { refresh_token: token } = await twitch.give('eve');
  for (const url of [`${server.url}/auth/refresh`, `${server.url}/api/auth/refresh`]) {
    const refused = await post(url, { refreshToken: token });
    assert.deepEqual([refused.status, refused.body.type], [401, '/problems/session-over']);
  }
  assert.equal(twitch.shown.length + google.shown.length, before);
  assert.equal((await post(`${identity}/auth/refresh`, { refreshToken: token })).status, 200, 'it was a good one');
});

test('the public key is no secret to sign with, and no token says how it is verified', async () => {
  const { identity, gateway, front } = worlds.rs256;
  const flo = await brand(worlds.rs256, twitch, 'flo');
  await signIn(front, flo.browser, twitch);
  const { accessToken } = await later(() => sessionOf(front, flo.browser));
  const [, claims, signature] = accessToken.split('.');
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const { keys } = await (await fetch(`${identity}/.well-known/jwks.json`)).json();
  assert.deepEqual(keys.map(({ kty, alg, kid }) => [kty, alg, kid]), [['RSA', 'RS256', '7'], ['OKP', 'EdDSA', '1']]);
  const forged = [
    ...['none', 'HS256', 'EdDSA'].map((alg) => `${part({ alg, typ: 'at+jwt', kid: '7' })}.${claims}.${signature}`),
    `${part({ alg: 'none', typ: 'at+jwt', kid: '7' })}.${claims}.`,
    `${part({ alg: 'RS256', typ: 'at+jwt', kid: '1' })}.${claims}.${signature}`,
  ];
  for (const secret of [publicKey, publicKey.trim(), keys[0].n, Buffer.from(keys[0].n, 'base64url')]) {
    const body = `${part({ alg: 'HS256', typ: 'at+jwt', kid: '7' })}.${claims}`;
    forged.push(`${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`);
  }
  for (const token of forged) {
    assert.equal((await post(`${identity}/auth/validate`, { token })).status, 401, token);
    assert.equal((await admit(gateway, `Bearer ${token}`)).status, 401);
  }
  assert.equal((await post(`${identity}/auth/validate`, { token: accessToken })).status, 200, 'the real one is good');
});
