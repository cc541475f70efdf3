// The box for the key: a button in the head that says what is in use, and a dialog to set or forget it, or to
// sign in for an access token.

import { credentialFrom } from './credential.js';
import { announce, byId, setText } from './element.js';

const SIGN_IN = '/api/auth/sign-in';

function clock(ms) {
  return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

export class CredentialView {
  #credential;
  #dialog = byId('credential');

  constructor(credential, contract) {
    this.#credential = credential;
    byId('credential-open').addEventListener('click', () => this.ask());
    byId('credential-close').addEventListener('click', () => this.#dialog.close());
    // A click beside the dialog is a click on its backdrop, which is the dialog itself.
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener('close', () => {
      byId('key').value = '';
      byId('sign-in-password').value = '';
    });
    byId('credential-forget').addEventListener('click', () => {
      credential.forget();
      announce('The key is forgotten.');
      byId('key').focus();
    });
    byId('key-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#take();
    });
    byId('key-store').checked = credential.isStored;
    byId('key-store').addEventListener('change', () => this.#store());
    byId('sign-in').hidden = !contract.operations.some(({ path, method }) => path === SIGN_IN && method === 'POST');
    byId('sign-in').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#signIn();
    });
    credential.watch((now) => this.#draw(now));
  }

  ask = () => {
    if (this.#dialog.open) return;
    setText(byId('key-error'), '');
    setText(byId('sign-in-error'), '');
    this.#dialog.showModal();
    byId('key').focus();
  };

  #draw({ value, name, until }) {
    const words = value === null ? 'Set a key' : name;
    setText(byId('credential-state'), words);
    byId('credential-open').dataset.set = value === null ? '' : 'yes';
    byId('credential-open').setAttribute('aria-label', value === null ? 'Set a key' : `Key in use: ${name}`);
    byId('credential-now').hidden = value === null;
    setText(byId('credential-words'), value === null ? '' : `In use: ${name}${until ? `, until ${clock(until)}` : ''}`);
  }

  #take() {
    const value = credentialFrom(byId('key').value);
    if (value === null) {
      setText(byId('key-error'), 'That does not look like a key or a token.');
      byId('key').setAttribute('aria-invalid', 'true');
      return;
    }
    byId('key').removeAttribute('aria-invalid');
    this.#done(value, {});
  }

  #done(value, more) {
    this.#credential.use(value, { ...more, store: byId('key-store').checked });
    announce('The key is in use.');
    this.#dialog.close();
  }

  /** The tick also holds for the key that is in use already. */
  #store() {
    const { value, name, until } = this.#credential;
    if (value !== null) this.#credential.use(value, { name, until, store: byId('key-store').checked });
  }

  async #signIn() {
    const [email, password, code] = ['email', 'password', 'code'].map((name) => byId(`sign-in-${name}`).value.trim());
    const body = { email, password: byId('sign-in-password').value, ...(code === '' ? {} : { code }) };
    if (email === '' || password === '') {
      setText(byId('sign-in-error'), 'Both the address and the password are needed.');
      return;
    }
    byId('sign-in-go').disabled = true;
    try {
      const answer = await fetch(SIGN_IN, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      const said = await answer.json();
      if (!answer.ok) {
        this.#refused(said);
        return;
      }
      byId('sign-in-code').value = '';
      this.#done(said.access_token, { name: said.user?.name || email, until: Date.now() + said.expires_in * 1000 });
    } catch {
      setText(byId('sign-in-error'), 'The server did not answer.');
    } finally {
      byId('sign-in-go').disabled = false;
    }
  }

  #refused({ type, title, detail, errors }) {
    const name = String(type).replace('/problems/', '');
    if (name === 'second-factor-needed' || name === 'wrong-code') byId('sign-in-factor').hidden = false;
    const words = {
      'second-factor-needed': 'The code of the second factor is needed.',
      'wrong-code': 'The code is not good.',
      'wrong-credentials': 'No user has this address and this password.',
    };
    const fields = (errors ?? []).map(({ field, message }) => `${field}: ${message}`).join('; ');
    setText(byId('sign-in-error'), words[name] ?? (fields || detail || title));
    if (name === 'second-factor-needed') byId('sign-in-code').focus();
  }
}
