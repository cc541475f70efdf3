// The contract as the page reads it: sections of operations with every reference followed. Pure; nothing
// is drawn here.

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const PROBLEM = 'application/problem+json';
const OTHER = 'Other';

/** What a `#/…` reference points at; a reference to nowhere is an empty object. */
function followed(document, value) {
  let one = value;
  for (let steps = 0; typeof one?.$ref === 'string' && steps < 8; steps += 1) {
    const names = one.$ref.replace(/^#\//, '').split('/');
    one = names.reduce((at, name) => at?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  }
  return one ?? {};
}

/** `Conflict rules` as it stands in an address. */
export function slug(words) {
  return words.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

function contents(content = {}) {
  return Object.entries(content).map(([media, { schema, example, examples }]) => ({
    media,
    schema,
    example: example ?? Object.values(examples ?? {})[0]?.value,
  }));
}

function parameters(document, list = []) {
  return list.map((one) => followed(document, one)).map(({ name, in: place, required, description, schema }) => ({
    name,
    place,
    required: required === true,
    about: description ?? '',
    schema: schema ?? {},
  }));
}

/** Who may call: everybody, or a key or token with one of some scopes. */
function access(security) {
  if (security.length === 0) return { open: true, scopes: [] };
  return { open: false, scopes: [...new Set(security.flatMap((one) => Object.values(one).flat()))] };
}

/** Why a second click is asked for: it ends something, or it moves money, or it may. */
function care(method, list) {
  const key = list.find(({ place, name }) => place === 'header' && name.toLowerCase() === 'idempotency-key');
  if (key !== undefined) return key.required ? 'money' : 'perhaps-money';
  return method === 'delete' ? 'end' : null;
}

function answers(document, responses, kinds) {
  const good = [];
  const problems = [];
  for (const [status, given] of Object.entries(responses ?? {})) {
    const answer = followed(document, given);
    const problem = answer.content?.[PROBLEM];
    if (problem === undefined) {
      good.push({ status: Number(status), about: answer.description ?? '', headers: Object.keys(answer.headers ?? {}), contents: contents(answer.content) });
      continue;
    }
    for (const [name, example] of Object.entries(problem.examples ?? {})) {
      problems.push({ status: Number(status), name, about: kinds.get(name)?.about ?? example.value?.title ?? '' });
    }
  }
  return { answers: good, problems };
}

function operation(document, path, method, shared, kinds) {
  const given = document.paths[path][method];
  const list = parameters(document, [...shared, ...(given.parameters ?? [])]);
  const body = given.requestBody === undefined ? null : followed(document, given.requestBody);
  return {
    id: given.operationId ?? `${method}${path.replace(/\W+/g, '_')}`,
    method: method.toUpperCase(),
    path,
    section: given.tags?.[0] ?? OTHER,
    summary: given.summary ?? path,
    about: given.description ?? '',
    deprecated: given.deprecated === true,
    access: access(given.security ?? document.security ?? []),
    care: care(method, list),
    parameters: list,
    body: body && { required: body.required === true, contents: contents(body.content) },
    ...answers(document, given.responses, kinds),
  };
}

/** Everything the page shows. Sections and operations keep the order of the document. */
export function read(document) {
  const problems = (document['x-problem-types'] ?? []).map(({ name, status, description }) => ({ name, status, about: description }));
  const kinds = new Map(problems.map((kind) => [kind.name, kind]));
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => operation(document, path, method, item.parameters ?? [], kinds)),
  );
  const tags = [...(document.tags ?? []), { name: OTHER, description: '' }];
  const known = new Set(tags.map(({ name }) => name));
  const sections = tags.map(({ name, description }) => ({
    name,
    id: `section-${slug(name)}`,
    about: description ?? '',
    operations: operations.filter(({ section }) => (known.has(section) ? section : OTHER) === name),
  }));
  return {
    title: document.info?.title ?? 'API',
    version: document.info?.version ?? '',
    about: document.info?.description ?? '',
    definitions: document.components?.schemas ?? {},
    operations,
    sections: sections.filter((one) => one.operations.length > 0),
    problems,
  };
}
