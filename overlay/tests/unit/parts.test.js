// The small pure parts: reload guard, colours, geometry, QR layout.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contrast, palette, rgb } from '../../source/color.js';
import { coverage } from '../../source/evidence.js';
import { labelVisible } from '../../source/label.js';
import { layout, locate } from '../../source/qr.js';
import { Reloader } from '../../source/reload.js';
import { scaleOf } from '../../source/stage.js';
import { FakeStorage, World } from './fakes.js';

function reloader(storage, world = new World()) {
  const seen = { reloads: 0, idle: true };
  const it = new Reloader({
    ...world,
    storage: () => storage,
    reload: () => (seen.reloads += 1),
    idle: () => seen.idle,
    random: () => 0.5,
  });
  return { it, world, seen };
}

test('reloads after a random wait, and only when nothing plays', () => {
  const { it, world, seen } = reloader(new FakeStorage());
  seen.idle = false;
  it.settle();
  it.want();
  it.want();
  world.pass(9_999);
  it.settle();
  assert.equal(seen.reloads, 0, 'not yet');
  world.pass(1);
  assert.equal(seen.reloads, 0, 'something plays');
  it.settle();
  it.settle();
  assert.equal(seen.reloads, 1);
});

test('a page that is told again at once waits, and then tries again', () => {
  const [storage, world] = [new FakeStorage(), new World()];
  const first = reloader(storage, world);
  first.it.want();
  world.pass(10_000);
  assert.equal(first.seen.reloads, 1);
  // Loaded again, from a server that is as old as the last one; each of its connections is told to reload.
  const again = reloader(storage, world);
  for (let minute = 0; minute < 10; minute += 1) {
    again.it.want();
    world.pass(60_000);
  }
  assert.equal(again.seen.reloads, 0, 'no loop');
  world.pass(10_000);
  assert.equal(again.seen.reloads, 1, 'but not blank for ever');
});

test('without a storage it does not reload: a loop could not be seen', () => {
  const { it, world, seen } = reloader({
    getItem() {
      throw new Error('denied');
    },
  });
  it.want();
  world.pass(3_600_000);
  assert.equal(seen.reloads, 0);
  const full = reloader({
    getItem: () => null,
    setItem() {
      throw new Error('full');
    },
  });
  full.it.want();
  full.world.pass(3_600_000);
  assert.equal(full.seen.reloads, 0);
});

const numbers = (css) => css.match(/[\d.]+/g).slice(0, 3).map(Number);

test('every accent gives a readable pill and a mark that can be seen', () => {
  for (const accent of ['#000000', '#ffffff', '#1a1a2e', '#ff0000', '#777777', '#0000ff', 'rubbish']) {
    const { mark, ink } = palette(accent);
    assert.ok(contrast(numbers(mark), numbers(ink)) >= 4.5, accent);
    assert.ok(contrast(numbers(mark), [14, 17, 22]) >= 2.9, accent);
  }
  assert.deepEqual(rgb('#Ff8a3D'), [255, 138, 61]);
});

test('the label is readable on the brightest wash', () => {
  const wash = [21, 26, 34].map((part) => part + (255 - part) * 0.16);
  assert.ok(contrast([214, 221, 230], wash) >= 4.5);
});

test('coverage is the part of the box inside the page', () => {
  const page = { width: 1000, height: 1000 };
  assert.deepEqual(coverage({ left: 100, top: 100, right: 300, bottom: 200 }, page), {
    in_view_percent: 100,
    area_ppm: 20_000,
  });
  assert.deepEqual(coverage({ left: -100, top: 0, right: 100, bottom: 100 }, page), {
    in_view_percent: 50,
    area_ppm: 10_000,
  });
  assert.equal(coverage({ left: 2000, top: 0, right: 2100, bottom: 100 }, page).in_view_percent, 0);
  assert.equal(coverage({ left: 0, top: 0, right: 0, bottom: 0 }, page).in_view_percent, 0);
});

