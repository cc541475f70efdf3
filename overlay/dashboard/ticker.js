// Calls a function twice a second, but only while the page can be seen and something moves.

const EVERY_MS = 500;

export class Ticker {
  #tick;
  #timer = 0;
  #wanted = false;

  constructor(tick) {
    this.#tick = tick;
    document.addEventListener('visibilitychange', () => this.#apply());
  }

  /** Whether there is anything that changes with time alone. */
  want(wanted) {
    this.#wanted = wanted;
    this.#apply();
  }

  #apply() {
    const run = this.#wanted && !document.hidden;
    if (run && this.#timer === 0) {
      this.#timer = setInterval(this.#tick, EVERY_MS);
      this.#tick();
    } else if (!run && this.#timer !== 0) {
      clearInterval(this.#timer);
      this.#timer = 0;
    }
  }
}
