// The streamer's key: it comes in the fragment of the address (which no server log sees), is kept
// in this tab's storage and taken out of the address bar, so that a shared screen does not show it.

const STORED_AS = 'gametriggers.dashboard.key';

/** The key in `#k=KEY`, in a whole link, or the text itself when it looks like a key. */
export function keyFrom(text) {
  const trimmed = text.trim();
  const marked = /#(?:.*&)?k=([^&\s]+)/.exec(trimmed);
  if (marked) {
    try {
      return decodeURIComponent(marked[1]);
    } catch {
      return null;
    }
  }
  return /^[\w.~+/=-]{8,}$/.test(trimmed) ? trimmed : null;
}

/** Move a key from the address bar to the tab's storage and return the one to use, if any. */
export function takeKey() {
  const fresh = location.hash.includes('k=') ? keyFrom(location.hash) : null;
  if (fresh !== null) {
    rememberKey(fresh);
    history.replaceState(null, '', location.pathname + location.search);
    return fresh;
  }
  try {
    return sessionStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

/** Keep a key for reloads of this tab. A host without storage works until the reload. */
export function rememberKey(key) {
  try {
    sessionStorage.setItem(STORED_AS, key);
  } catch {
    /* storage is off: nothing to do */
  }
}

/** Forget the key. */
export function forgetKey() {
  try {
    sessionStorage.removeItem(STORED_AS);
  } catch {
    /* storage is off: nothing to forget */
  }
}
