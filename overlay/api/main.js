// The page of the API: reads the contract, draws its sections, and follows the address.

import { read } from './contract.js';
import { Credential } from './credential.js';
import { CredentialView } from './credential-view.js';
import { byId, button, make } from './element.js';
import { prose } from './markdown-view.js';
import { Memory } from './memory.js';
import { OperationView } from './operation-view.js';
import { drawOverview, drawProblems } from './overview-view.js';
import { Schemas } from './schema.js';
import { SchemaView } from './schema-view.js';
import { SideView } from './side-view.js';
import { spy } from './spy.js';

const CONTRACT = '/api/openapi.json';

async function load() {
  const answer = await fetch(CONTRACT);
  if (!answer.ok) throw new Error(`${CONTRACT} is answered with ${answer.status}`);
  return read(await answer.json());
}

function drawSection(section, page, views) {
  const cards = section.operations.map((operation) => {
    const view = new OperationView(operation, page);
    views.set(operation.id, view);
    return view.node;
  });
  const head = make('div', { class: 'section-head', 'data-spy': section.id }, make('h2', {}, section.name), prose(section.about));
  return make('section', { class: 'section', id: section.id }, head, ...cards);
}

/** Opens and shows what the address names. */
function follow(views) {
  let name;
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  }
  const node = name === '' ? null : byId(name);
  if (node === null || node.closest('.top, dialog')) return;
  const view = views.get(name);
  view?.open();
  for (const one of document.querySelectorAll('.aimed')) one.classList.remove('aimed');
  if (view || name.startsWith('problem-')) node.classList.add('aimed');
  node.scrollIntoView({ block: 'start' });
  if (view) view.focus();
  else if (node.matches('[tabindex]')) node.focus({ preventScroll: true });
}

function begin(contract) {
  const credential = new Credential();
  const credentialView = new CredentialView(credential, contract);
  const schemas = new Schemas(contract.definitions);
  const page = {
    contract,
    schemas,
    credential,
    asked: new SchemaView(schemas, { isAnswer: false }),
    answered: new SchemaView(schemas, { isAnswer: true }),
    memory: new Memory(),
    origin: location.origin,
    ask: credentialView.ask,
  };
  const views = new Map();
  const sections = contract.sections.map((section) => drawSection(section, page, views));
  document.title = `${contract.title} API`;
  byId('content').replaceChildren(drawOverview(page), ...sections, drawProblems(page));
  const side = new SideView(page);
  spy([...document.querySelectorAll('[data-spy], .operation')], (id) => side.mark(id));
  addEventListener('hashchange', () => follow(views));
  // A link to where the address points already moves nothing by itself.
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.getAttribute('href') === location.hash && !event.defaultPrevented) follow(views);
  });
  follow(views);
}

async function start() {
  try {
    begin(await load());
  } catch (error) {
    const again = button('Try again', { class: 'button' }, start);
    byId('content').replaceChildren(make('div', { class: 'loading' }, make('p', {}, `The contract can not be shown: ${error.message}.`), again));
  }
}

start();
