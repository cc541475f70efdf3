// The place on the page: a design space of 1920x1080 scaled to the page, a slot at one of its corners,
// and in it a closed shadow root that custom CSS can move but not restyle. Empty while nothing plays.

import { Card } from './card.js';
import { draw, element } from './creatives.js';
import { lookSheet } from './look.js';

const LONG = 1920;
const SHORT = 1080;
const MARGIN = 0.05;
// In a strip of less than this there is no room for the label beside the text.
const NARROW_PX = 1300;

/** A vertical page turns the design space: scaled to its width as it stands, the cards would shrink to
 *  a third of their share of the screen, unreadable on a phone and below the area that counts. */
export function scaleOf(width, height) {
  const [across, down] = width < height ? [SHORT, LONG] : [LONG, SHORT];
  return Math.min(width / across, height / down) || 0;
}

export class Stage {
  #host = null;
  #frame = null;
  #creative = null;
  scale = 1;

  constructor() {
    window.addEventListener('resize', () => this.place());
  }

  get host() {
    return this.#host;
  }

  /** Loads and decodes; rejects with a CreativeError. The card is not on the page yet. */
  async prepare(creative) {
    const parts = draw(creative);
    const card = new Card(this, creative, parts);
    try {
      await parts.ready;
    } catch (error) {
      card.remove();
      throw error;
    }
    return card;
  }

  put(card, creative) {
    this.#remove();
    this.#creative = creative;
    this.#host = element('div');
    this.#host.id = 'gametriggers-slot';
    this.#frame = element('div', 'frame', card);
    const root = this.#host.attachShadow({ mode: 'closed' });
    root.adoptedStyleSheets = [lookSheet()];
    root.append(this.#frame);
    document.body.append(this.#host);
    this.place();
  }

  clear(card) {
    if (this.#frame && card.parentNode === this.#frame) this.#remove();
  }

  #remove() {
    this.#host?.remove();
    this.#host = null;
    this.#frame = null;
    this.#creative = null;
  }

  /** The slot stands at a corner of the real page, not of a letterboxed stage, so that a vertical canvas
   *  gets it where a viewer expects it. It has the size of the card, for whoever moves it by CSS. */
  place() {
    if (!this.#host) return;
    const [width, height] = [window.innerWidth, window.innerHeight];
    this.scale = scaleOf(width, height);
    const [edge, side] = this.#creative.corner.split('_');
    const frame = this.#frame.style;
    const strip = (width * (1 - 2 * MARGIN)) / this.scale;
    frame.setProperty('--strip', `${strip}px`);
    this.#frame.toggleAttribute('data-narrow', strip < NARROW_PX);
    frame.transformOrigin = '0 0';
    frame.transform = `scale(${this.scale})`;
    const slot = this.#host.style;
    slot.cssText = 'position:fixed;display:block;z-index:2147483647;margin:0;padding:0;border:0';
    slot[edge] = `${height * MARGIN}px`;
    slot[side] = `${width * MARGIN}px`;
    slot.width = `${this.#frame.offsetWidth * this.scale}px`;
    slot.height = `${this.#frame.offsetHeight * this.scale}px`;
  }
}
