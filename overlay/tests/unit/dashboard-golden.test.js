// The dashboard and the golden frames that the Rust tests read too: it understands each frame of
// the server, and each command it can send is one of theirs.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buttons } from '../../dashboard/buttons.js';
import { chips } from '../../dashboard/chips.js';
import { closing } from '../../dashboard/closing.js';
import { headline } from '../../dashboard/headline.js';
import { initial, reduce } from '../../dashboard/model.js';
import { isKnown } from '../../dashboard/reasons.js';
import { hostName } from '../../dashboard/words.js';

const root = new URL('../../protocol/', import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));
const frames = readdirSync(new URL('dashboard/', root)).map((file) => [file, read(`dashboard/${file}`)]);
const words = read('words.json');
const open = () => reduce(initial(), { type: 'link', link: { phase: 'open' } });

test('each frame of the server can be heard', () => {
  const heard = frames.filter(([file]) => file.startsWith('to_'));
  assert.ok(heard.length > 0);
  for (const [file, frame] of heard) {
    const model = reduce(open(), { type: 'frame', frame });
    assert.equal(model.link.phase, 'open', file);
    if (frame.type !== 'state') continue;
    assert.equal(chips(model.state, frame.server_ms, 'en').length, 4, file);
    assert.ok(headline(model.state, frame.server_ms, 'en').title, file);
    for (const play of frame.plays) if (play.reason !== null) assert.ok(isKnown(play.reason), play.reason);
  }
});

test('the buttons send the commands of the protocol, all of them', () => {
  const golden = frames.filter(([file]) => file.startsWith('from_command_')).map(([, frame]) => frame.command);
  const [, state] = frames.find(([file]) => file === 'to_state.json');
  const sent = [state, { ...state, paused: true }].flatMap((frame) =>
    buttons(reduce(open(), { type: 'frame', frame }), state.server_ms).map((button) => button.command));
  for (const command of golden) assert.ok(sent.some((each) => JSON.stringify(each) === JSON.stringify(command)), JSON.stringify(command));
  const names = new Set(golden.map((command) => command.name));
  for (const command of sent) assert.ok(names.has(command.name), command.name);
});

test('the closed lists have their words', () => {
  for (const reason of [...words.skip_reason, ...words.fail_reason]) assert.ok(isKnown(reason), reason);
  for (const kind of words.host_kind) assert.notEqual(hostName(kind), kind);
  for (const [name, code] of Object.entries(words.close)) {
    assert.equal(closing(code).again, code < 3500, name);
    assert.doesNotMatch(closing(code).sentence, /\(|Connection lost/, name);
  }
});
