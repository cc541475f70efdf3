// Draws a creative as detached DOM: text is only ever text, pictures and videos only ever come from the
// server's own origin. Each builder returns the card, the parts that move, and a promise that settles
// when the card can be shown within one frame.

import { palette } from './color.js';
import { measure } from './qr.js';

const LONG_HEADLINE = 34;
const QR_WIDE_FROM = 46;
// The largest picture by placement, and how far a small one may be blown up.
// They keep a card below a tenth of the screen for the usual banner formats.
const BOX = { lower_third: [1080, 200], corner: [480, 400], ticker: [1240, 104] };
const UPSCALE_MAX = 1.6;

export class CreativeError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** The disclosure: always the word first, in full; a long brand gives way. */
export function label(creative) {
  return element('div', 'label', element('b', '', creative.label), element('i', '', ' · '), element('span', '', creative.brand));
}

function line(className, text) {
  const made = element('div', className);
  made.textContent = text;
  made.dir = 'auto';
  if (className === 'headline' && text.length > LONG_HEADLINE) made.dataset.long = '';
  return made;
}

function lines({ headline, body, link_text }) {
  const made = [];
  if (headline) made.push(line('headline', headline));
  if (body) made.push(line('body', body));
  if (link_text) made.push(line('link', link_text));
  return made;
}

/** Only a path on our own origin; the content security policy says the same. */
function own(src) {
  if (typeof src !== 'string' || !/^\/(?![/\\])/.test(src)) throw new CreativeError('load');
  return src;
}

async function loadImage(image, src) {
  const loaded = new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new CreativeError('load'));
  });
  image.src = own(src);
  await loaded;
  try {
    await image.decode();
  } catch {
    throw new CreativeError('decode');
  }
}

function videoFailure(video) {
  const code = video.error?.code;
  if (code === 3) return 'decode';
  // "Not supported" also stands for a missing file; the codec itself tells which of the two it is.
  const codec = video.src.endsWith('.mp4') ? 'video/mp4; codecs="avc1.640028"' : 'video/webm; codecs="vp9"';
  return code === 4 && video.canPlayType(codec) === '' ? 'unsupported' : 'load';
}

function loadVideo(video, src) {
  video.muted = true;
  video.playsInline = true;
  video.disableRemotePlayback = true;
  video.preload = 'auto';
  return new Promise((resolve, reject) => {
    video.oncanplaythrough = resolve;
    video.onerror = () => reject(new CreativeError(videoFailure(video)));
    video.src = own(src);
    video.load();
  });
}

function picture(name, { width, height }, placement) {
  const made = element(name, 'picture');
  const [width_max, height_max] = BOX[placement] ?? BOX.corner;
  const scale = Math.min(width_max / width, height_max / height, UPSCALE_MAX);
  made.style.width = `min(${Math.round(width * scale)}px, var(--strip))`;
  made.style.aspectRatio = `${width} / ${height}`;
  return made;
}

function media(creative, card) {
  const { content, placement } = creative;
  const shown = picture(content.kind === 'video' ? 'video' : 'img', content, placement);
  const mark = element('div', 'mark');
  const disclosure = label(creative);
  card.append(shown, element('div', 'row', element('div', 'foot', mark, disclosure)));
  card.classList.add('media');
  const video = content.kind === 'video' ? shown : null;
  const ready = video ? loadVideo(video, content.src) : loadImage(shown, content.src);
  return { mark, label: disclosure, moving: [], video, ready };
}

function copy(creative, card) {
  const mark = element('div', 'mark');
  const disclosure = label(creative);
  const written = lines(creative.content);
  if (creative.placement === 'ticker') return ticker(creative, card, { mark, disclosure, written });
  card.append(mark, element('div', 'copy', disclosure, ...written));
  return { mark, label: disclosure, moving: written, video: null, ready: Promise.resolve() };
}

/** A strip is too low for a code that could be scanned, so there the address in words stands for it. */
function ticker(creative, card, { mark, disclosure, written }) {
  const link = written.find((part) => part.className === 'link');
  const slides = element('div', 'slides', ...written.filter((part) => part !== link));
  card.append(mark, disclosure, element('div', 'rule'), slides);
  if (link) card.append(link);
  card.classList.add('text');
  return { mark, label: disclosure, moving: [], slides, video: null, ready: Promise.resolve() };
}

function qr(creative, card) {
  if (creative.placement === 'ticker') return copy(creative, card);
  const { content } = creative;
  const image = element('img');
  const tile = element('div', 'tile', image);
  const disclosure = label(creative);
  const written = lines(content);
  if (content.headline.length + content.body.length > QR_WIDE_FROM) card.dataset.wide = '';
  card.append(tile, element('div', 'copy', disclosure, ...written));
  const ready = loadImage(image, content.qr_src).then(() => {
    const size = measure(image);
    const px = (value) => `${value.toFixed(2)}px`;
    tile.style.cssText = `min-width:${px(size.tile)};min-height:${px(size.tile)}`;
    image.style.cssText = `width:${px(size.picture)};height:${px(size.picture)}`;
  });
  return { mark: null, label: disclosure, moving: [], video: null, ready };
}

const DRAW = { image: media, video: media, text: copy, qr };

/** The card of a creative and its parts. Throws a CreativeError for what this build can not draw. */
export function draw(creative) {
  const { content, placement } = creative;
  if (!Object.hasOwn(DRAW, content?.kind) || !Object.hasOwn(BOX, placement)) throw new CreativeError('unsupported');
  const card = element('div', `card ${placement} ${content.kind}`);
  const colors = palette(creative.accent);
  card.style.cssText = `--mark:${colors.mark};--ink:${colors.ink};--wash:${colors.wash};--none:${colors.none}`;
  const parts = DRAW[content.kind](creative, card);
  return { card, ...parts };
}
