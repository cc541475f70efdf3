// What is measured while a creative is on screen. Pure: time and boxes are parameters.

import { ACTIVE } from './messages.js';

// Longer than this between two frames is a gap: the page was not painted. OBS may run a source at a
// few frames a second, which is slow but continuous.
const GAP_MS = 500;

export class Evidence {
  #last_ms;
  #run = { painted_ms: 0, frames: 0 };
  #best = { painted_ms: 0, frames: 0 };
  #in_view_percent = 100;
  #area_ppm = 1e6;
  #lowest;
  #streaming;

  constructor(now_ms, seen) {
    this.#last_ms = now_ms;
    this.#lowest = seen.active;
    this.#streaming = seen.streaming;
  }

  get painted_ms() {
    return this.#best.painted_ms;
  }

  get frames() {
    return this.#best.frames;
  }

  /** One animation frame. `moving` is false while a video stands still for want of data. */
  frame(now_ms, moving = true) {
    const passed = now_ms - this.#last_ms;
    this.#last_ms = now_ms;
    if (passed > GAP_MS || !moving) {
      this.#run = { painted_ms: 0, frames: 0 };
      return;
    }
    this.#run.painted_ms += Math.max(0, passed);
    this.#run.frames += 1;
    if (this.#run.painted_ms >= this.#best.painted_ms) this.#best = { ...this.#run };
  }

  /** Where the creative stands; the worst moment counts. */
  box({ in_view_percent, area_ppm }) {
    this.#in_view_percent = Math.min(this.#in_view_percent, in_view_percent);
    this.#area_ppm = Math.min(this.#area_ppm, area_ppm);
  }

  /** The place in OBS has changed while on screen; the lowest state counts. */
  seen({ active }) {
    if (ACTIVE.indexOf(active) < ACTIVE.indexOf(this.#lowest)) this.#lowest = active;
  }

  /** The measurements for the claim. `streaming` is whether OBS streams at the end. */
  result(streaming) {
    const measured = {
      painted_ms: this.#best.painted_ms,
      frames: this.#best.frames,
      in_view_percent: this.#in_view_percent,
      area_ppm: this.#area_ppm,
      label_visible: true,
      active: this.#lowest,
    };
    const both = [this.#streaming, streaming];
    if (both.includes(false)) measured.streaming = false;
    else if (both.every((value) => value === true)) measured.streaming = true;
    return measured;
  }
}

/** The share of a box inside the page, and of the page inside the box. */
export function coverage(box, page) {
  const width = Math.max(0, Math.min(box.right, page.width) - Math.max(box.left, 0));
  const height = Math.max(0, Math.min(box.bottom, page.height) - Math.max(box.top, 0));
  const whole = (box.right - box.left) * (box.bottom - box.top);
  const canvas = page.width * page.height;
  return {
    in_view_percent: whole > 0 ? Math.floor(((width * height) / whole) * 100 + 1e-6) : 0,
    area_ppm: canvas > 0 ? Math.round(((width * height) / canvas) * 1e6) : 0,
  };
}
