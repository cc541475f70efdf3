// The request that is put together of what is typed, and the curl command that a real shell reads.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { command, quoted } from '../../api/curl.js';
import { Memory } from '../../api/memory.js';
import { compose, pathOf } from '../../api/request.js';
import { uuid } from '../../api/uuid.js';

const NASTY = [
  "it's", '$(touch /tmp/x)', '`id`', '"; rm -rf ~; "', 'a\nb', 'a\\', '\\\'', '!!', '* ? [a-z] {a,b}', '~root', '-n', '--', '&& exit 1 || #', '$HOME ${PATH}', 'naïve 日本 🎮', '\t tab', '@/etc/passwd', '%s', '',
];

/** What curl would be given: the words, as bash splits the command. */
function words(line, environment = {}) {
  const script = `curl() { printf '%s\\0' "$@"; }\n${line}`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8', env: { ...process.env, ...environment } }).split('\0').slice(0, -1);
}

const OPERATION = {
  method: 'POST',
  path: '/api/things/{id}/parts',
  access: { open: false, scopes: [] },
  parameters: [
    { name: 'id', place: 'path', required: true },
    { name: 'q', place: 'query', required: false },
    { name: 'If-Match', place: 'header', required: false },
  ],
  body: { required: true, contents: [] },
};
const KEY = 'gt_brand_0123456789abcdef';
const WORLD = { origin: 'http://127.0.0.1:8080', credential: KEY };
const typed = (more) => ({ path: { id: '7' }, query: {}, header: {}, media: 'application/json', text: '{}', file: null, ...more });
const made = (more, operation = OPERATION) => compose(operation, typed(more), WORLD);

test('a shell gives back every word as it was', () => {
  for (const word of NASTY) assert.deepEqual(words(`curl ${quoted(word)}`), [word]);
  assert.equal(quoted('a\0b'), 'ab', 'a shell knows no NUL');
});

test('whatever is typed stays one word of the command, and in its place', () => {
  for (const word of NASTY) {
    const text = JSON.stringify({ word });
    const given = words(command(made({ path: { id: word || '1' }, query: { q: word }, header: { 'If-Match': word.replace(/[^ -~]/g, '') }, text }), { withKey: true }));
    const url = new URL(given[0] === '-g' ? given[1] : given[0]);
    assert.equal(url.origin, WORLD.origin);
    assert.equal(decodeURIComponent(url.pathname), `/api/things/${word || '1'}/parts`);
    assert.equal(url.searchParams.get('q') ?? '', word);
    assert.ok(given.includes(`Authorization: Bearer ${KEY}`));
    assert.equal(given.at(-2), '--data-raw');
    assert.equal(given.at(-1), text);
  }
});

test('the key stands in a variable until it is asked for', () => {
  const line = command(made({}));
  assert.ok(!line.includes(KEY));
  assert.ok(words(line, { GAMETRIGGERS_KEY: 'from the shell' }).includes('Authorization: Bearer from the shell'));
});

test('a path never leads elsewhere', () => {
  assert.equal(pathOf(OPERATION, { id: '../../admin?x=#y' }), '/api/things/..%2F..%2Fadmin%3Fx%3D%23y/parts');
  for (const id of ['.', '..']) assert.equal(made({ path: { id } }).faults[0].name, 'id');
  assert.equal(made({ path: { id: '' } }).faults[0].name, 'id');
  assert.equal(pathOf(OPERATION, {}), '/api/things/{id}/parts');
  assert.equal(pathOf(OPERATION, { id: '\ud800' }), '/api/things/%EF%BF%BD/parts', 'half a letter is no error');
});

test('JSON is looked at before it is sent, and sent as it was typed', () => {
  const fault = made({ text: '{ "a": 1,\n  b }' }).faults[0];
  assert.match(fault.message, /^is not JSON/);
  assert.match(made({ text: ' ' }).faults[0].message, /needed/);
  assert.equal(made({ text: '{"n": 9007199254740993}' }).body.text, '{"n": 9007199254740993}');
  const may = { ...OPERATION, body: { ...OPERATION.body, required: false } };
  assert.equal(made({ text: '' }, may).body, null);
  assert.ok(!made({ text: '' }, may).headers.some(([name]) => name === 'Content-Type'));
  assert.equal(made({ header: { 'If-Match': 'a\r\nX: b' } }).faults[0].name, 'If-Match');
});

test('files are named so that curl reads just them', () => {
  const file = { name: 'a;b,"c".png' };
  const raw = words(command(made({ media: 'application/octet-stream', file })));
  assert.deepEqual(raw.slice(-2), ['--data-binary', '@a;b,"c".png']);
  const form = words(command(made({ media: 'multipart/form-data', file })));
  assert.deepEqual(form.slice(-2), ['-F', 'file=@"a;b,\\"c\\".png"']);
  assert.ok(!form.some((word) => word.startsWith('Content-Type')), 'curl names the boundary');
  assert.equal(words(command(made({ media: 'application/octet-stream', file: { name: '-' } }))).at(-1), '@./-', 'not the standard input');
  assert.equal(made({ media: 'application/octet-stream' }).faults[0].message, 'choose a file');
});

test('verbs: curl is told what it would not do by itself', () => {
  const verb = (method, body, text = '') => words(command(made({ text }, { ...OPERATION, method, body })))[0];
  assert.equal(verb('GET', null), `${WORLD.origin}/api/things/7/parts`);
  assert.equal(verb('POST', { required: true }, '{}'), `${WORLD.origin}/api/things/7/parts`);
  assert.equal(verb('POST', null), '-X');
  assert.equal(verb('DELETE', null), '-X');
  assert.equal(words(command(made({ path: {} })))[0], '-g', 'braces that wait for a value are no list');
});

test('an ETag, what a path means and where a new thing is are remembered', () => {
  const memory = new Memory();
  const show = { ...OPERATION, path: '/api/things/{id}' };
  memory.learn(show, { path: { id: '9' } }, { path: '/api/things/9', etag: '"3"', location: null }, [show]);
  assert.equal(memory.etag('/api/things/9'), '"3"');
  assert.equal(memory.etag('/api/things/8'), '');
  assert.equal(memory.named('/api/things/{id}/parts', 'id'), '9');
  assert.equal(memory.named('/api/others/{id}', 'id'), '');
  memory.learn({ ...OPERATION, path: '/api/things' }, { path: {} }, { path: '/api/things', etag: null, location: '/api/things/10' }, [OPERATION, show]);
  assert.equal(memory.named('/api/things/{id}', 'id'), '10');
  for (let at = 0; at < 2000; at += 1) memory.learn(show, { path: {} }, { path: `/${at}`, etag: '"1"' }, []);
  assert.equal(memory.etag('/api/things/9'), '', 'the oldest are forgotten');
});

test('a fresh key is a UUID, and another one each time', () => {
  const keys = Array.from({ length: 100 }, uuid);
  for (const key of keys) assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(keys).size, 100);
});
