// A page of another build than the server's loads itself again: only while nothing plays, after a random
// wait, so that ten thousand pages do not come at once, and at most once in a while. With two builds
// behind one address, while servers are replaced, it would otherwise reload for ever on a live stream.

const NAME = 'gametriggers.reloaded';
const PAUSE_MS = 10 * 60_000;
const SPREAD_MS = 20_000;

export class Reloader {
  #deps;
  #due = false;
  #waiting = false;

  /** @param deps `storage()` returns sessionStorage, `reload()` reloads, `idle()` tells whether nothing
   *  plays, `now()` is the time across reloads; `setTimer` and `random` as everywhere */
  constructor(deps) {
    this.#deps = deps;
  }

  /** The server asks for it. */
  want() {
    if (this.#waiting || this.#due) return;
    const last = this.#last();
    if (last === null) return;
    const since = this.#deps.now() - last;
    // A clock that was set back says nothing.
    const pause = since >= 0 && since < PAUSE_MS ? PAUSE_MS - since : 0;
    this.#waiting = true;
    this.#deps.setTimer(() => this.#ripen(), pause + this.#deps.random() * SPREAD_MS);
  }

  /** To be called whenever the page has become idle. */
  settle() {
    if (!this.#due) return;
    this.#due = false;
    if (this.#note()) this.#deps.reload();
  }

  #ripen() {
    this.#waiting = false;
    this.#due = true;
    if (this.#deps.idle()) this.settle();
  }

  /** When this page was last loaded again, null when it can not be known. */
  #last() {
    try {
      return Number(this.#deps.storage().getItem(NAME)) || -Infinity;
    } catch {
      return null;
    }
  }

  /** False when it can not be noted: then a loop could not be told. */
  #note() {
    try {
      this.#deps.storage().setItem(NAME, String(this.#deps.now()));
      return true;
    } catch {
      return false;
    }
  }
}
