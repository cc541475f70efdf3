// A page of an old build reloads itself, but only while nothing plays and only once for each pair of
// builds: with two builds behind one address it would otherwise reload for ever on a live stream.

const NAME = 'gametriggers.reloaded';

export class Reloader {
  #deps;
  #wanted = null;

  /** @param deps `storage()` returns sessionStorage, `reload()` reloads, `build` is the page's own */
  constructor(deps) {
    this.#deps = deps;
  }

  /** The server asks for it; `build` is the one it would serve. */
  want(build, idle) {
    this.#wanted = `${this.#deps.build}>${build}`;
    if (idle) this.settle();
  }

  /** To be called whenever the page has become idle. */
  settle() {
    if (this.#wanted === null) return;
    const step = this.#wanted;
    this.#wanted = null;
    if (this.#remember(step)) this.#deps.reload();
  }

  /** False when this step was made before, or when it can not be noted: then a loop could not be told. */
  #remember(step) {
    try {
      const storage = this.#deps.storage();
      const made = (storage.getItem(NAME) ?? '').split(' ');
      if (made.includes(step)) return false;
      storage.setItem(NAME, [...made, step].slice(-20).join(' ').trim());
      return true;
    } catch {
      return false;
    }
  }
}
