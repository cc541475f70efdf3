// One creative on screen: shows the card, proves that it is painted, measures it each second, takes it
// off in time. Driven by animation frames, because only they tell that something is painted; the one
// timer is for the case that they stop.

import { Evidence } from './evidence.js';

const START_MS_MAX = 2000;
const OVERTIME_MS = 1000;
const CHECK_MS = 1000;
// The callback of frame n + 1 proves that frame n was painted.
const FRAMES_BEFORE_START = 3;

/** The least continuous time on screen that may be claimed (display and video viewability). */
export const claimThreshold = (kind) => (kind === 'video' ? 2000 : 1000);

export class Screening {
  #deps;
  #told;
  #card;
  #frame = null;
  #timer = null;
  #ticks = 0;
  #began_ms = 0;
  #check_ms = 0;
  #evidence = null;
  #leaving = false;
  #done = false;

  constructor(deps, told) {
    this.#deps = deps;
    this.#told = told;
    this.#card = told.card;
    this.#guard(START_MS_MAX, () => this.#finish({ failed: 'not_painted' }));
    this.#card.show(told.settings);
    this.#next();
  }

  volume(volume_percent) {
    this.#card.volume(volume_percent);
  }

  seen(seen) {
    this.#evidence?.seen(seen);
  }

  /** Hidden or out of the program: off at once; what was seen long enough still counts. */
  interrupt(reason) {
    if (this.#counts()) this.#finish({ evidence: this.#measured() });
    else this.#finish({ skipped: reason });
  }

  stop() {
    this.#done = true;
    if (this.#frame !== null) this.#deps.cancelFrame(this.#frame);
    if (this.#timer !== null) this.#deps.clearTimer(this.#timer);
    this.#frame = null;
    this.#timer = null;
  }

  #next() {
    this.#frame = this.#deps.nextFrame(() => {
      if (this.#done) return;
      this.#tick(this.#deps.now());
      if (!this.#done) this.#next();
    });
  }

  #tick(now) {
    this.#ticks += 1;
    if (this.#ticks === 1) this.#began_ms = now;
    if (this.#card.broken()) return this.#finish({ failed: 'decode' });
    if (this.#evidence === null) {
      if (this.#ticks >= FRAMES_BEFORE_START && this.#card.presented()) this.#start(now);
      return;
    }
    this.#evidence.frame(now, this.#card.moving(now));
    if (now >= this.#check_ms) this.#check();
    if (!this.#done) this.#leave(now);
  }

  #start(now) {
    if (!this.#card.labelVisible()) return this.#finish({ failed: 'label_hidden' });
    this.#deps.host.refresh();
    this.#evidence = new Evidence(now, this.#deps.host.status());
    this.#evidence.box(this.#card.measure());
    this.#check_ms = now + CHECK_MS;
    this.#guard(this.#endMs() - now + OVERTIME_MS, () => this.#close());
    this.#told.started();
  }

  #check() {
    this.#check_ms += CHECK_MS;
    if (!this.#card.labelVisible()) return this.#finish({ failed: 'label_hidden' });
    this.#evidence.box(this.#card.measure());
    this.#deps.host.refresh();
    this.#told.progress(this.#evidence.painted_ms, this.#evidence.frames);
  }

  #leave(now) {
    const end = this.#endMs();
    if (!this.#leaving && now >= end - this.#card.exitMs()) {
      this.#leaving = true;
      // The last check comes before the exit: a card that fades is no longer fully there.
      this.#check_ms = Infinity;
      if (!this.#card.labelVisible()) return this.#finish({ failed: 'label_hidden' });
      this.#card.leave();
    }
    if (now >= end) this.#close();
  }

  #close() {
    if (this.#counts()) this.#finish({ evidence: this.#measured() });
    else this.#finish({ failed: 'not_painted' });
  }

  #counts() {
    return this.#evidence !== null && this.#evidence.painted_ms >= claimThreshold(this.#told.creative.content.kind);
  }

  #measured() {
    return this.#evidence.result(this.#deps.host.status().streaming);
  }

  #endMs() {
    return this.#began_ms + this.#told.creative.duration_ms;
  }

  #guard(ms, work) {
    if (this.#timer !== null) this.#deps.clearTimer(this.#timer);
    this.#timer = this.#deps.setTimer(work, Math.max(0, ms));
  }

  #finish(outcome) {
    if (this.#done) return;
    this.stop();
    this.#told.over(outcome);
  }
}
