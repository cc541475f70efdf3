// The part of Markdown that descriptions use, as a tree: paragraphs, headings, lists, fenced code; in them
// `code`, **strong**, *emphasis* and [links](…). Everything else stays the text that it is. Pure: who draws
// the tree sets text as text, so nothing in a description can become markup.

const DEEP_MAX = 6;
const MARKS = [['**', 'strong'], ['*', 'emphasis']];

/** Addresses a link may lead to: the web, a place on this origin, or a place on this page. */
export function isSafe(address) {
  // Browsers read a backslash as a slash, and skip tabs and line ends.
  if (/[\u0000-\u0020\u007f\\]/.test(address)) return false;
  return /^https?:\/\/[^/]/i.test(address) || /^\/(?!\/)/.test(address) || address.startsWith('#');
}

/** The parts of a line. */
export function inline(text, deep = 0) {
  const parts = [];
  let plain = '';
  const add = (part) => {
    if (plain !== '') parts.push({ kind: 'text', text: plain });
    plain = '';
    parts.push(part);
  };
  // Where a mark was looked for in vain, it is not looked for again: the time stays in line with the text.
  const missing = new Set();
  const find = (mark, from) => {
    if (missing.has(mark)) return -1;
    const end = text.indexOf(mark, from);
    if (end < 0) missing.add(mark);
    return end;
  };
  for (let at = 0; at < text.length;) {
    const found = code(text, at, find) ?? (deep < DEEP_MAX ? (marked(text, at, find, deep) ?? link(text, at, find, deep)) : null);
    if (found === null) {
      plain += text[at];
      at += 1;
    } else {
      add(found.part);
      at = found.end;
    }
  }
  if (plain !== '') parts.push({ kind: 'text', text: plain });
  return parts;
}

function code(text, at, find) {
  if (text[at] !== '`') return null;
  const end = find('`', at + 1);
  return end > at + 1 ? { part: { kind: 'code', text: text.slice(at + 1, end) }, end: end + 1 } : null;
}

function marked(text, at, find, deep) {
  for (const [mark, kind] of MARKS) {
    if (!text.startsWith(mark, at)) continue;
    const start = at + mark.length;
    const end = find(mark, start);
    if (end <= start || /\s/.test(text[start]) || /\s/.test(text[end - 1])) continue;
    return { part: { kind, parts: inline(text.slice(start, end), deep + 1) }, end: end + mark.length };
  }
  return null;
}

function link(text, at, find, deep) {
  if (text[at] !== '[') return null;
  const middle = find('](', at + 1);
  if (middle < 0) return null;
  const end = find(')', middle + 2);
  if (end < 0) return null;
  const address = text.slice(middle + 2, end);
  if (!isSafe(address)) return null;
  return { part: { kind: 'link', address, parts: inline(text.slice(at + 1, middle), deep + 1) }, end: end + 1 };
}

const ITEM = /^ {0,3}(?:[-*+]|(\d{1,9})[.)]) +(.*)$/;

/** The blocks of a text. */
export function blocks(text) {
  const all = [];
  let open = null;
  const close = () => {
    if (open?.kind === 'paragraph') all.push({ kind: 'paragraph', parts: inline(open.lines.join(' ')) });
    if (open?.kind === 'list') all.push({ kind: 'list', ordered: open.ordered, items: open.items.map((lines) => inline(lines.join(' '))) });
    if (open?.kind === 'code') all.push({ kind: 'code', text: open.lines.join('\n') });
    open = null;
  };
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim();
    if (open?.kind === 'code') {
      if (trimmed === '```') close();
      else open.lines.push(line);
      continue;
    }
    const item = ITEM.exec(line);
    const heading = /^(#{1,6}) +(.+?)[ #]*$/.exec(line);
    if (trimmed.startsWith('```')) {
      close();
      open = { kind: 'code', lines: [] };
    } else if (trimmed === '') {
      close();
    } else if (heading) {
      close();
      all.push({ kind: 'heading', level: heading[1].length, parts: inline(heading[2]) });
    } else if (item) {
      const ordered = item[1] !== undefined;
      if (open?.kind !== 'list' || open.ordered !== ordered) {
        close();
        open = { kind: 'list', ordered, items: [] };
      }
      open.items.push([item[2]]);
    } else if (open?.kind === 'list') {
      open.items.at(-1).push(trimmed);
    } else {
      open ??= { kind: 'paragraph', lines: [] };
      open.lines.push(trimmed);
    }
  }
  close();
  return all;
}

/** The text of some parts, without marks. */
export function plain(parts) {
  return parts.map((part) => part.text ?? plain(part.parts)).join('');
}

/** A description in topics: a paragraph that begins with strong words opens one, and they are its title. */
export function topics(text) {
  const all = [];
  for (const block of blocks(text)) {
    const [first, ...rest] = block.kind === 'paragraph' ? block.parts : [];
    if (first?.kind === 'strong') {
      const title = plain(first.parts);
      // `**Money** is …` is a sentence that needs its first word; `**Errors.** …` has a title of its own.
      const stands = !/[.:]$/.test(title);
      const parts = stands ? [{ kind: 'text', text: title }, ...rest] : rest;
      all.push({ title: title.replace(/[.:]$/, ''), blocks: [{ kind: 'paragraph', parts }] });
    } else if (block.kind === 'heading') {
      all.push({ title: plain(block.parts), blocks: [] });
    } else {
      if (all.length === 0) all.push({ title: null, blocks: [] });
      all.at(-1).blocks.push(block);
    }
  }
  return all;
}
