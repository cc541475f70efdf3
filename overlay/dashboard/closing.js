// What the end of a socket means: try again or stop, and the sentence for it. Codes 3000-3499 ask
// to reconnect, 3500-3999 to stop; everything else is the network's doing and is tried again.

const SENTENCES = {
  3000: 'The server is restarting.',
  3001: 'This page was too slow to follow.',
  3002: 'The server had not heard from this page.',
  3003: 'The sign-in took too long.',
  3004: 'The server had a fault and starts this page again.',
  3005: 'This page sent too much at once.',
  3006: 'Too many dashboards are open. Close one of them.',
  3007: 'This page is of another version than the server.',
  3008: 'This sign-in was over and begins again.',
  3500: 'This key is not valid.',
  3501: 'This key was replaced or withdrawn. Ask for the new one.',
  3502: 'The server did not understand this page. Reload it.',
  3503: 'This page sent a message that was too large. Reload it.',
  3504: 'This page is of another version than the server. Reload it.',
  3505: 'The server did not understand this page. Reload it.',
  3506: 'This page spoke out of turn. Reload it.',
  3507: 'This key was good for a time that is over. Ask for a new one.',
  3508: 'This key may not see the dashboard. Ask for one that may.',
};

// What another key cures.
const KEY = new Set([3500, 3501, 3507, 3508]);

/** `{ again, sentence, remedy }` of a socket; the remedy of a stop is `key` or `reload`. */
export function closing(code, wasOpen = true) {
  const stop = code >= 3500 && code <= 3999;
  if (!stop) return { again: true, sentence: SENTENCES[code] ?? (wasOpen ? 'Connection lost.' : 'The server does not answer.'), remedy: null };
  const sentence = SENTENCES[code] ?? `The server ended the connection (${code}).`;
  return { again: false, sentence, remedy: KEY.has(code) ? 'key' : 'reload' };
}

const FIRST_MS = 500;
const MOST_MS = 15_000;

/**
 * Full jitter: a random wait from half a second up to a limit that doubles with each failed
 * attempt, so that ten thousand pages do not come back in one wave. `random` is in [0, 1).
 */
export function retryDelay(attempt, random) {
  const limit = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt + 1, 10));
  return Math.round(FIRST_MS + random * (limit - FIRST_MS));
}
