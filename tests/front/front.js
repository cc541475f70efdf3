// A front end with NextAuth, as the platform's documents draw it: its callbacks ask the identity service who
// somebody is, and let it renew tokens. It knows one address of that service, and has no key.

import { createRequire } from 'node:module';
import { listen, readBody } from './http.js';
import { CLIENT } from './provider.js';

const [NextAuth, Google, Twitch] = ['next-auth', 'next-auth/providers/google', 'next-auth/providers/twitch'].map(
  (name) => createRequire(import.meta.url)(name).default,
);
// Several of them run in this process: each is where it is asked.
process.env.AUTH_TRUST_HOST = 'true';

/** What is asked of the identity service. Nothing but what it answers with a success is believed. */
async function ask(identity, path, question) {
  const answer = await fetch(identity + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(question),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function renewed(identity, token) {
  try {
    const { access_token, refresh_token, expires_in } = await ask(identity, '/auth/refresh', { refreshToken: token.refreshToken });
    const accessTokenExpires = Date.now() + expires_in * 1000;
    return { ...token, accessToken: access_token, refreshToken: refresh_token ?? token.refreshToken, accessTokenExpires };
  } catch {
    return { ...token, error: 'RefreshAccessTokenError' };
  }
}

function callbacks(identity) {
  return {
    async jwt({ token, account, user }) {
      if (account && user) {
        const { provider, providerAccountId, access_token, refresh_token, expires_at } = account;
        const { id, type, permissions } = await ask(identity, '/users/oauth', { provider, providerAccountId });
        const expires = expires_at ? expires_at * 1000 : 0;
        const tokens = { accessToken: access_token, refreshToken: refresh_token, accessTokenExpires: expires };
        return { ...token, ...tokens, userId: id, userType: type, permissions };
      }
      return Date.now() < token.accessTokenExpires ? token : renewed(identity, token);
    },
    async session({ session, token }) {
      Object.assign(session.user, { id: token.userId, type: token.userType, permissions: token.permissions });
      return Object.assign(session, { accessToken: token.accessToken });
    },
  };
}

/** The providers of NextAuth itself; only where they are found is another place. */
function signsInAt({ name, url }) {
  const where = { clientId: CLIENT.id, clientSecret: CLIENT.secret, issuer: url, wellKnown: `${url}/.well-known/openid-configuration` };
  return name === 'google' ? Google(where) : Twitch({ ...where, authorization: { params: { scope: 'openid user:read:email' } } });
}

/** Starts one whose `IDENTITY_SERVICE_URL` is `identity`. */
export async function startFront(identity, providers) {
  const options = {
    providers: providers.map(signsInAt),
    callbacks: callbacks(identity),
    session: { strategy: 'jwt', maxAge: 30 * 24 * 3600 },
    pages: { signIn: '/auth/signin', error: '/auth/error' },
    secret: 'a secret of the front end alone',
    logger: { error() {}, warn() {}, debug() {} },
  };
  const front = await listen(async (request, response) => {
    const url = new URL(request.url, front.url);
    request.query = { ...Object.fromEntries(url.searchParams), nextauth: url.pathname.split('/').slice(3) };
    const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split(/=(.*)/s));
    request.cookies = Object.fromEntries(pairs.map(([name, value]) => [name, decodeURIComponent(value ?? '')]));
    request.body = await readBody(request);
    request.headers['x-forwarded-proto'] = 'http';
    response.status = (status) => Object.assign(response, { statusCode: status });
    response.send = (body) => response.end(typeof body === 'string' ? body : JSON.stringify(body));
    response.json = response.send;
    await NextAuth(request, response, options);
  });
  return front;
}

/** Signs in with the button of a provider: where that ends. */
export async function signIn(front, browser, provider) {
  const { csrfToken } = await (await browser.ask(`${front.url}/api/auth/csrf`)).json();
  const form = new URLSearchParams({ csrfToken, callbackUrl: `${front.url}/home` });
  const answer = await browser.ask(`${front.url}/api/auth/signin/${provider.name}`, { method: 'POST', body: form });
  const away = answer.headers.get('location');
  const back = await browser.follow(away, `${front.url}/api/auth/callback/`);
  return new URL((await browser.ask(back)).headers.get('location'), front.url).href;
}

/** What a page of the front end knows of its visitor. */
export async function sessionOf(front, browser) {
  return (await browser.ask(`${front.url}/api/auth/session`)).json();
}
