// "Try it": the inputs of an operation, the curl command that follows them, and the answer.

import { AnswerView } from './answer-view.js';
import { copyButton } from './code-view.js';
import { command } from './curl.js';
import { announce, button, make, setText } from './element.js';
import { input, withFreshKey } from './inputs.js';
import { fault, layout, pretty } from './json.js';
import { compose, isJson, pathOf } from './request.js';
import { send } from './send.js';

const PLACES = [['path', 'Path'], ['query', 'Query'], ['header', 'Headers']];
const ARMED_MS = 6000;
const ROWS_MAX = 26;
const REALLY = {
  money: 'Really send: it moves money',
  'perhaps-money': 'Really send: it may move money',
  end: 'Really send: it can not be undone',
};

const named = (name) => (parameter) => parameter.name.toLowerCase() === name;

export class TryView {
  #operation;
  #page;
  #fields = new Map();
  #touched = new Set();
  #media;
  #accept = '';
  #text = null;
  #file = null;
  #code = make('code');
  #withKey = make('input', { type: 'checkbox' });
  #faults = make('ul', { class: 'faults', role: 'alert' });
  #go;
  #armed = null;
  #answer;
  #hint;
  node;

  constructor(operation, page) {
    this.#operation = operation;
    this.#page = page;
    this.#media = operation.body?.contents[0]?.media ?? null;
    this.#answer = new AnswerView(operation, { onNext: (values) => this.#fill(values) });
    this.#go = make('button', { type: 'submit', class: 'button primary' }, 'Send');
    this.#hint = make('p', { class: 'quiet hint' });
    const form = make('form', { class: 'try', 'aria-label': `Try ${operation.summary}`, novalidate: '', autocomplete: 'off' },
      make('h4', {}, 'Try it'),
      ...PLACES.map(([place, words]) => this.#group(place, words)),
      this.#body(),
      this.#hint,
      this.#faults,
      make('div', { class: 'row send' }, this.#go));
    form.addEventListener('input', (event) => this.#typed(event.target));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.node = make('div', { class: 'request' }, this.#curl(), form, this.#answer.node);
    page.credential.watch(() => this.refresh());
  }

  focus() {
    const first = this.node.querySelector('form input, form select, form textarea, form button');
    first?.focus({ preventScroll: true });
  }

  /** Takes over what was learnt elsewhere, and shows the command anew. */
  refresh() {
    for (const [key, { parameter, input: field }] of this.#fields) {
      if (this.#touched.has(key)) continue;
      if (parameter.place === 'path') field.value = this.#page.memory.named(this.#operation.path, parameter.name) || field.value;
      if (named('if-match')(parameter)) field.value = this.#page.memory.etag(pathOf(this.#operation, this.#values().path));
    }
    const { open } = this.#operation.access;
    const { value, name } = this.#page.credential;
    const words = open ? '' : value === null ? 'No key is set: the answer will be 401. ' : `Key in use: ${name}`;
    this.#hint.replaceChildren(words);
    if (!open && value === null) this.#hint.append(button('Set a key', { class: 'link' }, this.#page.ask));
    this.#show();
  }

  #group(place, words) {
    const list = this.#operation.parameters.filter((one) => one.place === place);
    const choice = place === 'header' ? this.#formats() : null;
    if (list.length === 0 && choice === null) return null;
    const nodes = list.map((parameter) => {
      const id = `${this.#operation.id}-${place}-${parameter.name}`;
      const made = input(parameter, this.#page.schemas.describe(parameter.schema), id);
      if (named('idempotency-key')(parameter)) withFreshKey(made);
      this.#fields.set(`${place} ${parameter.name}`, { parameter, input: made.input });
      return made.node;
    });
    return make('fieldset', {}, make('legend', {}, words), ...nodes, choice);
  }

  /** Where an answer has more forms than one, which is asked for. */
  #formats() {
    const forms = [...new Set(this.#operation.answers.flatMap(({ contents }) => contents.map(({ media }) => media)))];
    if (forms.length < 2) return null;
    const id = `${this.#operation.id}-accept`;
    const select = make('select', { id }, ...forms.map((media, at) => make('option', { value: at === 0 ? '' : media }, media)));
    select.addEventListener('input', () => {
      this.#accept = select.value;
    });
    return make('div', { class: 'input' }, make('label', { for: id }, make('code', {}, 'Accept')), select);
  }

  #body() {
    const { body, id } = this.#operation;
    if (body === null) return null;
    const place = make('div', { class: 'body-input' });
    const draw = () => {
      [this.#text, this.#file] = [null, null];
      place.replaceChildren(...(isJson(this.#media) ? this.#editor() : this.#chooser()));
    };
    let choice = null;
    if (body.contents.length > 1) {
      choice = make('select', { id: `${id}-media`, 'aria-label': 'Format of the body' }, ...body.contents.map(({ media }) => make('option', { value: media }, media)));
      choice.addEventListener('input', () => {
        this.#media = choice.value;
        draw();
      });
    }
    draw();
    return make('fieldset', {}, make('legend', {}, 'Body'), choice, place);
  }

  #editor() {
    const { body, id } = this.#operation;
    const example = body.contents.find(({ media }) => media === this.#media)?.example;
    const text = example === undefined || !body.required && Object.keys(example ?? {}).length === 0 ? '' : pretty(example);
    const area = make('textarea', { id: `${id}-text`, class: 'editor', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', wrap: 'off', 'aria-label': 'JSON of the body', 'aria-describedby': `${id}-json` });
    area.value = text;
    const size = () => {
      area.rows = Math.min(ROWS_MAX, Math.max(4, area.value.split('\n').length + 1));
    };
    size();
    area.addEventListener('input', size);
    const put = (words) => {
      area.value = words;
      area.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const lay = button('Lay out', { class: 'button plain small' }, () => {
      const parts = layout(area.value);
      if (parts !== null) put(parts.map((part) => part.text).join(''));
    });
    const again = button('Example', { class: 'button plain small' }, () => put(text));
    this.#text = area;
    const said = make('p', { class: 'json-state', id: `${id}-json` });
    area.addEventListener('input', () => {
      const wrong = area.value.trim() === '' ? null : fault(area.value);
      setText(said, wrong ?? '');
      if (wrong) area.setAttribute('aria-invalid', 'true');
      else area.removeAttribute('aria-invalid');
    });
    return [area, make('div', { class: 'row tools' }, said, lay, again)];
  }

  #chooser() {
    this.#file = make('input', { type: 'file', id: `${this.#operation.id}-file`, 'aria-label': 'File of the body' });
    return [this.#file];
  }

  #curl() {
    const tick = make('label', { class: 'tick small' }, this.#withKey, 'with my key');
    this.#withKey.addEventListener('change', () => this.#show());
    const pre = make('pre', { class: 'code curl', tabindex: '0', 'aria-label': 'The request as a curl command' }, this.#code);
    return make('div', { class: 'code-block' },
      make('div', { class: 'code-head' }, make('span', { class: 'quiet' }, 'curl'), this.#operation.access.open ? null : tick, copyButton(() => this.#code.textContent)),
      pre);
  }

  #values() {
    const typed = { path: {}, query: {}, header: {}, media: this.#media, text: this.#text?.value ?? '', file: this.#file?.files[0] ?? null, accept: this.#accept };
    for (const { parameter, input: field } of this.#fields.values()) typed[parameter.place][parameter.name] = field.value;
    return typed;
  }

  #request() {
    const { origin, credential } = this.#page;
    return compose(this.#operation, this.#values(), { origin, credential: credential.value });
  }

  #show() {
    const withKey = this.#withKey.checked && this.#page.credential.value !== null;
    setText(this.#code, command(this.#request(), { withKey }));
  }

  #typed(field) {
    const { place, name } = field.dataset;
    // A field that is emptied is filled again.
    if (name && field.value !== '') this.#touched.add(`${place} ${name}`);
    else if (name) this.#touched.delete(`${place} ${name}`);
    field.removeAttribute('aria-invalid');
    this.#disarm();
    this.#faults.replaceChildren();
    if (place === 'path') this.refresh();
    else this.#show();
  }

  #fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = this.#fields.get(`query ${name}`);
      if (field) field.input.value = value;
    }
    this.#show();
    this.#submit();
  }

  #disarm() {
    clearTimeout(this.#armed);
    this.#armed = null;
    this.#go.classList.remove('armed');
    setText(this.#go, 'Send');
  }

  /** Whether to send now: what ends or pays waits for a second click. */
  #isSure() {
    const { care } = this.#operation;
    if (care === null || this.#armed !== null) {
      this.#disarm();
      return true;
    }
    this.#armed = setTimeout(() => this.#disarm(), ARMED_MS);
    this.#go.classList.add('armed');
    setText(this.#go, REALLY[care]);
    announce(`${REALLY[care]}. Press again.`);
    return false;
  }

  #point(faults) {
    const words = ({ place, name, message }) => make('li', {}, place === 'body' ? 'The body ' : make('code', {}, name), place === 'body' ? message : ` ${message}`);
    this.#faults.replaceChildren(...faults.map(words));
    const [first] = faults;
    const field = first.place === 'body' ? (this.#text ?? this.#file) : this.#fields.get(`${first.place} ${first.name}`)?.input;
    field?.setAttribute('aria-invalid', 'true');
    field?.focus();
  }

  async #submit() {
    const request = this.#request();
    if (request.faults.length > 0) {
      this.#disarm();
      this.#point(request.faults);
      return;
    }
    if (!this.#isSure()) return;
    this.#go.disabled = true;
    const typed = this.#values();
    try {
      const answer = await send(request);
      this.#learn(request, typed, answer);
      this.#answer.show(answer);
    } catch (error) {
      this.#answer.fail(error);
    } finally {
      this.#go.disabled = false;
    }
  }

  #learn(request, typed, answer) {
    if (answer.status < 200 || answer.status > 299) return;
    const header = (name) => answer.headers.find(([one]) => one === name)?.[1];
    const path = new URL(request.url).pathname;
    const { contract, memory } = this.#page;
    memory.learn(this.#operation, typed, { path, etag: header('etag'), location: header('location') }, contract.operations);
    this.refresh();
  }
}
