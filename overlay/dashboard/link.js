// The socket to the server: says hello, answers heartbeats, notices a dead link, and reconnects
// for ever unless the server says stop. It knows nothing of what the frames mean beyond that.

import { closing, retryDelay } from './closing.js';

const OPENING_MS = 10_000;
const DEAD_AFTER_MS = 25_000;
const STEADY_MS = 10_000;

export class Link {
  #address;
  #key = null;
  #socket = null;
  #attempt = 0;
  #openedAt = null;
  #drainMs = null;
  #deadAfterMs = DEAD_AFTER_MS;
  #heardAt = 0;
  #retryTimer = 0;
  #watchTimer = 0;
  #onFrame;
  #onPhase;

  /** `onFrame(frame)` for each message; `onPhase({ phase, sentence, retryMs, remedy })`. */
  constructor({ address, onFrame, onPhase }) {
    this.#address = address;
    this.#onFrame = onFrame;
    this.#onPhase = onPhase;
    window.addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => this.#watch());
  }

  /** Start, or start again with another key. */
  start(key) {
    this.stop();
    this.#key = key;
    this.#attempt = 0;
    this.#open();
  }

  /** Drop the socket and stay down. */
  stop() {
    this.#key = null;
    this.#release();
  }

  /** Do not wait for the timer of the next attempt. */
  retryNow() {
    if (this.#key !== null && this.#socket === null) this.#open();
  }

  /** Send a frame; false when there is no open socket. */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #open() {
    this.#release();
    this.#onPhase({ phase: 'connecting', attempt: this.#attempt });
    this.#deadAfterMs = OPENING_MS;
    this.#heardAt = performance.now();
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    socket.onopen = () => this.send({ type: 'hello', v: 1, token: this.#key });
    socket.onmessage = (event) => this.#hear(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#watch();
  }

  #hear(data) {
    this.#heardAt = performance.now();
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === 'welcome') {
      this.#openedAt = performance.now();
      this.#deadAfterMs = frame.dead_after_ms > 0 ? frame.dead_after_ms : DEAD_AFTER_MS;
      this.#watch();
      this.#onPhase({ phase: 'open' });
    } else if (frame.type === 'heartbeat') {
      this.send({ type: 'heartbeat' });
    } else if (frame.type === 'drain') {
      this.#drainMs = frame.reconnect_after_ms;
    }
    this.#onFrame(frame);
  }

  /** One timer that sleeps until the link could be dead at the earliest, then looks again. */
  #watch() {
    clearTimeout(this.#watchTimer);
    if (this.#socket === null) return;
    const left = this.#heardAt + this.#deadAfterMs - performance.now();
    if (left <= 0) this.#closed(1006);
    else this.#watchTimer = setTimeout(() => this.#watch(), left + 50);
  }

  #closed(code) {
    this.#release();
    const end = closing(code, this.#openedAt !== null);
    // A link that opens and falls at once must not turn into a storm of attempts.
    if (this.#openedAt !== null && performance.now() - this.#openedAt > STEADY_MS) this.#attempt = 0;
    this.#openedAt = null;
    if (!end.again) {
      this.#key = null;
      this.#onPhase({ phase: 'stopped', sentence: end.sentence, remedy: end.remedy });
      return;
    }
    const retryMs = (this.#drainMs ?? 0) + retryDelay(this.#attempt, Math.random());
    this.#drainMs = null;
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => this.#open(), retryMs);
    this.#onPhase({ phase: 'waiting', sentence: end.sentence, retryMs });
  }

  #release() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#watchTimer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
