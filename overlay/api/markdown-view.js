// Draws the tree of a description.

import { make } from './element.js';
import { blocks, inline } from './markdown.js';

function drawPart(part) {
  switch (part.kind) {
    case 'code':
      return make('code', {}, part.text);
    case 'strong':
      return make('strong', {}, ...part.parts.map(drawPart));
    case 'emphasis':
      return make('em', {}, ...part.parts.map(drawPart));
    case 'link': {
      const away = /^https?:/i.test(part.address) ? { target: '_blank', rel: 'noopener noreferrer' } : {};
      return make('a', { href: part.address, ...away }, ...part.parts.map(drawPart));
    }
    default:
      return part.text;
  }
}

export const drawParts = (parts) => parts.map(drawPart);

function drawBlock(block) {
  switch (block.kind) {
    case 'list':
      return make(block.ordered ? 'ol' : 'ul', {}, ...block.items.map((parts) => make('li', {}, ...drawParts(parts))));
    case 'code':
      return make('pre', { class: 'code', tabindex: '0' }, make('code', {}, block.text));
    case 'heading':
      return make('p', { class: 'lead-words' }, make('strong', {}, ...drawParts(block.parts)));
    default:
      return make('p', {}, ...drawParts(block.parts));
  }
}

export const drawBlocks = (all) => all.map(drawBlock);

/** A description with its blocks, or null when there is none. */
export function prose(text) {
  return text.trim() === '' ? null : make('div', { class: 'prose' }, ...drawBlocks(blocks(text)));
}

/** A description as one line. */
export function line(text, attributes = {}) {
  return make('p', attributes, ...drawParts(inline(text)));
}
