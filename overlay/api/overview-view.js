// What comes before and after the operations: what is said of the API as a whole, and all problems.

import { copyButton } from './code-view.js';
import { button, make } from './element.js';
import { line, drawBlocks } from './markdown-view.js';
import { topics } from './markdown.js';
import { slug } from './contract.js';

export function drawOverview({ contract, origin, ask }) {
  const [first, ...rest] = topics(contract.about);
  const lead = first?.title === null ? first : null;
  const titled = lead ? rest : topics(contract.about);
  const base = make('code', {}, origin);
  const rows = titled.map(({ title, blocks }) =>
    make('section', { class: 'topic', id: `about-${slug(title)}` }, make('h3', {}, title), make('div', { class: 'prose' }, ...drawBlocks(blocks))));
  return make('section', { id: 'overview', class: 'overview', 'data-spy': 'overview' },
    make('h1', {}, `${contract.title} API`, make('span', { class: 'version' }, `Version ${contract.version}`)),
    ...(lead ? [make('div', { class: 'lead' }, ...drawBlocks(lead.blocks))] : []),
    make('div', { class: 'begin' },
      make('div', { class: 'base' }, make('span', { class: 'quiet' }, 'Base address'), base, copyButton(() => origin)),
      button('Set a key', { class: 'button primary' }, ask),
      make('a', { class: 'button', href: '/api/openapi.json', download: 'openapi.json' }, 'openapi.json')),
    make('div', { class: 'topics' }, ...rows));
}

/** All problems, each with the operations that answer with it. */
export function drawProblems({ contract }) {
  const rows = contract.problems.map(({ name, status, about }) => {
    const from = contract.operations.filter(({ problems }) => problems.some((one) => one.name === name));
    const list = make('details', {}, make('summary', {}, `${from.length} operation${from.length === 1 ? '' : 's'}`));
    // Many problems come from nearly every operation: their links are made when somebody looks.
    list.addEventListener('toggle', () => {
      if (list.childElementCount > 1) return;
      list.append(make('ul', {}, ...from.map(({ id, summary, section }) => make('li', {}, make('a', { href: `#${id}` }, summary), make('span', { class: 'quiet' }, ` ${section}`)))));
    });
    return make('section', { class: 'problem', id: `problem-${name}`, tabindex: '-1' },
      make('div', { class: 'problem-name' }, make('span', { class: 'status', 'data-class': String(status)[0] }, String(status)), make('h3', {}, make('a', { href: `#problem-${name}` }, make('code', {}, name)))),
      make('div', {}, line(about), from.length > 0 ? list : null));
  });
  return make('section', { id: 'problems', class: 'section', 'data-spy': 'problems' },
    make('h2', {}, 'Problems'),
    make('p', { class: 'section-about' }, 'The closed list of what can go wrong. The ', make('code', {}, 'type'), ' of a problem is ', make('code', {}, '/problems/'), ' and one of these names, and leads here.'),
    ...rows);
}
