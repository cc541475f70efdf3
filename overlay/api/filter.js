// Which operations suit what is typed in the filter. Pure.

/** All that can be found of an operation: method, path, words, and the names of what goes in. */
export function words(operation, schemas) {
  const fields = (operation.body?.contents ?? []).flatMap(({ schema }) => (schema ? [...schemas.names(schema)] : []));
  const { id, method, path, summary, about, section, parameters, access } = operation;
  return [method, path, summary, id, section, about, ...access.scopes, ...parameters.map(({ name }) => name), ...fields].join(' ').toLowerCase();
}

/** Whether every word that is typed is found. */
export function suits(haystack, typed) {
  return typed.toLowerCase().split(/\s+/).filter(Boolean).every((word) => haystack.includes(word));
}
