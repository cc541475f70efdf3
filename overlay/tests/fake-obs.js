// A test double of `window.obsstudio` as obs-browser gives it to a page, to be injected before
// navigation: `page.addInitScript(fakeObs, { level: 0 })`. The function is sent to the browser as text,
// so it uses nothing from outside itself. Tests drive it through `window.fakeObs`.

export function fakeObs(config = {}) {
  const options = {
    plugin_version: '2.26.8',
    level: 1,
    status: {},
    scene: { name: 'Scene', width: 1920, height: 1080 },
    delay_ms: 2,
    initial_visible_event: false,
    // Off: like plugin 2.26.0 and 2.26.1, which tell of being hidden but never hide the document.
    emulate_hidden: true,
    // Whether the page is shown while its scripts start.
    showing: true,
    ...config,
  };
  const status = {
    recording: false,
    recordingPaused: false,
    streaming: false,
    replaybuffer: false,
    virtualcam: false,
    ...options.status,
  };
  let scene = { ...options.scene };
  let showing = options.showing;
  const parked = new Map();
  let next_parked = -1;
  const clone = (value) => (value === null ? null : JSON.parse(JSON.stringify(value)));

  // Answers come later, as copies; a denied question is answered with null.
  const answer = (level, value) => (callback) => {
    if (typeof callback !== 'function') return;
    setTimeout(() => callback(options.level >= level ? clone(value()) : null), options.delay_ms);
  };

  const fire = (type, detail = null) => window.dispatchEvent(new CustomEvent(type, { detail: clone(detail) }));

  const api = {
    pluginVersion: options.plugin_version,
    getControlLevel: answer(0, () => options.level),
    getStatus: answer(1, () => status),
    getCurrentScene: answer(2, () => scene),
    getScenes: answer(2, () => [scene.name]),
  };
  Object.defineProperty(window, 'obsstudio', { value: api, configurable: true });

  const hidden = () => options.emulate_hidden && !showing;
  Object.defineProperty(Document.prototype, 'hidden', { get: hidden, configurable: true });
  Object.defineProperty(Document.prototype, 'visibilityState', {
    get: () => (hidden() ? 'hidden' : 'visible'),
    configurable: true,
  });

  const paint = window.requestAnimationFrame.bind(window);
  const forget = window.cancelAnimationFrame.bind(window);
  window.requestAnimationFrame = (work) => {
    const parkable = (time) => {
      if (!hidden()) return work(time);
      parked.set((next_parked -= 1), work);
      return undefined;
    };
    if (!hidden()) return paint(parkable);
    parked.set((next_parked -= 1), work);
    return next_parked;
  };
  window.cancelAnimationFrame = (handle) => {
    if (!parked.delete(handle)) forget(handle);
  };

  const legacy = (name, value) => {
    if (typeof api[name] === 'function') api[name](value);
  };

  window.fakeObs = {
    fire,
    setShowing(value) {
      showing = value;
      if (options.emulate_hidden) document.dispatchEvent(new Event('visibilitychange'));
      if (value) {
        const waiting = [...parked.values()];
        parked.clear();
        for (const work of waiting) paint(work);
      }
      legacy('onVisibilityChange', value);
      fire('obsSourceVisibleChanged', { visible: value });
    },
    setActive(value) {
      legacy('onActiveChange', value);
      fire('obsSourceActiveChanged', { active: value });
    },
    setStreaming(value) {
      fire(value ? 'obsStreamingStarting' : 'obsStreamingStopping');
      status.streaming = value;
      fire(value ? 'obsStreamingStarted' : 'obsStreamingStopped');
    },
    setScene(name) {
      scene = { ...scene, name };
      fire('obsSceneChanged', scene);
    },
    exit: () => fire('obsExit'),
    /** "Refresh browser when scene becomes active": the event goes to the page that is thrown away. */
    missedEventReload: () => location.reload(),
  };

  if (options.initial_visible_event) setTimeout(() => fire('obsSourceVisibleChanged', { visible: showing }), 0);
}

/** The user agent of OBS 31 and 32, for a browser context. */
export const OBS_USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
  'Chrome/127.0.6533.120 Safari/537.36 OBS/32.0.4';