test('the design space fits the shorter way, and stands upright on a vertical page', () => {
  assert.equal(scaleOf(1920, 1080), 1);
  assert.equal(scaleOf(3840, 2160), 2);
  assert.equal(scaleOf(1080, 1920), 1);
  assert.equal(scaleOf(720, 1280), 720 / 1080);
  assert.equal(scaleOf(0, 0), 0);
  assert.equal(scaleOf(800, 600), 800 / 1920);
});

/** A picture of a 25-module code with a quiet zone of `quiet` modules, at `px` pixels a module. */
function code(quiet, px) {
  const side = (25 + 2 * quiet) * px;
  const at = (pixel) => Math.floor(pixel / px) - quiet;
  const dark = (x, y) => {
    const [column, row] = [at(x), at(y)];
    if (column < 0 || row < 0 || column >= 25 || row >= 25) return false;
    const finder = row === 0 ? column < 7 || column > 17 : column === 0 && (row < 7 || row > 17);
    return finder || (row > 8 && row < 20 && (row * 7 + column * 3) % 5 < 2) || (row === 24 && column < 7);
  };
  return locate(side, dark);
}

test('a code is 240 px with four quiet modules, whatever quiet zone the picture brings', () => {
  for (const quiet of [0, 2, 4]) {
    const found = code(quiet, 8);
    assert.equal(found.modules, 25);
    const { picture, tile } = layout(found);
    assert.equal(Math.round((picture * 25) / (25 + 2 * quiet)), 240);
    assert.equal(Math.round(tile), Math.round(240 + 8 * 9.6));
  }
  assert.equal(locate(100, () => false), null);
  assert.deepEqual(layout(null), { picture: 240, tile: 320 });
});

/** A label in a slot in a body, each with a style to be changed. */
function scene() {
  const plain = { display: 'block', visibility: 'visible', opacity: '1', filter: 'none', clipPath: 'none' };
  const box = (left, top, width, height) => ({ left, top, width, height, right: left + width, bottom: top + height });
  const body = { style: { ...plain }, parentElement: null };
  const host = { style: { ...plain }, parentElement: body, box: box(100, 800, 600, 200) };
  const label = { style: { ...plain }, isConnected: true, textContent: 'Ad · Northwind', box: box(130, 830, 180, 30) };
  for (const part of [host, label]) part.getBoundingClientRect = () => part.box;
  const view = {
    innerWidth: 1920,
    innerHeight: 1080,
    getComputedStyle: (element) => element.style,
    document: { body, documentElement: null, elementFromPoint: () => host },
  };
  const visible = () => labelVisible({ label, host, height_px_min: 27, slack_px: 36, view });
  return { body, host, label, view, visible, box };
}

test('the label check sees what hides it', () => {
  assert.equal(scene().visible(), true);
  const hide = {
    'body display': (it) => (it.body.style.display = 'none'),
    'host visibility': (it) => (it.host.style.visibility = 'hidden'),
    'opacities that multiply': (it) => {
      it.body.style.opacity = '0.97';
      it.host.style.opacity = '0.97';
    },
    'host filter': (it) => (it.host.style.filter = 'opacity(0)'),
    'body clip': (it) => (it.body.style.clipPath = 'circle(0)'),
    'host mask': (it) => (it.host.style.maskImage = 'linear-gradient(#000, #0000)'),
    'label style': (it) => (it.label.style.display = 'none'),
    'too small': (it) => (it.label.box = it.box(130, 830, 60, 10)),
    'off the page': (it) => (it.label.box = it.box(-150, 830, 180, 30)),
    'out of a slot made small': (it) => (it.host.box = it.box(100, 700, 10, 10)),
    'covered': (it) => (it.view.document.elementFromPoint = () => ({})),
    'empty': (it) => (it.label.textContent = ' '),
    'taken out': (it) => (it.label.isConnected = false),
  };
  for (const [name, change] of Object.entries(hide)) {
    const it = scene();
    change(it);
    assert.equal(it.visible(), false, name);
  }
});
