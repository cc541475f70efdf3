// The server's clock as this page sees it. Each frame that carries `server_ms` gives a sample of
// the distance to the page's own steady clock; the largest of the last few is the one that
// travelled least. The machine's wall clock is never asked: streaming machines are often wrong.

const SAMPLES = 8;

export class ServerClock {
  #steady;
  #distances = [];

  /** `steady` gives milliseconds that never go back. */
  constructor(steady = () => performance.now()) {
    this.#steady = steady;
  }

  /** Forget all samples: another server may answer now. */
  reset() {
    this.#distances = [];
  }

  /** Take a sample from a frame that has just arrived. */
  hear(serverMs) {
    if (!Number.isFinite(serverMs)) return;
    this.#distances.push(serverMs - this.#steady());
    if (this.#distances.length > SAMPLES) this.#distances.shift();
  }

  /** Milliseconds since the epoch on the server; null before the first sample. */
  now() {
    if (this.#distances.length === 0) return null;
    return Math.max(...this.#distances) + this.#steady();
  }
}
