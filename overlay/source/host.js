// What the page knows of its place in OBS. There is no getter for "am I in the program output", and
// three common cases send no event at all, so the answer has four states and is built from traces.

/** The server keeps as many characters: it is for people to read. */
const PLUGIN_VERSION_CHARS_MAX = 64;

const obsOf = (view) => (view.obsstudio && typeof view.obsstudio === 'object' ? view.obsstudio : null);

export class Host {
  #view;
  #obs;
  #onChange = () => {};
  #told = null; // what the last active event said, null before one
  #shown = true; // what the last visible event said
  #hidden_once = false;
  #ticked = false;
  #streaming;
  #asked = 0; // numbers the questions and the events, so that a late answer does not undo a newer event
  #last = '';

  constructor(view, onChange = () => {}) {
    this.#view = view;
    this.#obs = obsOf(view);
    this.#listen();
    if (!this.#visible()) this.#hidden_once = true;
    else this.#expectTick();
    this.refresh();
    this.#last = JSON.stringify(this.status());
    // Last: whoever is told may not be complete before this constructor has returned.
    this.#onChange = onChange;
  }

  describe() {
    const agent = String(this.#view.navigator?.userAgent ?? '');
    const chrome = /\bChrome\/(\d+)/.exec(agent);
    const described = { kind: this.#obs ? 'obs' : /\bOBS\//.test(agent) ? 'obs_like' : 'generic' };
    const plugin = this.#obs?.pluginVersion;
    if (typeof plugin === 'string') described.plugin_version = plugin.slice(0, PLUGIN_VERSION_CHARS_MAX);
    if (chrome) described.chrome = Number(chrome[1]);
    return described;
  }

  status() {
    const seen = { active: this.#active(), visible: this.#visible() };
    if (typeof this.#streaming === 'boolean') seen.streaming = this.#streaming;
    return seen;
  }

  /** Ask again whether OBS streams. The answer comes later, or is null at permission level NONE, or
   *  never comes inside an iframe. */
  refresh() {
    if (typeof this.#obs?.getStatus !== 'function') return;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      this.#obs.getStatus((answer) => {
        if (asked !== this.#asked || typeof answer?.streaming !== 'boolean') return;
        this.#streaming = answer.streaming;
        this.#changed();
      });
    } catch {
      // A fork without this getter: streaming stays unknown.
    }
  }

  #visible() {
    // Plugin 2.26.0 and 2.26.1 never hide the document but do send the event, others may do the
    // reverse: the page counts as visible only when neither denies it.
    return this.#shown && this.#view.document.visibilityState !== 'hidden';
  }

  #active() {
    if (this.#told === true) return 'active';
    if (this.#told === false) return 'inactive';
    if (!this.#visible() || !this.#ticked) return 'unknown';
    // In OBS a source that is shown again is also told if it went to the program. No such event after
    // a time of being hidden speaks for a studio preview or a projector: nothing may be inferred.
    if (this.#obs && this.#hidden_once) return 'unknown';
    return 'inferred';
  }

  #listen() {
    const on = (type, work) => this.#view.addEventListener(type, (event) => work(event.detail));
    on('obsSourceActiveChanged', (detail) => {
      if (typeof detail?.active !== 'boolean') return;
      this.#told = detail.active;
      this.#changed();
    });
    on('obsSourceVisibleChanged', (detail) => {
      if (typeof detail?.visible !== 'boolean') return;
      this.#shown = detail.visible;
      this.#visibilityChanged();
    });
    on('obsStreamingStarted', () => this.#streamingIs(true));
    on('obsStreamingStopped', () => this.#streamingIs(false));
    this.#view.document.addEventListener('visibilitychange', () => {
      // A document that is shown outweighs an older event that said otherwise.
      if (this.#view.document.visibilityState !== 'hidden') this.#shown = true;
      this.#visibilityChanged();
    });
  }

  #streamingIs(streaming) {
    this.#asked += 1;
    this.#streaming = streaming;
    this.#changed();
  }

  #visibilityChanged() {
    if (this.#visible()) {
      this.#expectTick();
    } else {
      this.#hidden_once = true;
      this.#ticked = false;
      // A hidden source is in no program. OBS leaves a stale "active" behind when a T-bar move is
      // cancelled; whoever is really back in the program is told again.
      if (this.#told === true) this.#told = null;
    }
    this.#changed();
  }

  /** One animation frame proves that the page is painted; a loop would cost paint while idle. */
  #expectTick() {
    if (this.#ticked) return;
    this.#view.requestAnimationFrame(() => {
      if (!this.#visible()) return;
      this.#ticked = true;
      this.#changed();
    });
  }

  #changed() {
    const now = this.status();
    const text = JSON.stringify(now);
    if (text === this.#last) return;
    this.#last = text;
    this.#onChange(now);
  }
}
