// The page as a whole: its weight, its size, and that it runs in Chrome 103, the oldest engine in OBS.
// A current test browser would not notice an API that is too new.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const folder = new URL('../../source/', import.meta.url);
const files = readdirSync(folder).map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));
const scripts = files.filter(({ name }) => name.endsWith('.js'));
const index = files.find(({ name }) => name === 'index.html').text;

const TOO_NEW = [
  /:has\(/,
  /@container|container-type/,
  /@layer|@scope|@starting-style/,
  /color-mix|oklch|lch\(/,
  /text-wrap|field-sizing|interpolate-size/,
  /\d(?:dvh|svh|lvh|dvw|cqw)\b/,
  /[;{]\s*(?:translate|scale|rotate)\s*:/,
  /\blinear\(\s*[\d.]/,
  /popover/i,
  /Promise\.(?:withResolvers|try)/,
  /\.(?:toSorted|toReversed|toSpliced|with)\(/,
  /\.(?:union|intersection|difference|isSubsetOf)\(/,
  /Object\.groupBy|Map\.groupBy|Array\.fromAsync/,
  /startViewTransition|scheduler\.yield|URL\.canParse|AbortSignal\.any/,
  /import .* (?:with|assert) \{/,
  /setHTMLUnsafe|moveBefore|checkVisibility|togglePopover/,
  /structuredClone\(.*transfer/,
  /\/[a-z]*v[a-z]*\.test/,
];

test('html, css and js weigh at most 40 KB compressed', () => {
  const total = files.reduce((sum, { text }) => sum + gzipSync(text).length, 0);
  assert.ok(total <= 40 * 1024, `${total} bytes`);
});

test('nothing newer than Chrome 103', () => {
  for (const { name, text } of files) {
    for (const pattern of TOO_NEW) assert.doesNotMatch(text, pattern, name);
  }
});

test('no markup from text, no foreign address, no global that OBS needs, no wall clock', () => {
  for (const { name, text } of scripts) {
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
    assert.doesNotMatch(text, /https?:\/\//, name);
    assert.doesNotMatch(text, /obsCSS/, name);
    if (name !== 'debug.js') assert.doesNotMatch(text, /Date\.now|new Date|setInterval/, name);
  }
});

test('the page names an icon, so that no browser asks for one that is not there', () => {
  assert.match(index, /<link rel="icon" href="data:,">/);
});

test('modules import each other by relative path, and all of them are preloaded', () => {
  const imported = new Set();
  for (const { name, text } of scripts) {
    for (const [, path] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      assert.match(path, /^\.\/[a-z_]+\.js$/, name);
      imported.add(path.slice(2));
    }
  }
  imported.delete('debug.js');
  const preloaded = [...index.matchAll(/modulepreload" href="\/overlay\/\{\{build\}\}\/([a-z_]+\.js)"/g)];
  assert.deepEqual(preloaded.map(([, name]) => name).sort(), [...imported].sort());
});

test('the page has a head, its build, and no inline script', () => {
  assert.match(index, /<head>/);
  assert.match(index, /<meta name="gametriggers-build" content="\{\{build\}\}">/);
  assert.match(index, /<link rel="stylesheet" href="\/overlay\/\{\{build\}\}\/stage\.css">/);
  assert.match(index, /<script type="module" src="\/overlay\/\{\{build\}\}\/main\.js"><\/script>/);
  assert.doesNotMatch(index, /<script(?![^>]*\bsrc=)/);
});

test('files say what they are for and stay small', () => {
  for (const { name, text } of scripts) {
    assert.match(text, /^\/\/ /, name);
    assert.ok(text.split('\n').length <= 500, name);
  }
});
