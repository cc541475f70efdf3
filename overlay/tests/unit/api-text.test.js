// Descriptions become a tree in which nothing runs; JSON is laid out without changing a digit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credentialFrom } from '../../api/credential.js';
import { fault, layout, pretty } from '../../api/json.js';
import { blocks, inline, isSafe, plain, topics } from '../../api/markdown.js';

test('the subset: code, strong, emphasis, links, lists, fences', () => {
  assert.deepEqual(inline('a `b *c*` **d** *e* [f](https://g.example/)'), [
    { kind: 'text', text: 'a ' },
    { kind: 'code', text: 'b *c*' },
    { kind: 'text', text: ' ' },
    { kind: 'strong', parts: [{ kind: 'text', text: 'd' }] },
    { kind: 'text', text: ' ' },
    { kind: 'emphasis', parts: [{ kind: 'text', text: 'e' }] },
    { kind: 'text', text: ' ' },
    { kind: 'link', address: 'https://g.example/', parts: [{ kind: 'text', text: 'f' }] },
  ]);
  assert.deepEqual(blocks('a\nb\n\n- c\n  d\n- e\n\n1. f\n\n```\n<x>\n\n*y*\n```\n## g').map(({ kind, text, ordered }) => text ?? ordered ?? kind), [
    'paragraph', false, true, '<x>\n\n*y*', 'heading',
  ]);
  assert.equal(plain(blocks('a\nb')[0].parts), 'a b');
});

test('what is not Markdown stays as it is', () => {
  for (const text of ['2 * 3 * 4', 'a_b_c', '**', '``', '[a]', '[a](b', '*', 'x`y', '<b>bold</b>', '&lt;', '** a **']) {
    assert.equal(plain(inline(text)), text);
    assert.ok(inline(text).every(({ kind }) => kind === 'text'), text);
  }
});

test('no link leads to a script, to another origin by a trick, or to a file', () => {
  const bad = [
    'javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)', '\u0001javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd',
    '//evil.example', '/\\evil.example', '\\\\evil.example', 'https:evil', 'http:///evil', 'evil.example', 'mailto:a@b', '', 'blob:x', '/\t/evil.example',
  ];
  for (const address of bad) {
    assert.equal(isSafe(address), false, address);
    assert.ok(!JSON.stringify(inline(`[x](${address})`)).includes('"kind":"link"'), address);
  }
  for (const address of ['https://a.example', 'http://a.example/b?c#d', '/api/docs', '#problem-invalid', '/']) assert.equal(isSafe(address), true, address);
});

test('hostile text takes no long time and no deep stack', () => {
  const begun = performance.now();
  for (const piece of ['*', '**a', '[', '[a](', '`', '[a](#b', '- ', '***`[', '<a href=']) {
    const text = piece.repeat(20_000);
    assert.ok(blocks(text).length > 0);
  }
  assert.ok(performance.now() - begun < 3000, `${performance.now() - begun} ms`);
});

test('a description is cut into topics by the strong words that begin a paragraph', () => {
  const all = topics('Lead.\n\n**Money** is whole.\n\n**Errors.** They are told.\n\nMore of them.');
  assert.deepEqual(all.map(({ title, blocks: inside }) => [title, inside.map(({ parts }) => plain(parts).trim())]), [
    [null, ['Lead.']],
    ['Money', ['Money is whole.']],
    ['Errors', ['They are told.', 'More of them.']],
  ]);
});

test('JSON is laid out with the digits that came', () => {
  const text = '{"id":9007199254740993,"rate":{"amount_micros":-1.50e3,"currency":"INR"},"list":[],"deep":[{"a":"\\"}{,:"},[true,null]]}';
  const shown = layout(text).map((part) => part.text).join('');
  assert.equal(shown, [
    '{',
    '  "id": 9007199254740993,',
    '  "rate": { "amount_micros": -1.50e3, "currency": "INR" },',
    '  "list": [],',
    '  "deep": [',
    '    { "a": "\\"}{,:" },',
    '    [true, null]',
    '  ]',
    '}',
  ].join('\n'));
  assert.equal(shown.replace(/\s/g, ''), text.replace(/\s/g, ''));
  for (const kind of ['key', 'number', 'string', 'word', 'mark']) assert.ok(layout(text).some((part) => part.kind === kind), kind);
});

test('any value comes through the layout unchanged', () => {
  const values = [null, 0, '', 'a\u2028\n"\\', [], {}, [[]], [{}], { '': { '': [] } }, { a: 'x'.repeat(200), b: [1, 2, 3] }, [[[[1]]]], '👍'];
  for (const value of values) assert.deepEqual(JSON.parse(pretty(value)), value);
  assert.equal(layout('{"a":1'), null);
  assert.equal(layout(`${'['.repeat(400)}${']'.repeat(400)}`), null, 'too deep to lay out');
});

test('a mistake in JSON is told with its place', () => {
  assert.equal(fault('{}'), null);
  assert.match(fault('{\n  "a": 1,\n}'), /line 3, column 1/);
  assert.match(fault('{'), /^is not JSON: /);
});

test('a key is found in what people paste', () => {
  const key = 'gt_brand_0123456789abcdef';
  for (const pasted of [key, ` ${key}\n`, `Bearer ${key}`, `Authorization: Bearer ${key}`, `"${key}"`]) assert.equal(credentialFrom(pasted), key);
  for (const pasted of ['', 'short', 'two words here', 'naïve-key-naïve', '<script>alert(1)</script>']) assert.equal(credentialFrom(pasted), null);
});
