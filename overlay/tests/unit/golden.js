// Reads the golden frames that the Rust tests read too.

import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../protocol/', import.meta.url);

export const words = JSON.parse(readFileSync(new URL('words.json', root), 'utf8'));

export function frame(name) {
  return JSON.parse(readFileSync(new URL(`overlay/${name}.json`, root), 'utf8'));
}

export function names(direction) {
  return readdirSync(new URL('overlay/', root))
    .filter((file) => file.startsWith(`${direction}_`))
    .map((file) => file.replace(/\.json$/, ''));
}
