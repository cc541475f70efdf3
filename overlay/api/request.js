// From what is typed to the request that is sent, and that the command line shows: one function makes both.
// Pure.

import { fault } from './json.js';

/** How the page and curl name a form's one field with a file in it. */
const FORM_FIELD = 'file';

/** Whether a media type is JSON, under whatever name. */
export const isJson = (media) => /^application\/(?:[\w.-]+\+)?json$/.test(media ?? '');

/** Percent-encoded, whatever was typed; half a surrogate pair would be an error. */
function encoded(text) {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The path with its parameters, or with `{name}` where nothing is typed yet. */
export function pathOf(operation, typed = {}) {
  return operation.path.replace(/\{([^}]+)\}/g, (mark, name) => (typed[name] ? encoded(typed[name]) : mark));
}

function pathFaults({ parameters }, typed = {}) {
  return parameters
    .filter(({ place }) => place === 'path')
    .flatMap(({ name }) => {
      if (!typed[name]) return [{ place: 'path', name, message: 'is needed for the address' }];
      // Both would be taken for a step in the path, and lead somewhere else.
      return typed[name] === '.' || typed[name] === '..' ? [{ place: 'path', name, message: 'can not be dots alone' }] : [];
    });
}

function headerFaults({ parameters }, typed = {}) {
  return parameters
    .filter(({ place, name }) => place === 'header' && /[^\t\u0020-\u007e\u00a0-\u00ff]/.test(typed[name] ?? ''))
    .map(({ name }) => ({ place: 'header', name, message: 'has a character that a header can not hold' }));
}

/** What is in the body: text, a file as it is, or a form with a file. */
function bodyOf({ body }, { media, text, file }) {
  if (body === null) return { body: null, faults: [] };
  if (isJson(media)) {
    if (text.trim() === '') {
      return { body: null, faults: body.required ? [{ place: 'body', name: 'body', message: 'is needed' }] : [] };
    }
    const wrong = fault(text);
    return { body: { kind: 'text', text }, faults: wrong ? [{ place: 'body', name: 'body', message: wrong }] : [] };
  }
  const faults = file === null && body.required ? [{ place: 'body', name: 'file', message: 'choose a file' }] : [];
  const kind = media === 'multipart/form-data' ? 'form' : 'file';
  return { body: { kind, field: FORM_FIELD, file }, faults };
}

/**
 * The request of an operation. `typed` has `path`, `query` and `header` by name, and of the body the `media`,
 * the `text` and the `file`; `accept` is a form of the answer. What `faults` names keeps it from being sent.
 */
export function compose(operation, typed, { origin, credential }) {
  const query = operation.parameters
    .filter(({ place, name }) => place === 'query' && (typed.query?.[name] ?? '') !== '')
    .map(({ name }) => `${encoded(name)}=${encoded(typed.query[name])}`);
  const { body, faults } = bodyOf(operation, typed);
  const headers = [];
  if (!operation.access.open) headers.push(['Authorization', `Bearer ${credential ?? ''}`]);
  if (typed.accept) headers.push(['Accept', typed.accept]);
  // A form names its own type, with a boundary.
  if (body !== null && body.kind !== 'form') headers.push(['Content-Type', typed.media]);
  for (const { place, name } of operation.parameters) {
    const value = typed.header?.[name]?.trim() ?? '';
    if (place === 'header' && value !== '') headers.push([name, value]);
  }
  return {
    method: operation.method,
    url: origin + pathOf(operation, typed.path) + (query.length > 0 ? `?${query.join('&')}` : ''),
    headers,
    body,
    faults: [...pathFaults(operation, typed.path), ...headerFaults(operation, typed.header), ...faults],
  };
}
