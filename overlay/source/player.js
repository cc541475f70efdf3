// The life of one play on the page: idle -> preparing -> ready -> on_screen -> idle. At most one at a
// time; the queue lives on the server. Whatever goes wrong ends in an empty stage and a word to the
// server, never in something wrong on the stream.

import * as messages from './messages.js';
import { Screening } from './screening.js';

const NOTICES_MAX = 16;

export class Player {
  #deps;
  #held = null; // the play in hand: { phase, play_id, creative, card, play, timer, screening }
  #notices = []; // last words on plays that found no link
  #primary = false;
  #settings = { volume_percent: 0, motion: 'full' };

  /** @param deps `send(frame)` says whether it was sent; `stage.prepare(creative)` resolves to a card;
   *  `clock`, `host`, `outbox`; `now`, `nextFrame`, `cancelFrame`, `setTimer`, `clearTimer`; `onIdle` */
  constructor(deps) {
    this.#deps = deps;
  }

  get phase() {
    return this.#held?.phase ?? 'idle';
  }

  settings(settings) {
    this.#settings = { volume_percent: settings.volume_percent, motion: settings.motion };
    this.#held?.screening?.volume(settings.volume_percent);
  }

  /** A page that is not the primary one takes nothing; what is on screen may end. */
  role(primary) {
    this.#primary = primary;
    if (!primary && this.#held && this.phase !== 'on_screen') this.#skip('stopped');
  }

  prepare({ play_id, creative, not_after_ms }) {
    if (this.#held?.play_id === play_id) {
      if (this.phase === 'ready') this.#deps.send(messages.prepared(play_id));
      return;
    }
    if (!this.#primary) return this.#tell(messages.skipped(play_id, 'stopped'));
    if (this.phase === 'on_screen') return this.#tell(messages.skipped(play_id, 'busy'));
    if (this.#deps.clock.passed(not_after_ms)) return this.#tell(messages.skipped(play_id, 'expired'));
    // The server has moved on from a play that it never started: the newer one wins.
    if (this.#held) this.#skip('stopped');
    this.#load({ phase: 'preparing', play_id, creative, card: null, play: null, timer: null, screening: null }, not_after_ms);
  }

  #load(held, not_after_ms) {
    this.#held = held;
    const wait = Math.max(0, not_after_ms - this.#deps.clock.serverMs());
    held.timer = this.#deps.setTimer(() => {
      if (held.phase === 'preparing') this.#fail('load');
      else this.#skip('expired');
    }, wait);
    this.#deps.stage.prepare(held.creative).then(
      (card) => {
        if (this.#held !== held) return card.remove();
        held.card = card;
        held.phase = 'ready';
        this.#deps.send(messages.prepared(held.play_id));
        if (held.play) this.#show();
      },
      (error) => {
        if (this.#held === held) this.#fail(error?.reason ?? 'load');
      },
    );
  }

  play(play) {
    const held = this.#held;
    if (held?.play_id !== play.play_id) {
      // Prepared before a reload, or never: there is nothing to show within a frame.
      this.#tell(messages.skipped(play.play_id, this.phase === 'on_screen' ? 'busy' : 'disconnected'));
      return;
    }
    if (held.phase === 'on_screen' || held.play) return;
    held.play = play;
    if (held.phase === 'ready') this.#show();
  }

  #show() {
    const held = this.#held;
    const refused = this.#refusal(held.play);
    if (refused) return this.#skip(refused);
    this.#deps.clearTimer(held.timer);
    held.timer = null;
    held.phase = 'on_screen';
    held.screening = new Screening(this.#deps, {
      card: held.card,
      creative: held.creative,
      settings: this.#settings,
      started: () => this.#deps.send(messages.started(held.play_id)),
      progress: (painted_ms, frames) => this.#deps.send(messages.progress(held.play_id, painted_ms, frames)),
      over: (outcome) => this.#over(outcome),
    });
  }

  #refusal({ not_after_ms }) {
    const { active, visible } = this.#deps.host.status();
    if (this.#deps.clock.passed(not_after_ms)) return 'expired';
    if (!visible) return 'hidden';
    return active === 'inactive' ? 'inactive' : null;
  }

  /** The screening is over: shown with evidence, or not counted for a reason. */
  #over({ evidence, skipped, failed }) {
    if (skipped) return this.#skip(skipped);
    if (failed) return this.#fail(failed);
    const { play_id, play } = this.#drop();
    this.#tell(messages.ended(play_id));
    // A test has no token and is never claimed.
    if (play.token) this.#deps.outbox.add({ play_id, token: play.token, nonce: play.nonce, evidence });
    this.#deps.onIdle();
  }

  stop({ play_id }) {
    if (this.#held?.play_id === play_id) this.#skip('stopped');
  }

  /** The place in OBS has changed. */
  hostChanged(seen) {
    const reason = !seen.visible ? 'hidden' : seen.active === 'inactive' ? 'inactive' : null;
    const screening = this.#held?.screening;
    if (!screening) return;
    if (reason) screening.interrupt(reason);
    else screening.seen(seen);
  }

  /** The link is lost: what is on screen runs to its end, what is not on yet is forgotten. */
  linkLost() {
    if (this.#held && this.phase !== 'on_screen') this.#skip('disconnected');
  }

  linkUp() {
    const notices = this.#notices;
    this.#notices = [];
    for (const notice of notices) this.#tell(notice);
  }

  /** The key is no good any more: off, without a word and without a claim. */
  clear() {
    if (this.#held) this.#drop();
    this.#notices = [];
  }

  #skip(reason) {
    this.#tell(messages.skipped(this.#drop().play_id, reason));
    this.#deps.onIdle();
  }

  #fail(reason) {
    this.#tell(messages.failed(this.#drop().play_id, reason));
    this.#deps.onIdle();
  }

  #drop() {
    const held = this.#held;
    this.#held = null;
    if (held.timer !== null) this.#deps.clearTimer(held.timer);
    held.screening?.stop();
    held.card?.remove();
    return held;
  }

  /** The last word on a play frees the brand's reservation, so it waits for the link if need be. */
  #tell(frame) {
    if (this.#deps.send(frame)) return;
    this.#notices.push(frame);
    if (this.#notices.length > NOTICES_MAX) this.#notices.shift();
  }
}
