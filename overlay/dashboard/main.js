// The dashboard: joins the key, the link, the model and the views. Everything that happens becomes
// an event for the model; the page is drawn at most once a frame from what the model says.

import { drawBanner, drawChips, drawEarnings, drawLink } from './board-view.js';
import { buildControls, drawControls } from './controls-view.js';
import { byId, setAttribute } from './element.js';
import { buildGate, hideGate, showGate } from './gate.js';
import { ticks } from './headline.js';
import { forgetKey, rememberKey, takeKey } from './key.js';
import { Link } from './link.js';
import { drawName, drawOverlays, drawPlays } from './lists-view.js';
import { initial, reduce } from './model.js';
import { drawNow } from './now-view.js';
import { ServerClock } from './clock.js';
import { speak, toast } from './announce.js';
import { Ticker } from './ticker.js';
import { buildVolume, drawVolume, sendVolume, volumeWords } from './volume.js';

const ANSWER_MS = 10_000;
const TEST_MS = 20_000;
const LOCALE = navigator.language;

let model = initial();
let drawn = nothingDrawn();
let commands = 0;
let inUse = null;

const clock = new ServerClock();
const ticker = new Ticker(tick);
const link = new Link({
  address: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/dashboard`,
  onFrame: hear,
  onPhase: (phase) => apply({ type: 'link', link: phase }),
});

function nothingDrawn() {
  return { state: null, said: '', noticed: 0, asked: 0 };
}

function hear(frame) {
  if (frame.type === 'welcome') clock.reset();
  if ('server_ms' in frame) clock.hear(frame.server_ms);
  if (frame.type !== 'heartbeat') apply({ type: 'frame', frame });
}

function apply(event) {
  model = reduce(model, event);
  if (drawn.asked === 0) drawn.asked = requestAnimationFrame(draw);
  // A hidden page gets no animation frame; what can not be seen is drawn when it is shown.
}

function now() {
  return clock.now() ?? model.state?.server_ms ?? 0;
}

function draw() {
  drawn.asked = 0;
  drawLink(model);
  setAttribute(byId('board'), 'data-empty', model.state === null ? '' : null);
  drawBanner(model, LOCALE);
  if (model.link.phase === 'stopped' && model.link.remedy === 'key' && byId('gate').hidden) {
    forgetKey();
    showGate(model.link.sentence);
  }
  drawControls(model, now());
  drawMoving();
  if (model.state !== null && model.state !== drawn.state) {
    drawn.state = model.state;
    drawName(model.state);
    drawVolume(model.state);
    drawEarnings(model.state, LOCALE);
    drawOverlays(model.state, LOCALE);
    drawPlays(model.state, LOCALE);
  }
  for (const notice of model.notices) if (notice.number > drawn.noticed) toast(notice);
  drawn.noticed = model.noticed;
  // While the link is down the picture stands still: a countdown would promise what nobody knows.
  ticker.want(model.link.phase === 'open' && ticks(model.state));
}

function tick() {
  drawControls(model, now());
  drawMoving();
}

function drawMoving() {
  if (model.state !== null) drawChips(model.state, now(), LOCALE);
  const view = drawNow(model, now(), LOCALE);
  const said = `${view.eyebrow}: ${view.title}.`;
  if (model.state !== null && said !== drawn.said) {
    drawn.said = said;
    document.title = `${view.title} – Gametriggers`;
    speak('headline', said);
  }
}

function command(wish) {
  commands += 1;
  const id = `${commands}-${Math.random().toString(36).slice(2, 10)}`;
  apply({ type: 'sent', id, command: wish });
  if (!link.send({ type: 'command', id, command: wish })) apply({ type: 'unanswered', id });
  setTimeout(() => apply({ type: 'unanswered', id }), ANSWER_MS);
  if (wish.name === 'test') setTimeout(() => apply({ type: 'untested', id }), TEST_MS);
}

async function setVolume(percent) {
  const [streamer, key] = [model.state.streamer_id, inUse];
  const ok = await sendVolume({ key, streamer, percent });
  if (key !== inUse) return;
  // The slider goes back to what is in force.
  if (!ok) drawn.state = null;
  apply({ type: 'volume', ok, words: volumeWords(percent) });
}

function begin(key) {
  model = initial();
  inUse = key;
  drawn = { ...nothingDrawn(), asked: drawn.asked };
  clock.reset();
  hideGate();
  link.start(key);
}

buildControls(model, command);
buildVolume(setVolume);
buildGate((key) => {
  rememberKey(key);
  begin(key);
});
byId('banner-action').addEventListener('click', () => (model.link.phase === 'stopped' ? location.reload() : link.retryNow()));
byId('forget').addEventListener('click', () => {
  forgetKey();
  link.stop();
  model = initial();
  draw();
  showGate();
});
window.addEventListener('hashchange', () => {
  if (location.hash.includes('k=')) begin(takeKey());
});

const key = takeKey();
if (key === null) {
  draw();
  showGate();
} else {
  begin(key);
}
