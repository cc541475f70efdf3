// A provider as Twitch and Google are: it signs somebody in, takes a code once and with its verifier, gives another
// refresh token for each that it takes, and says whose a token is. Who sits before the browser stands in a cookie.

import { createHash, randomBytes } from 'node:crypto';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { listen, readBody } from './http.js';

export const CLIENT = { id: 'client-1', secret: 'client-secret-1' };
/** Tokens of the provider are over as soon as they are given: the front end has to renew each. */
const LIFE_S = 1;

const random = (prefix) => prefix + randomBytes(24).toString('hex');

/** Prefixes of refresh tokens as the real ones have them. */
const PREFIX = { twitch: '', google: '1//' };

export class Provider {
  #codes = new Map();
  #access = new Map();
  #refresh = new Map();
  #keys;
  #server;
  name;
  url;
  /** Refresh tokens that it was shown, with what became of each. */
  shown = [];

  static async start(name) {
    const provider = new Provider();
    provider.name = name;
    provider.#keys = await generateKeyPair('RS256');
    provider.#server = await listen((request, response) => provider.#answer(request, response));
    provider.url = provider.#server.url;
    return provider;
  }

  end() {
    return this.#server.end();
  }

  /** How the server reaches it: the value of one key under `auth.providers`. */
  get settings() {
    const more = this.name === 'twitch' ? { user_url: '/users' } : { keys_url: '/keys', issuer: '' };
    const urls = { authorize_url: '/authorize', token_url: '/token', ...more };
    const all = Object.entries(urls).map(([key, path]) => [key, this.url + path]);
    const texts = [['client_id', CLIENT.id], ['client_secret', CLIENT.secret], ...all];
    return `{ ${texts.map(([key, value]) => `${key} = "${value}"`).join(', ')} }`;
  }

  /** Nothing that was given to somebody is good any more. */
  revoke(account) {
    for (const [token, whose] of this.#refresh) if (whose === account) this.#refresh.delete(token);
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.url);
    const answers = {
      'GET /authorize': () => this.#authorize(url.searchParams, request),
      'POST /token': async () => this.#token(await readBody(request)),
      'GET /users': () => this.#user(request, (id) => ({ data: [{ id, login: id, display_name: id }] })),
      'GET /.well-known/openid-configuration': () => this.#discovery(),
      'GET /keys': async () => ({ keys: [{ ...(await exportJWK(this.#keys.publicKey)), kid: 'p1', alg: 'RS256' }] }),
    };
    const { status = 200, headers = {}, ...body } = (await answers[`${request.method} ${url.pathname}`]?.()) ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  #authorize(query, request) {
    const account = /account=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    if (!account || query.get('client_id') !== CLIENT.id) return { status: 400 };
    const code = random('code');
    this.#codes.set(code, { account, challenge: query.get('code_challenge'), nonce: query.get('nonce') ?? undefined });
    const back = new URL(query.get('redirect_uri'));
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state'));
    return { status: 302, headers: { location: back.href } };
  }

  #token(form) {
    const named = form.client_id === CLIENT.id && form.client_secret === CLIENT.secret;
    if (!named) return { status: 401, error: 'invalid_client' };
    if (form.grant_type === 'refresh_token') {
      const account = this.#refresh.get(form.refresh_token);
      this.#refresh.delete(form.refresh_token);
      this.shown.push({ token: form.refresh_token, good: account !== undefined });
      return account ? this.give(account) : { status: 400, error: 'invalid_grant' };
    }
    const { account, challenge, nonce } = this.#codes.get(form.code) ?? {};
    this.#codes.delete(form.code);
    // NextAuth sends no challenge to Twitch.
    const proved = !challenge || createHash('sha256').update(form.code_verifier ?? '').digest('base64url') === challenge;
    return account && proved ? this.give(account, nonce) : { status: 400, error: 'invalid_grant' };
  }

  /** Tokens for an account, as the client gets them at the end of a sign-in. */
  async give(account, nonce) {
    const tokens = { access_token: random('at'), refresh_token: random(PREFIX[this.name]), token_type: 'bearer', expires_in: LIFE_S };
    this.#access.set(tokens.access_token, account);
    this.#refresh.set(tokens.refresh_token, account);
    const claims = new SignJWT({ nonce }).setProtectedHeader({ alg: 'RS256', kid: 'p1' });
    const dated = claims.setIssuer(this.url).setAudience(CLIENT.id).setSubject(account).setIssuedAt().setExpirationTime('1h');
    return { ...tokens, id_token: await dated.sign(this.#keys.privateKey) };
  }

  #discovery() {
    const at = (path) => this.url + path;
    return {
      issuer: this.url,
      authorization_endpoint: at('/authorize'),
      token_endpoint: at('/token'),
      jwks_uri: at('/keys'),
      token_endpoint_auth_methods_supported: ['client_secret_post'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }

  #user(request, view) {
    const account = this.#access.get(request.headers.authorization?.replace(/^Bearer /, ''));
    return account ? view(account) : { status: 401 };
  }
}
