// Claims that the server has not acked. A claim is money: it is stored before it is sent and deleted
// only by its ack, so that neither a lost socket nor a closed OBS loses a play.

import { claim as checked } from './messages.js';

const CLAIMS_MAX = 5000;
const UNACKED_MAX = 16;
const BEATS_MAX = 3;
const PREFIX = 'gametriggers.claim.';

/** A short name for a key (FNV-1a, twice). All browser sources of one OBS share their storage, and the
 *  key itself must not lie there. SubtleCrypto is not an option: it is missing on plain http. */
export function keyName(key) {
  const hash = (seed) => {
    let value = seed;
    for (const byte of new TextEncoder().encode(key)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
    return value.toString(16).padStart(8, '0');
  };
  return hash(0x811c9dc5) + hash(0x5bd1e995);
}

export class Outbox {
  #storage;
  #prefix;
  #send;
  #claims = new Map();
  #unacked = new Set();
  #beats = 0;

  /** @param storage a function that returns localStorage; reading the property itself may throw */
  constructor({ key, storage, send }) {
    this.#storage = storage;
    this.#send = send;
    this.#prefix = `${PREFIX}${keyName(key)}.`;
    this.#load();
  }

  get size() {
    return this.#claims.size;
  }

  /** Keep a claim, then send it. */
  add(source) {
    const claim = checked(source);
    if (!claim) return;
    this.#claims.set(claim.play_id, claim);
    this.#trim();
    this.#try((storage) => storage.setItem(this.#prefix + claim.play_id, JSON.stringify(claim)));
    this.#offer(claim);
  }

  /** After every welcome: what was under way on the old socket may not have arrived. */
  resend() {
    this.#beats = 0;
    this.#unacked.clear();
    this.#fill();
  }

  /** On every heartbeat. A server whose queue was full drops a claim without a word, on a socket that
   *  stays open: what has had no answer for three beats goes out again. */
  beat() {
    if (this.#unacked.size === 0) this.#beats = 0;
    else if (++this.#beats >= BEATS_MAX) this.resend();
  }

  /** Every result is final, a rejection too. */
  ack(play_id) {
    this.#beats = 0;
    this.#forget(play_id);
    this.#fill();
  }

  #fill() {
    // A long absence can leave thousands of claims; all at once would trip the server's rate limit.
    for (const claim of this.#claims.values()) {
      if (this.#unacked.size >= UNACKED_MAX) return;
      if (!this.#unacked.has(claim.play_id) && !this.#offer(claim)) return;
    }
  }

  #offer(claim) {
    if (!this.#send(claim)) return false;
    this.#unacked.add(claim.play_id);
    return true;
  }

  #forget(play_id) {
    this.#claims.delete(play_id);
    this.#unacked.delete(play_id);
    this.#try((storage) => storage.removeItem(this.#prefix + play_id));
  }

  #trim() {
    // Play ids are in the order of time, and so is the map: the first is the oldest.
    while (this.#claims.size > CLAIMS_MAX) this.#forget(this.#claims.keys().next().value);
  }

  #load() {
    this.#try((storage) => {
      const names = Array.from({ length: storage.length }, (_, index) => storage.key(index));
      const mine = names.filter((name) => name !== null && name.startsWith(this.#prefix)).sort();
      for (const name of mine) this.#restore(storage, name);
    });
    this.#trim();
  }

  #restore(storage, name) {
    let claim = null;
    try {
      claim = checked(JSON.parse(storage.getItem(name)));
    } catch {
      // Not JSON: nothing of ours can be in it.
    }
    if (claim && name === this.#prefix + claim.play_id) this.#claims.set(claim.play_id, claim);
    else storage.removeItem(name);
  }

  /** Storage may be missing, forbidden or full; the memory copy still works for this page's life. */
  #try(work) {
    try {
      work(this.#storage());
    } catch {
      // Nothing to do: see above.
    }
  }
}
