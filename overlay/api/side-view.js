// The list of sections and operations, with its filter; `/` leads to it from anywhere.

import { announce, byId, make } from './element.js';
import { suits, words } from './filter.js';
import { badge } from './operation-view.js';

const NARROW = matchMedia('(max-width: 899px)');

export class SideView {
  #entries = [];
  #groups = [];
  #links = new Map();
  #current = null;
  #menu = byId('menu');
  #filter = byId('filter');

  constructor({ contract, schemas }) {
    const plain = (id, text) => {
      const link = make('a', { href: `#${id}`, class: 'side-link' }, text);
      this.#links.set(id, link);
      return link;
    };
    const list = byId('side-list');
    list.append(plain('overview', 'Overview'));
    for (const section of contract.sections) {
      const rows = section.operations.map((operation) => {
        const link = make('a', { href: `#${operation.id}`, class: 'side-link operation-link' }, badge(operation.method), make('span', {}, operation.summary));
        const row = make('li', {}, link);
        this.#links.set(operation.id, link);
        this.#entries.push({ row, link, operation, haystack: null });
        return row;
      });
      const group = make('section', { class: 'side-group' }, make('h2', {}, plain(section.id, section.name)), make('ul', {}, ...rows));
      this.#groups.push({ group, rows });
      list.append(group);
    }
    list.append(plain('problems', 'Problems'));
    this.#filter.addEventListener('input', () => this.#sift(schemas));
    this.#filter.addEventListener('keydown', (event) => this.#key(event, schemas));
    document.addEventListener('keydown', (event) => this.#slash(event));
    this.#menu.addEventListener('click', () => this.#slide(this.#menu.getAttribute('aria-expanded') !== 'true'));
    byId('shade').addEventListener('click', () => this.#slide(false));
    list.addEventListener('click', (event) => {
      if (event.target.closest('a')) this.#slide(false);
    });
  }

  /** Marks where the reader is. */
  mark(id) {
    const link = this.#links.get(id);
    if (!link || link === this.#current) return;
    this.#current?.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    this.#current = link;
    if (!byId('side').contains(document.activeElement)) link.scrollIntoView({ block: 'nearest' });
  }

  #sift(schemas) {
    const typed = this.#filter.value;
    for (const entry of this.#entries) {
      entry.haystack ??= words(entry.operation, schemas);
      entry.row.hidden = !suits(entry.haystack, typed);
    }
    for (const { group, rows } of this.#groups) group.hidden = rows.every((row) => row.hidden);
    const count = this.#found().length;
    byId('filter-none').hidden = count > 0;
    announce(typed.trim() === '' ? '' : `${count} operations`);
  }

  #found() {
    return this.#entries.filter(({ row }) => !row.hidden);
  }

  #key(event, schemas) {
    if (event.key === 'Escape') {
      this.#filter.value = '';
      this.#sift(schemas);
      this.#filter.blur();
    } else if (event.key === 'Enter' || event.key === 'ArrowDown') {
      const [first] = this.#found();
      if (!first) return;
      event.preventDefault();
      if (event.key === 'Enter') first.link.click();
      else first.link.focus();
    }
  }

  #slash(event) {
    if (event.key === 'Escape' && NARROW.matches) this.#slide(false);
    const types = event.target.closest?.('input, textarea, select, [contenteditable]');
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || types || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    this.#slide(true);
    this.#filter.focus();
    this.#filter.select();
  }

  /** On a narrow screen the list lies over the page. */
  #slide(open) {
    const shown = open && NARROW.matches;
    this.#menu.setAttribute('aria-expanded', String(shown));
    document.body.classList.toggle('side-open', shown);
    byId('shade').hidden = !shown;
    if (shown) this.#current?.scrollIntoView({ block: 'center' });
  }
}
