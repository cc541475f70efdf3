// The answer to what was sent: status, time, headers, and the body laid out; of a problem, its meaning and
// the fields that were refused.

import { coloured, copyButton } from './code-view.js';
import { announce, button, make } from './element.js';

const REASONS = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No content', 304: 'Not modified' };

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function parsed({ type, text }) {
  if (text === null || !type.includes('json')) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function save(answer) {
  const url = URL.createObjectURL(answer.bytes);
  const name = new URL(answer.url).pathname.split('/').at(-1) || 'answer';
  const extension = answer.type.includes('json') ? '.json' : answer.type.includes('csv') ? '.csv' : '';
  const link = make('a', { href: url, download: name.endsWith(extension) ? name : name + extension });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function problem(value) {
  const name = /^\/problems\/([a-z-]+)$/.exec(value?.type)?.[1];
  if (!name) return null;
  const errors = Array.isArray(value.errors) ? value.errors : [];
  const rows = errors.map(({ field, message }) => make('li', {}, make('code', {}, String(field)), `: ${String(message)}`));
  return make('div', { class: 'said' },
    make('p', {}, make('strong', {}, String(value.title ?? name)), value.detail ? `: ${String(value.detail)}` : ''),
    rows.length > 0 ? make('ul', { class: 'said-fields', 'aria-label': 'Fields that are refused' }, ...rows) : null,
    make('p', {}, make('a', { href: `#problem-${name}` }, 'What ', make('code', {}, name), ' means')));
}

export class AnswerView {
  #operation;
  #onNext;
  node = make('section', { class: 'result', 'aria-label': 'Answer', hidden: '' });

  constructor(operation, { onNext }) {
    this.#operation = operation;
    this.#onNext = onNext;
  }

  fail(error) {
    this.node.hidden = false;
    const words = error instanceof TypeError ? 'The server was not reached, or the browser would not send this.' : error.message;
    this.node.replaceChildren(make('p', { class: 'said' }, make('strong', {}, 'Nothing came back. '), words));
    announce('Nothing came back.');
  }

  show(answer) {
    const value = parsed(answer);
    const words = answer.leads ? 'Leads elsewhere' : (answer.words || REASONS[answer.status] || '');
    const code = answer.leads ? '3xx' : String(answer.status);
    const head = make('div', { class: 'result-head' },
      make('span', { class: 'status large', 'data-class': code[0] }, code),
      make('span', { class: 'result-words' }, words),
      make('span', { class: 'quiet' }, `${Math.round(answer.ms)} ms`),
      answer.leads ? null : make('span', { class: 'quiet' }, size(answer.size)));
    this.node.replaceChildren(head, ...[problem(value), answer.leads ? this.#elsewhere(answer) : this.#body(answer), this.#next(value), this.#headers(answer)].filter(Boolean));
    this.node.hidden = false;
    announce(`${code} ${words}, ${Math.round(answer.ms)} milliseconds.`);
  }

  #elsewhere({ url }) {
    return make('p', { class: 'said' }, 'A page can not read where to. ', make('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, 'Go there in a new tab'), '.');
  }

  #body(answer) {
    if (answer.size === 0) return make('p', { class: 'quiet' }, 'There is no body.');
    const keep = button('Save', { class: 'button plain small' }, () => save(answer));
    if (answer.text === null) return make('div', { class: 'row' }, make('p', { class: 'quiet' }, `${answer.type || 'Bytes'}: not shown here.`), keep);
    const pre = make('pre', { class: 'code', tabindex: '0', 'aria-label': 'Body of the answer' }, make('code', {}, ...coloured(answer.text)));
    return make('div', { class: 'code-block' },
      make('div', { class: 'code-head' }, make('span', { class: 'quiet' }, answer.type.split(';')[0] || 'body'), keep, copyButton(() => answer.text)),
      pre);
  }

  /** A list's next page is one click away. */
  #next(value) {
    const cursors = this.#operation.parameters.filter(({ place, name }) => place === 'query' && (name === 'after' || name === 'before'));
    if (cursors.length !== 1 || !Array.isArray(value?.items) || (typeof value.next !== 'string' && typeof value.next !== 'number')) return null;
    return button('Next page', { class: 'button small' }, () => this.#onNext({ [cursors[0].name]: String(value.next) }));
  }

  #headers({ headers }) {
    if (headers.length === 0) return null;
    const rows = headers.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
    return make('details', { class: 'result-headers' }, make('summary', {}, `${headers.length} headers`), make('dl', {}, ...rows));
  }
}
