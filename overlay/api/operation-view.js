// One operation: a line that is always there, and under it, drawn when it is first opened, what goes in,
// what comes back, what can go wrong, and the form to try it.

import { jsonBlock } from './code-view.js';
import { make } from './element.js';
import { pretty } from './json.js';
import { line, prose } from './markdown-view.js';
import { isJson } from './request.js';
import { tabs } from './tabs.js';
import { TryView } from './try-view.js';

const CARE = {
  money: 'Moves money',
  'perhaps-money': 'May move money',
  end: 'Can not be undone',
};

/** A path with its parameters set apart, and places where a narrow screen may break it. */
export function drawPath(path) {
  const nodes = path.split(/(\{[^}]+\})/).flatMap((part) => {
    if (part.startsWith('{')) return [make('span', { class: 'parameter' }, part)];
    return part.split(/(?<=\/)/).flatMap((piece) => [piece, make('wbr')]);
  });
  return make('code', { class: 'path' }, ...nodes);
}

export function badge(method) {
  return make('span', { class: 'method', 'data-method': method.toLowerCase() }, method === 'DELETE' ? 'DEL' : method);
}

function part(title, ...children) {
  const shown = children.filter(Boolean);
  return shown.length === 0 ? null : make('section', { class: 'part' }, make('h4', {}, title), ...shown);
}

function needs({ access }) {
  if (access.open) return make('span', {}, 'Nothing: open to everybody');
  if (access.scopes.length === 0) return make('span', {}, 'A key or token, of whatever scope');
  const scopes = access.scopes.flatMap((scope, at) => (at === 0 ? [make('code', {}, scope)] : [' or ', make('code', {}, scope)]));
  return make('span', {}, ...scopes);
}

export class OperationView {
  #page;
  #body = null;
  #toggle;
  #try = null;
  node;
  operation;

  /** `page` has `contract`, `schemas`, `asked`, `answered`, `memory`, `credential`, `ask` and `origin`. */
  constructor(operation, page) {
    this.operation = operation;
    this.#page = page;
    const { id, method, path, summary, access, deprecated } = operation;
    this.#toggle = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': `${id}-body` },
      badge(method),
      make('span', { class: 'head-words' }, make('span', { class: 'summary' }, summary), drawPath(path)),
      deprecated ? make('span', { class: 'chip warn' }, 'deprecated') : null,
      access.open ? make('span', { class: 'chip' }, 'open') : null,
      make('span', { class: 'chevron', 'aria-hidden': 'true' }));
    this.#toggle.addEventListener('click', () => {
      if (this.isOpen) this.close();
      else this.open();
      // The address of an open operation can be passed on.
      history.replaceState(null, '', this.isOpen ? `#${id}` : location.pathname);
    });
    this.node = make('article', { class: 'operation', id, 'data-care': operation.care }, make('h3', {}, this.#toggle));
  }

  get isOpen() {
    return this.#toggle.getAttribute('aria-expanded') === 'true';
  }

  focus() {
    this.#toggle.focus({ preventScroll: true });
  }

  open() {
    if (this.#body === null) {
      this.#body = this.#draw();
      this.node.append(this.#body);
    }
    this.#body.hidden = false;
    this.#toggle.setAttribute('aria-expanded', 'true');
    this.#try?.refresh();
  }

  close() {
    if (this.#body !== null) this.#body.hidden = true;
    this.#toggle.setAttribute('aria-expanded', 'false');
  }

  #draw() {
    const { operation } = this;
    this.#try = new TryView(operation, this.#page);
    const jump = make('a', { class: 'jump-to-try', href: `#${operation.id}` }, 'Try it');
    jump.addEventListener('click', (event) => {
      event.preventDefault();
      this.#try.node.scrollIntoView({ block: 'start' });
      this.#try.focus();
    });
    const words = make('div', { class: 'words' },
      prose(operation.about),
      make('dl', { class: 'facts' },
        make('div', {}, make('dt', {}, 'Needs'), make('dd', {}, needs(operation))),
        operation.care ? make('div', {}, make('dt', {}, 'Effect'), make('dd', { class: 'warn' }, CARE[operation.care])) : null),
      jump,
      this.#parameters(),
      this.#requestBody(),
      this.#answers(),
      this.#problems());
    return make('div', { class: 'operation-body', id: `${operation.id}-body` }, words, this.#try.node);
  }

  #parameters() {
    const { parameters } = this.operation;
    if (parameters.length === 0) return null;
    const rows = parameters.map(({ name, place, required, about, schema }) => {
      const told = this.#page.schemas.describe(schema);
      return this.#page.asked.row({ ...told, name, required, about: about || told.about, nullable: false }, place);
    });
    return part('Parameters', make('ul', { class: 'fields' }, ...rows));
  }

  #requestBody() {
    const { body } = this.operation;
    if (body === null) return null;
    const each = body.contents.map(({ media, schema }) => [media, () => (schema ? this.#page.asked.draw(schema) : make('p', { class: 'quiet' }, 'The bytes, as they are.'))]);
    if (each.length === 0) return null;
    const { bar, place } = tabs('Format of the body', each);
    const head = bar ?? make('p', { class: 'media' }, make('code', {}, body.contents[0].media));
    return part('Body', make('div', { class: 'part-head' }, head, body.required ? null : make('span', { class: 'quiet' }, 'may be left out')), place);
  }

  #answers() {
    const { answers } = this.operation;
    const each = answers.map((answer, at) => {
      const views = answer.contents.flatMap(({ media, schema, example }) => {
        if (!isJson(media)) return [[media, () => make('p', { class: 'quiet' }, `The same as ${media}, for who sends Accept: ${media}.`)]];
        return [
          ['Fields', () => this.#page.answered.draw(schema ?? {})],
          ...(example === undefined ? [] : [['Example', () => jsonBlock(pretty(example), 'Example answer')]]),
        ];
      });
      const shown = views.length > 0 ? tabs('View of the answer', views) : null;
      const headers = answer.headers.length === 0 ? null : make('p', { class: 'quiet headers' }, 'Headers: ', ...answer.headers.flatMap((name, place) => [place > 0 ? ', ' : '', make('code', {}, name)]));
      return make('details', { class: 'answer', ...(at === 0 ? { open: '' } : {}) },
        make('summary', {}, make('span', { class: 'status', 'data-class': String(answer.status)[0] }, String(answer.status)), make('span', {}, answer.about)),
        make('div', { class: 'answer-body' }, shown?.bar ?? null, shown?.place ?? null, headers));
    });
    return part('Answers', ...each);
  }

  #problems() {
    const { problems } = this.operation;
    if (problems.length === 0) return null;
    const rows = problems.map(({ status, name, about }) =>
      make('li', {},
        make('span', { class: 'status', 'data-class': String(status)[0] }, String(status)),
        make('a', { href: `#problem-${name}` }, make('code', {}, name)),
        line(about)));
    return part('Problems', make('ul', { class: 'problem-list' }, ...rows));
  }
}
