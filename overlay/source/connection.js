// The socket: opened again for ever, judged dead by silence, closed for good only when the server says
// so. OBS never retries a page, so whatever happens here has to heal by itself.

import { heartbeat, parse } from './messages.js';

const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 15_000;
const GREETING_MS_MAX = 10_000;
const STOP_FIRST = 3500;
const STOP_LAST = 3999;

/** Full jitter: thousands of overlays that lost one server must not come back in step. */
export function retryDelay(attempt, random) {
  return random() * Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** Math.min(attempt, 10));
}

export const isFinal = (code) => code >= STOP_FIRST && code <= STOP_LAST;

export class Connection {
  #deps;
  #socket = null;
  #state = 'idle';
  #timer = null;
  #heard = 0;
  #silence_ms_max = GREETING_MS_MAX;
  #attempt = 0;
  #drain_ms = null;

  /** `hello()` makes the first frame; `on` is told of `up(welcome)`, `message(m)`, `down()` and
   *  `closed(code)`, which is final. The rest is the world, replaceable in tests. */
  constructor({ url, hello, on, open, now, setTimer, clearTimer, random }) {
    this.#deps = {
      url,
      hello,
      on,
      open: open ?? ((address) => new WebSocket(address)),
      now: now ?? (() => performance.now()),
      setTimer: setTimer ?? ((work, ms) => setTimeout(work, ms)),
      clearTimer: clearTimer ?? ((timer) => clearTimeout(timer)),
      random: random ?? Math.random,
    };
  }

  get state() {
    return this.#state;
  }

  start() {
    if (this.#state === 'idle') this.#connect();
  }

  /** The network is back: no need to sit out the delay. */
  retryNow() {
    if (this.#state === 'waiting' && this.#drain_ms === null) this.#connect();
  }

  /** False when there is no greeted link; the caller keeps what matters. */
  send(frame) {
    if (this.#state !== 'up') return false;
    return this.#write(frame);
  }

  #write(frame) {
    try {
      this.#socket.send(JSON.stringify(frame));
      return true;
    } catch {
      return false;
    }
  }

  #connect() {
    this.#cancelTimer();
    this.#drain_ms = null;
    this.#state = 'connecting';
    this.#silence_ms_max = GREETING_MS_MAX;
    this.#heard = this.#deps.now();
    let socket;
    try {
      socket = this.#deps.open(this.#deps.url);
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    // A socket that was given up may still speak; only the present one is listened to.
    const current = (work) => (event) => {
      if (this.#socket === socket) work(event);
    };
    socket.onopen = current(() => this.#write(this.#deps.hello()));
    socket.onmessage = current((event) => this.#receive(event.data));
    socket.onclose = current((event) => this.#onClose(event.code));
    socket.onerror = () => {};
    this.#watch();
  }

  #receive(data) {
    this.#heard = this.#deps.now();
    const message = parse(data);
    if (!message) return;
    if (message.type === 'welcome') {
      this.#state = 'up';
      this.#silence_ms_max = message.dead_after_ms;
      this.#watch();
      this.#deps.on.up(message);
      return;
    }
    // A server that does not speak this page's version says so before any welcome, and hangs up.
    if (this.#state !== 'up' && message.type !== 'reload') return;
    if (message.type === 'heartbeat') {
      // Only a link that lasted resets the backoff: a server that greets and closes must not be hammered.
      this.#attempt = 0;
      this.#write(heartbeat());
    } else if (message.type === 'drain') {
      this.#drain_ms = Math.max(0, message.reconnect_after_ms);
    }
    this.#deps.on.message(message);
  }

  #onClose(code) {
    if (!isFinal(code)) {
      this.#lost();
      return;
    }
    this.#cancelTimer();
    this.#socket = null;
    this.#state = 'closed';
    this.#deps.on.closed(code);
  }

  #lost() {
    const was_up = this.#state === 'up';
    const socket = this.#socket;
    this.#socket = null;
    this.#state = 'waiting';
    if (socket) this.#abandon(socket);
    const delay = this.#drain_ms ?? retryDelay(this.#attempt, this.#deps.random);
    this.#attempt += 1;
    this.#cancelTimer();
    this.#timer = this.#deps.setTimer(() => this.#connect(), delay);
    if (was_up) this.#deps.on.down();
  }

  #abandon(socket) {
    try {
      socket.close();
    } catch {
      // It was never open; there is nothing to close.
    }
  }

  /** The one timer of an idle page: it wakes when the silence could have become too long. */
  #watch() {
    this.#cancelTimer();
    const left = this.#heard + this.#silence_ms_max - this.#deps.now();
    if (left <= 0) {
      this.#lost();
      return;
    }
    this.#timer = this.#deps.setTimer(() => this.#watch(), left);
  }

  #cancelTimer() {
    if (this.#timer !== null) this.#deps.clearTimer(this.#timer);
    this.#timer = null;
  }
}
