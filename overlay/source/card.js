// A prepared creative: put on the page, looked at, taken off. The player knows creatives only by this.

import { coverage } from './evidence.js';
import { labelVisible } from './label.js';
import * as motions from './motion.js';

const STALL_MS = 500;
const FADE_IN_MS = 400;
const LABEL_LINE_PX = 30;
// Rounding and a zoom of the page may take a little of the label's height; more is restyling.
const LABEL_HEIGHT_MIN = 0.9;

export class Card {
  #stage;
  #parts;
  #creative;
  #how = { motion: 'full', edge: 'bottom', still: false };
  #volume = 0;
  #shown_ms = 0;
  #video_frame_ms = null;
  #broken = false;

  constructor(stage, creative, parts) {
    this.#stage = stage;
    this.#creative = creative;
    this.#parts = parts;
  }

  show({ motion, volume_percent }) {
    const { content, corner, duration_ms } = this.#creative;
    this.#how = { motion, edge: corner.startsWith('top') ? 'top' : 'bottom', still: content.kind === 'qr' };
    this.#stage.put(this.#parts.card, this.#creative);
    this.#arrangeSlides(duration_ms);
    const { card, mark, moving, video } = this.#parts;
    motions.enter({ card, mark, lines: moving }, this.#how);
    if (video) this.#startVideo(video, volume_percent, duration_ms);
  }

  /** A strip shows both lines side by side when they fit and lets them take turns when not. */
  #arrangeSlides(duration_ms) {
    const { card, slides } = this.#parts;
    if (!slides || slides.scrollWidth <= slides.clientWidth) return;
    slides.dataset.turns = '';
    card.dataset.full = '';
    this.#stage.place();
    if (slides.children.length === 2) motions.takeTurns([...slides.children], duration_ms, this.#how.motion);
  }

  #startVideo(video, volume_percent, duration_ms) {
    // The clip may be a little shorter than its time on screen: then the last picture stays.
    video.loop = Number.isFinite(video.duration) && video.duration * 1000 < duration_ms - 1500;
    this.#shown_ms = performance.now();
    this.volume(volume_percent);
    const seen = (now) => {
      this.#video_frame_ms = now;
      if (video.isConnected) video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
    video.onerror = () => {
      this.#broken = true;
    };
    video.play().catch(() => {
      // Outside OBS a page may not start sound by itself: the picture goes on without it.
      video.muted = true;
      video.play().catch(() => {
        this.#broken = true;
      });
    });
  }

  /** Loudness in percent; 0 is silent. */
  volume(percent) {
    const { video } = this.#parts;
    if (!video) return;
    this.#volume = Math.min(100, Math.max(0, percent)) / 100;
    video.muted = this.#volume === 0;
    this.#fadeIn(performance.now());
  }

  #fadeIn(now) {
    const share = Math.min(1, Math.max(0, (now - this.#shown_ms) / FADE_IN_MS));
    this.#parts.video.volume = this.#volume * share;
  }

  /** The creative can no longer be shown. */
  broken() {
    return this.#broken;
  }

  /** Its first picture has gone to the screen. */
  presented() {
    return !this.#parts.video || this.#video_frame_ms !== null;
  }

  /** False while a video waits for data. Called once a frame. */
  moving(now) {
    const { video } = this.#parts;
    if (!video) return true;
    if (!video.muted && video.volume < this.#volume) this.#fadeIn(now);
    return video.ended || now - this.#video_frame_ms < STALL_MS;
  }

  labelVisible() {
    const { label } = this.#parts;
    const { host, scale } = this.#stage;
    const height_px_min = LABEL_LINE_PX * scale * LABEL_HEIGHT_MIN;
    return labelVisible({ label, host, height_px_min, slack_px: motions.RISE_PX * scale, view: window });
  }

  measure() {
    return coverage(this.#parts.card.getBoundingClientRect(), { width: innerWidth, height: innerHeight });
  }

  exitMs() {
    return motions.exitMs(this.#how.motion);
  }

  leave() {
    motions.leave(this.#parts.card, this.#how);
  }

  remove() {
    const { card, video } = this.#parts;
    this.#stage.clear(card);
    if (!video) return;
    video.onerror = null;
    video.oncanplaythrough = null;
    video.pause();
    // Without these two lines the decoder stays alive until some later garbage collection.
    video.removeAttribute('src');
    video.load();
  }
}
