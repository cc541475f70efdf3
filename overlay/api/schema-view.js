// The fields of a body or an answer: a row a field, and the fields of a field behind a button. What is closed
// is not drawn, so that types which hold themselves have no end here either.

import { button, make, setText } from './element.js';
import { prose } from './markdown-view.js';

// "Open all" goes this deep.
const OPENED_MAX = 4;

function facts(told) {
  const limits = told.limits.map((one) => {
    const pattern = /^((?:each )?matches) (.*)$/s.exec(one);
    return pattern ? make('span', {}, `${pattern[1]} `, make('code', {}, pattern[2])) : make('span', {}, one);
  });
  return make('p', { class: 'type' },
    make('span', { class: 'type-name' }, told.type),
    ...limits,
    told.nullable ? make('span', {}, 'may be null') : null,
    told.fallback === null ? null : make('span', {}, 'default ', make('code', {}, told.fallback)),
    told.deprecated ? make('span', { class: 'warn' }, 'deprecated') : null,
  );
}

function values(told) {
  if (told.values.length === 0) return null;
  const explained = told.values.some(({ about }) => about !== '');
  const items = told.values.map(({ value, about }) => make('li', {}, make('code', {}, value), about === '' ? null : prose(about)));
  return make('ul', { class: explained ? 'values explained' : 'values', 'aria-label': 'Values' }, ...items);
}

function presence(told, isAnswer) {
  if (isAnswer) return told.required || told.any ? null : make('span', { class: 'place' }, 'not always');
  return told.required ? make('span', { class: 'required' }, 'required') : null;
}

export class SchemaView {
  #schemas;
  #isAnswer;

  /** Of what is sent, a field is marked that has to be there; of an answer, one that may be missing. */
  constructor(schemas, { isAnswer }) {
    this.#schemas = schemas;
    this.#isAnswer = isAnswer;
  }

  /** The row of a field or of a parameter, `place` says where it goes. */
  row(told, place = null) {
    const name = told.any ? make('em', {}, told.name) : make('code', {}, told.name);
    const inner = told.opens ? this.#opener(told) : null;
    const example = told.example === undefined || told.values.length > 0 ? null : JSON.stringify(told.example);
    return make('li', { class: 'field' },
      make('div', { class: 'field-name' }, name,
        presence(told, this.#isAnswer),
        place ? make('span', { class: 'place' }, place) : null),
      make('div', { class: 'field-about' },
        facts(told),
        prose(told.about),
        values(told),
        example && example.length <= 120 ? make('p', { class: 'type' }, make('span', {}, 'such as ', make('code', {}, example))) : null,
        inner?.button ?? null),
      inner?.list ?? null,
    );
  }

  #rows(told) {
    const variants = this.#schemas.variants(told);
    if (variants.length > 0) return variants.map((one) => this.row({ ...one, any: true }));
    return this.#schemas.fields(told).map((one) => this.row(one));
  }

  #opener(told) {
    const variants = told.choices.length;
    const count = variants || this.#schemas.fields(told).length;
    const kind = variants > 0 ? 'variant' : 'field';
    const words = `${count} ${kind}${count === 1 ? '' : 's'}`;
    const list = make('ul', { class: 'fields nested', hidden: '' });
    const open = button('', { class: 'opener', 'aria-expanded': 'false' }, () => {
      if (list.childElementCount === 0) list.append(...this.#rows(told));
      list.hidden = !list.hidden;
      open.setAttribute('aria-expanded', String(!list.hidden));
    });
    open.append(make('span', { class: 'chevron', 'aria-hidden': 'true' }), words, make('span', { class: 'unseen' }, ` of ${told.name}`));
    return { button: open, list };
  }

  /** All fields of a schema, under a line that says what it is. */
  draw(schema) {
    const told = this.#schemas.describe(schema);
    const list = make('ul', { class: 'fields' }, ...this.#rows(told));
    const deep = list.querySelector('.opener') !== null;
    const node = make('div', { class: 'schema' },
      make('div', { class: 'schema-head' }, facts({ ...told, fallback: null, limits: told.type.startsWith('array') ? told.limits : [] }), deep ? this.#all(list) : null),
      prose(told.about),
      list);
    if (list.childElementCount === 0) {
      list.remove();
      const shown = values(told);
      if (shown) node.append(shown);
      if (told.type === 'object' || told.type === 'anything') node.append(make('p', { class: 'quiet' }, 'Its fields are told in words.'));
    }
    return node;
  }

  #all(list) {
    const node = button('Open all', { class: 'button plain small' }, () => {
      const opens = node.textContent === 'Open all';
      for (let deep = 0; deep < OPENED_MAX; deep += 1) {
        for (const one of list.querySelectorAll(`.opener[aria-expanded="${!opens}"]`)) one.click();
      }
      setText(node, opens ? 'Close all' : 'Open all');
    });
    return node;
  }
}
