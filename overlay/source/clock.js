// The server's time. The machine's wall clock is never asked: streaming PCs are often minutes off, and
// a play must not start late or early because of that.

const SAMPLES_MAX = 6;

export class Clock {
  #now;
  #offsets = [];

  /** @param now a monotonic clock in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Forget what another server said; its clock may differ. */
  restart(server_ms) {
    this.#offsets = [];
    this.sync(server_ms);
  }

  /** Take the time from a message that has just arrived. */
  sync(server_ms) {
    if (!Number.isFinite(server_ms)) return;
    this.#offsets.push(server_ms - this.#now());
    if (this.#offsets.length > SAMPLES_MAX) this.#offsets.shift();
  }

  /** The server's time, or null before the first sample. A message can only arrive late, never early,
   *  so the largest offset is the nearest to the truth; old samples leave, so that a clock that was
   *  set back is followed within a minute. */
  serverMs() {
    if (this.#offsets.length === 0) return null;
    return this.#now() + Math.max(...this.#offsets);
  }

  /** Whether a moment of the server has passed; unknown time counts as passed, to show nothing late. */
  passed(server_ms) {
    const now = this.serverMs();
    return now === null || now > server_ms;
  }
}
