// The inputs for the parameters of an operation.

import { button, make } from './element.js';
import { uuid } from './uuid.js';

/** A labelled input: `{ node, input }`. A closed list of values is a choice, everything else a line. */
export function input(parameter, told, id) {
  const { name, place, required } = parameter;
  const own = { id, 'data-place': place, 'data-name': name, required: required ? '' : null };
  const values = told.type === 'boolean' ? ['true', 'false'] : told.values.map(({ value }) => String(JSON.parse(value)));
  let field;
  if (values.length > 0) {
    field = make('select', own, make('option', { value: '' }, '–'), ...values.map((value) => make('option', { value }, value)));
  } else {
    field = make('input', {
      ...own,
      type: 'text',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      inputmode: told.type.startsWith('integer') ? 'numeric' : null,
      placeholder: told.example === undefined ? (told.type.replace(/ .*/, '')) : String(told.example),
    });
  }
  const label = make('label', { for: id }, make('code', {}, name), required ? make('span', { class: 'required', 'aria-hidden': 'true' }, '*') : null);
  return { node: make('div', { class: 'input' }, label, field), input: field };
}

/** An Idempotency-Key: a fresh one, and a button for the next. */
export function withFreshKey({ node, input: field }) {
  field.value = uuid();
  const next = button('New', { class: 'button small', 'aria-label': 'New Idempotency-Key' }, () => {
    field.value = uuid();
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  const row = make('div', { class: 'row' });
  field.replaceWith(row);
  row.append(field, next);
  return { node, input: field };
}
