// Small pieces of text that carry no judgement: spans of time, clock times, counts, names of hosts.

/** `4:05`, `1:02:09`; never below `0:00`. A countdown ends at its moment, so it rounds up. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** `just now`, `40 s ago`, `5 min ago`, `3 h ago`. */
export function ago(ms) {
  if (ms < 5_000) return 'just now';
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  return `${Math.floor(ms / 3_600_000)} h ago`;
}

/** `12 s`, with no fraction. */
export function seconds(ms) {
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}

/** `18:40` in the reader's own time zone, in one piece. */
export function clockTime(ms, locale, timeZone) {
  const text = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZone }).format(ms);
  return text.replace(/\s/g, '\u00a0');
}

/** `1,284`. */
export function count(number, locale) {
  return new Intl.NumberFormat(locale).format(number);
}

/** `1 viewer`, `2 viewers`. */
export function viewers(number, locale) {
  return `${count(number, locale)} ${number === 1 ? 'viewer' : 'viewers'}`;
}

const HOSTS = { obs: 'OBS', obs_like: 'OBS-like program', generic: 'Browser' };

/** The program that shows an overlay. */
export function hostName(kind) {
  return HOSTS[kind] ?? kind;
}

const ACTIVE = {
  active: 'in program',
  inferred: 'in program (inferred)',
  inactive: 'not in program',
  unknown: 'program unknown',
};

/** Whether an overlay is in the program output, in words. */
export function activeWords(active) {
  return ACTIVE[active] ?? active;
}
