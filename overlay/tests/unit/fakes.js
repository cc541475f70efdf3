// The world of the page, driven by hand: time, timers and animation frames, a socket, a window.

export class World {
  time = 1000;
  timers = new Map();
  frames = new Map();
  next = 1;

  now = () => this.time;

  setTimer = (work, ms) => {
    this.timers.set(this.next, { work, at: this.time + ms });
    return this.next++;
  };

  clearTimer = (timer) => this.timers.delete(timer);

  nextFrame = (work) => {
    this.frames.set(this.next, work);
    return this.next++;
  };

  cancelFrame = (frame) => this.frames.delete(frame);

  /** Time passes; due timers run. */
  pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due[1].at);
      this.timers.delete(due[0]);
      due[1].work();
    }
    this.time = end;
  }

  /** Animation frames at 50 a second. */
  paint(ms) {
    for (let passed = 0; passed < ms; passed += 20) {
      this.pass(20);
      const waiting = [...this.frames.values()];
      this.frames.clear();
      for (const work of waiting) work(this.time);
    }
  }
}

export class FakeSocket {
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  hear(message) {
    this.onmessage({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }
}

export class FakeStorage {
  entries = new Map();

  get length() {
    return this.entries.size;
  }

  key = (index) => [...this.entries.keys()][index] ?? null;
  getItem = (name) => this.entries.get(name) ?? null;
  setItem = (name, value) => void this.entries.set(name, String(value));
  removeItem = (name) => void this.entries.delete(name);
}

/** A window with a document, as far as the host adapter looks at it. */
export function fakeWindow({ agent = 'Mozilla/5.0 Chrome/127.0.0.0', obs, hidden = false } = {}) {
  const view = new EventTarget();
  view.document = new EventTarget();
  view.document.visibilityState = hidden ? 'hidden' : 'visible';
  view.navigator = { userAgent: agent };
  if (obs) view.obsstudio = obs;
  const waiting = [];
  view.requestAnimationFrame = (work) => waiting.push(work);
  view.tick = () => {
    for (const work of waiting.splice(0)) work(0);
  };
  view.fire = (type, detail = null) => {
    const event = new Event(type);
    event.detail = detail;
    view.dispatchEvent(event);
  };
  view.setHidden = (value) => {
    view.document.visibilityState = value ? 'hidden' : 'visible';
    view.document.dispatchEvent(new Event('visibilitychange'));
  };
  return view;
}
