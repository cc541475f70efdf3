// What can be known in OBS, including the cases in which it says nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from '../../source/host.js';
import { fakeWindow } from './fakes.js';
import { words } from './golden.js';

const reads = (streaming) => ({ pluginVersion: '2.26.8', getStatus: (callback) => callback({ streaming }) });
const denied = { pluginVersion: '2.26.8', getStatus: (callback) => callback(null) };

function host(options) {
  const view = fakeWindow(options);
  const changes = [];
  const it = new Host(view, (seen) => changes.push(seen));
  return { view, it, changes };
}

test('names the program', () => {
  assert.deepEqual(host({ obs: reads(true) }).it.describe(), { kind: 'obs', plugin_version: '2.26.8', chrome: 127 });
  assert.deepEqual(host({ agent: 'X Chrome/103.0.1 OBS/30.0.0' }).it.describe(), { kind: 'obs_like', chrome: 103 });
  assert.deepEqual(host({ agent: 'Firefox' }).it.describe(), { kind: 'generic' });
});

test('a long version of the plugin is cut to what the server keeps', () => {
  const described = host({ obs: { pluginVersion: '9'.repeat(200) } }).it.describe();
  assert.equal(described.plugin_version.length, words.plugin_version_chars_max);
});

test('loaded while live without any event: unknown, then inferred once a frame ticks', () => {
  const { view, it, changes } = host({ obs: reads(true) });
  assert.deepEqual(it.status(), { active: 'unknown', visible: true, streaming: true });
  view.tick();
  assert.equal(it.status().active, 'inferred');
  assert.deepEqual(changes, [{ active: 'inferred', visible: true, streaming: true }]);
});

test('a page that is never painted infers nothing', () => {
  const { it } = host({ obs: reads(true) });
  assert.equal(it.status().active, 'unknown');
});

test('an event outweighs every inference', () => {
  const { view, it } = host({ obs: reads(true) });
  view.tick();
  view.fire('obsSourceActiveChanged', { active: false });
  assert.equal(it.status().active, 'inactive');
  view.fire('obsSourceActiveChanged', { active: true });
  assert.equal(it.status().active, 'active');
});

test('shown again without an active event is a preview: nothing is inferred', () => {
  const { view, it } = host({ obs: reads(true), hidden: true });
  assert.equal(it.status().active, 'unknown');
  view.setHidden(false);
  view.fire('obsSourceVisibleChanged', { visible: true });
  view.tick();
  assert.deepEqual(it.status(), { active: 'unknown', visible: true, streaming: true });
  view.fire('obsSourceActiveChanged', { active: true });
  assert.equal(it.status().active, 'active');
});

test('without OBS there is no such event, so being shown again is enough', () => {
  const { view, it } = host({ hidden: true });
  view.setHidden(false);
  view.tick();
  assert.deepEqual(it.status(), { active: 'inferred', visible: true });
});

test('a hidden source keeps no stale "active"', () => {
  const { view, it } = host({ obs: reads(true) });
  view.fire('obsSourceActiveChanged', { active: true });
  view.setHidden(true);
  assert.deepEqual(it.status(), { active: 'unknown', visible: false, streaming: true });
});

test('plugin 2.26.1 hides without hiding the document', () => {
  const { view, it } = host({ obs: reads(true) });
  view.tick();
  view.fire('obsSourceVisibleChanged', { visible: false });
  view.tick();
  assert.deepEqual(it.status(), { active: 'unknown', visible: false, streaming: true });
  view.fire('obsSourceVisibleChanged', { visible: true });
  assert.equal(it.status().visible, true);
});

test('permission level NONE: streaming is unknown until an event tells', () => {
  const { view, it } = host({ obs: denied });
  assert.equal('streaming' in it.status(), false);
  it.refresh();
  assert.equal('streaming' in it.status(), false);
  view.fire('obsStreamingStarted');
  assert.equal(it.status().streaming, true);
  view.fire('obsStreamingStopped');
  assert.equal(it.status().streaming, false);
});

test('a late answer does not undo a newer event', () => {
  let answer;
  const obs = { getStatus: (callback) => (answer = callback) };
  const { view, it } = host({ obs });
  view.fire('obsStreamingStarted');
  answer({ streaming: false });
  assert.equal(it.status().streaming, true);
});

test('broken getters and odd details do no harm', () => {
  const obs = {
    getStatus: () => {
      throw new Error('no');
    },
  };
  const { view, it, changes } = host({ obs });
  view.fire('obsSourceActiveChanged', null);
  view.fire('obsSourceActiveChanged', { active: 'yes' });
  view.fire('obsSourceVisibleChanged', {});
  assert.deepEqual(it.status(), { active: 'unknown', visible: true });
  assert.deepEqual(changes, []);
});

test('tells each change once', () => {
  const { view, changes } = host({ obs: reads(true) });
  view.fire('obsSourceActiveChanged', { active: true });
  view.fire('obsSourceActiveChanged', { active: true });
  assert.equal(changes.length, 1);
});
