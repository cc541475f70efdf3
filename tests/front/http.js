// A small server on a free port, and a browser that keeps cookies and follows nothing by itself.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** Runs `answer(request, response)` until it is ended. */
export async function listen(answer) {
  const server = createServer((request, response) => {
    Promise.resolve(answer(request, response)).catch((error) => response.writeHead(500).end(String(error?.stack ?? error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => new Promise((resolve) => server.close(resolve).closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}`, end };
}

/** The fields of a form. */
export async function readBody(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
}

/** Cookies by origin. */
export class Browser {
  #jar = new Map();

  #cookies(url) {
    const { origin } = new URL(url);
    if (!this.#jar.has(origin)) this.#jar.set(origin, new Map());
    return this.#jar.get(origin);
  }

  carry(url, name, value) {
    this.#cookies(url).set(name, value);
  }

  /** A copy: another page of the same browser, before either of them hears anything new. */
  clone() {
    const other = new Browser();
    for (const [origin, cookies] of this.#jar) other.#jar.set(origin, new Map(cookies));
    return other;
  }

  async ask(url, { headers = {}, ...more } = {}) {
    const cookies = this.#cookies(url);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { ...headers, cookie }, ...more });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value, rest] = /^([^=]+)=([^;]*)(.*)$/.exec(line);
      if (/max-age=0/i.test(rest) || value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  /** Goes where it is sent, up to an address that begins with `last`. */
  async follow(url, last) {
    for (let hop = 0; hop < 8; hop += 1) {
      if (url.startsWith(last)) return url;
      const answer = await this.ask(url);
      const location = answer.headers.get('location');
      if (!location) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
      url = new URL(location, url).href;
    }
    throw new Error(`sent on and on, lately to ${url}`);
  }
}
