// A browser with the OBS page in it, and everything that a test can see of the page: the frames of its
// socket, the slot with its closed shadow root, what it paints, and what it was forbidden.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { OBS_USER_AGENT, fakeObs } from '../../fake-obs.js';
import { until } from './until.js';

/** A missing browser is a failure: these tests are the only ones that see a real page. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}

/** Runs in the page before its scripts; sent as text, so it uses nothing from outside itself. */
function spy() {
  const seen = { frames: 0, violations: [], root: null, shown_at: null, gone_at: null };
  window.spy = seen;
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function attachShadow(options) {
    const root = attach.call(this, options);
    seen.root = root;
    return root;
  };
  const paint = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (work) => {
    seen.frames += 1;
    return paint(work);
  };
  // When an ad came and went, as the page sees it: what Node sees comes later on a busy machine.
  let stands = false;
  new MutationObserver(() => {
    if (stands === (document.getElementById('gametriggers-slot') !== null)) return;
    stands = !stands;
    seen[stands ? 'shown_at' : 'gone_at'] = Date.now();
  }).observe(document, { childList: true, subtree: true });
  document.addEventListener('securitypolicyviolation', (event) => {
    seen.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
}

/** Runs in the page: what stands in the slot, or null. */
export function look() {
  const slot = document.getElementById('gametriggers-slot');
  if (!slot) return null;
  const plain = ({ left, top, right, bottom, width, height }) => ({ left, top, right, bottom, width, height });
  const label = window.spy.root.querySelector('.label');
  return {
    label: label.textContent,
    label_box: plain(label.getBoundingClientRect()),
    box: plain(window.spy.root.querySelector('.card').getBoundingClientRect()),
    text: window.spy.root.textContent,
    page: { width: innerWidth, height: innerHeight },
  };
}

export class Overlay {
  #page;
  #frames = [];
  #sockets = 0;
  #errors = [];

  constructor(page) {
    this.#page = page;
    page.on('websocket', (socket) => {
      this.#sockets += 1;
      const note = (from) => ({ payload }) => this.#frames.push({ from, at: performance.now(), ...JSON.parse(payload) });
      socket.on('framesent', note('page'));
      socket.on('framereceived', note('server'));
    });
    page.on('pageerror', (error) => this.#errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.#errors.push(`${message.text()} ${message.location().url}`);
    });
  }

  /** @param obs what `fakeObs` takes; left out, the page is in a plain browser
   *  @param before further functions to run before the page's scripts, each `[work, argument]` */
  static async open(browser, url, { obs, width = 1280, height = 720, before = [], wait = true } = {}) {
    const agent = obs ? { userAgent: OBS_USER_AGENT } : {};
    const context = await browser.newContext({ viewport: { width, height }, ...agent });
    const scripts = [[spy], ...(obs ? [[fakeObs, obs]] : []), ...before];
    for (const [work, argument] of scripts) await context.addInitScript(work, argument);
    const overlay = new Overlay(await context.newPage());
    if (url) await overlay.go(url, wait);
    return overlay;
  }

  async go(url, wait = true) {
    await this.#page.goto(url);
    if (wait) await this.hears('welcome');
  }

  get page() {
    return this.#page;
  }

  get sockets() {
    return this.#sockets;
  }

  get errors() {
    return this.#errors;
  }

  close() {
    return this.#page.context().close();
  }

  /** Frames that the page sent, oldest first. */
  said(type) {
    return this.#frames.filter((frame) => frame.from === 'page' && frame.type === type);
  }

  /** Frames that the server sent, oldest first. */
  heard(type) {
    return this.#frames.filter((frame) => frame.from === 'server' && frame.type === type);
  }

  /** Waits for the first frame of a type, or a later one. */
  says(type, { ms = 10_000, nth = 1 } = {}) {
    return until(`the page says ${type} (${nth})`, () => this.said(type)[nth - 1], ms);
  }

  hears(type, { ms = 10_000, nth = 1 } = {}) {
    return until(`the page hears ${type} (${nth})`, () => this.heard(type)[nth - 1], ms);
  }

  /** The next claim and its answer. */
  async paid({ ms = 10_000, nth = 1 } = {}) {
    const ack = await this.hears('ack', { ms, nth });
    assert.equal(ack.result, 'settled', ack.reason);
    return { ack, claim: this.said('claim').find((claim) => claim.play_id === ack.play_id) };
  }

  /** What stands in the slot, or null. */
  slot() {
    return this.#page.evaluate(look);
  }

  /** Waits for an ad with its label. */
  shown(ms = 10_000) {
    return until('an ad is on the page', () => this.slot(), ms);
  }

  /** Waits until the slot is gone. */
  async gone(ms = 10_000) {
    await this.#page.waitForFunction(() => !document.getElementById('gametriggers-slot'), undefined, { timeout: ms, polling: 50 });
  }

  /** When the last ad came, in the page's `Date.now()`. */
  shownAt() {
    return this.#page.evaluate(() => window.spy.shown_at);
  }

  /** Waits until the slot is gone, and gives the moment in the page's `Date.now()`. */
  async goneAt() {
    await this.gone();
    return this.#page.evaluate(() => window.spy.gone_at);
  }

  /** Drive the fake OBS: `obs('setActive', true)`. */
  obs(method, ...values) {
    return this.#page.evaluate(([name, args]) => window.fakeObs[name](...args), [method, values]);
  }

  violations() {
    return this.#page.evaluate(() => window.spy.violations);
  }

  /** Numbers of the browser's own, over the developer tools. */
  async measure() {
    const session = await this.#page.context().newCDPSession(this.#page);
    // Time on the processor: a page that waits for its turn does no work.
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    return {
      session,
      async read() {
        const { metrics } = await session.send('Performance.getMetrics');
        return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
      },
    };
  }

  /** How many pixels of the page are not fully transparent. */
  async painted() {
    const png = await this.#page.screenshot({ omitBackground: true });
    const context = await this.#page.context().browser().newContext();
    try {
      const page = await context.newPage();
      return await page.evaluate(countPainted, png.toString('base64'));
    } finally {
      await context.close();
    }
  }
}

/** Runs in an empty page. */
async function countPainted(png) {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
  canvas.drawImage(picture, 0, 0);
  const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
  let painted = 0;
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) painted += 1;
  return painted;
}

/** The disclosure: there, within the page, and large enough to be read. */
export function assertDisclosed(slot, { label = 'Ad', brand } = {}) {
  assert.ok(slot.label.startsWith(`${label} · `), slot.label);
  if (brand) assert.equal(slot.label, `${label} · ${brand}`);
  for (const box of [slot.box, slot.label_box]) {
    assert.ok(box.left >= 0 && box.top >= 0, JSON.stringify(box));
    assert.ok(box.right <= slot.page.width && box.bottom <= slot.page.height, JSON.stringify(box));
  }
  assert.ok(slot.label_box.width > 20 && slot.label_box.height >= 10, JSON.stringify(slot.label_box));
}
