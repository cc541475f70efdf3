// The wire messages of /ws/overlay, version 1. A server of this page's build closes for good on a frame
// that it can not parse, so frames are built here and nowhere else: every number whole, every optional
// left out.

export const VERSION = 1;

const SKIP = new Set(['expired', 'hidden', 'inactive', 'stopped', 'busy', 'disconnected']);
const FAIL = new Set(['load', 'decode', 'unsupported', 'label_hidden', 'not_painted']);

/** Whether the page is in the program output, from the least to the most certain. */
export const ACTIVE = ['inactive', 'unknown', 'inferred', 'active'];

const whole = (value, max = 0xffffffff) => Math.min(max, Math.max(0, Math.floor(Number(value) || 0)));

export function pageStatus({ active, visible, streaming }) {
  const frame = { active, visible: Boolean(visible) };
  if (typeof streaming === 'boolean') frame.streaming = streaming;
  return frame;
}

export function hello({ token, instance_id, build, host, page, status: seen, outbox }) {
  const described = { kind: host.kind };
  if (typeof host.plugin_version === 'string') described.plugin_version = host.plugin_version;
  if (Number.isInteger(host.chrome)) described.chrome = whole(host.chrome);
  return {
    type: 'hello',
    v: VERSION,
    token,
    instance_id,
    build,
    host: described,
    page: { width: whole(page.width), height: whole(page.height), dpr: Number(page.dpr) || 1 },
    status: pageStatus(seen),
    outbox: whole(outbox),
  };
}

export const status = (seen) => ({ type: 'status', ...pageStatus(seen) });
export const heartbeat = () => ({ type: 'heartbeat' });
export const prepared = (play_id) => ({ type: 'prepared', play_id });
export const started = (play_id) => ({ type: 'started', play_id });
export const ended = (play_id) => ({ type: 'ended', play_id });

export const progress = (play_id, painted_ms, frames) => ({
  type: 'progress',
  play_id,
  painted_ms: whole(painted_ms),
  frames: whole(frames),
});

export const skipped = (play_id, reason) => ({
  type: 'skipped',
  play_id,
  reason: SKIP.has(reason) ? reason : 'stopped',
});

export const failed = (play_id, reason) => ({
  type: 'failed',
  play_id,
  reason: FAIL.has(reason) ? reason : 'load',
});

/** Also the filter for claims read back from storage, where an older build or a hand may have been:
 *  one odd field would close the socket for good, at every start. Null when it can not be saved. */
export function claim(source) {
  if (!source || typeof source !== 'object') return null;
  const { play_id, token, nonce, evidence } = source;
  if (![play_id, token, nonce].every((text) => typeof text === 'string' && text !== '')) return null;
  if (!evidence || !ACTIVE.includes(evidence.active)) return null;
  const measured = {
    painted_ms: whole(evidence.painted_ms),
    frames: whole(evidence.frames),
    in_view_percent: whole(evidence.in_view_percent, 100),
    area_ppm: whole(evidence.area_ppm, 1e6),
    label_visible: evidence.label_visible === true,
    active: evidence.active,
  };
  if (typeof evidence.streaming === 'boolean') measured.streaming = evidence.streaming;
  return { type: 'claim', play_id, token, nonce, evidence: measured };
}

// What the page relies on in each message of the server. Fields that are not named here are ignored,
// so that a newer server can add some.
const NEEDS = {
  welcome: { server_ms: 'number', build: 'string', dead_after_ms: 'number', primary: 'boolean', settings: 'object' },
  heartbeat: { server_ms: 'number' },
  role: { primary: 'boolean' },
  settings: { volume_percent: 'number', motion: 'string' },
  prepare: { play_id: 'string', creative: 'object', not_after_ms: 'number' },
  play: { play_id: 'string', nonce: 'string', not_after_ms: 'number' },
  stop: { play_id: 'string' },
  ack: { play_id: 'string', result: 'string' },
  reload: {},
  drain: { reconnect_after_ms: 'number' },
};

/** A message of the server, or null for anything else: an unknown one is not an error. */
export function parse(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (!message || typeof message !== 'object' || !Object.hasOwn(NEEDS, message.type)) return null;
  const needs = Object.entries(NEEDS[message.type]);
  const complete = needs.every(([name, kind]) => typeof message[name] === kind && message[name] !== null);
  return complete ? message : null;
}
