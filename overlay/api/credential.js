// The key or token in use. It is kept in memory; only when asked to, in this tab's storage as well. It is
// never in an address and never written to the console.

const STORED_AS = 'gametriggers.api.credential';

export class Credential {
  #value = null;
  #name = '';
  #until = null;
  #listeners = [];

  constructor() {
    try {
      const stored = JSON.parse(sessionStorage.getItem(STORED_AS));
      if (typeof stored?.value === 'string') [this.#value, this.#name, this.#until] = [stored.value, stored.name, stored.until];
    } catch {
      /* storage is off, or holds something else: there is no key */
    }
  }

  get value() {
    return this.#value;
  }

  /** What it may be called on a screen that others see: its end, or whose it is. */
  get name() {
    return this.#name;
  }

  /** When an access token is over, in Unix milliseconds, or null. */
  get until() {
    return this.#until;
  }

  get isStored() {
    try {
      return sessionStorage.getItem(STORED_AS) !== null;
    } catch {
      return false;
    }
  }

  /** `name` and `until` are of a user who signed in. */
  use(value, { name = `…${value.slice(-6)}`, until = null, store = false } = {}) {
    [this.#value, this.#name, this.#until] = [value, name, until];
    try {
      if (store) sessionStorage.setItem(STORED_AS, JSON.stringify({ value, name, until }));
      else sessionStorage.removeItem(STORED_AS);
    } catch {
      /* storage is off: it is kept until the page is left */
    }
    this.#tell();
  }

  forget() {
    [this.#value, this.#name, this.#until] = [null, '', null];
    try {
      sessionStorage.removeItem(STORED_AS);
    } catch {
      /* storage is off: there is nothing to forget */
    }
    this.#tell();
  }

  /** Calls now, and after every change. */
  watch(listener) {
    this.#listeners.push(listener);
    listener(this);
  }

  #tell() {
    for (const listener of this.#listeners) listener(this);
  }
}

/** A key or a token out of what was pasted: without `Bearer` and quotes, or null. */
export function credentialFrom(text) {
  const bare = text.trim().replace(/^(?:authorization:\s*)?bearer\s+/i, '').replace(/^["']|["']$/g, '').trim();
  return /^[\w.~+/=-]{8,4096}$/.test(bare) ? bare : null;
}
