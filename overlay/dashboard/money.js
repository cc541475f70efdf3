// Money as text. The server counts whole micros (10^-6) of one currency; everything here is BigInt
// and digits, so no amount is ever rounded by a float. What does not fit the digits shown is cut
// off, never rounded up: the page must not show money that is not there.

const MICRO_DIGITS = 6;
const PLACES_SMALL = 4;

/** Whole micros from what JSON gave; null when it is not an exact whole number. */
export function toMicros(value) {
  if (typeof value === 'bigint') return value;
  if (Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  return null;
}

/** Digits after the point that the currency is written with; 2 for a code nobody knows. */
export function minorDigits(currency) {
  try {
    const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    return Math.min(options.maximumFractionDigits, MICRO_DIGITS);
  } catch {
    return 2;
  }
}

/** An amount in the places of its currency: `₹1,234.56`. */
export function formatMoney(micros, currency, locale) {
  return write(micros, currency, locale, minorDigits(currency));
}

/**
 * The same for what one play earns, which may be a part of the smallest coin: below one whole unit
 * it shows up to four places, and all six when four would say nothing.
 */
export function formatSmallMoney(micros, currency, locale) {
  const exact = toMicros(micros);
  if (exact === null) return '–';
  const size = exact < 0n ? -exact : exact;
  const usual = minorDigits(currency);
  if (size >= 1_000_000n || size === 0n) return write(exact, currency, locale, usual);
  const most = size < 100n ? MICRO_DIGITS : Math.max(PLACES_SMALL, usual);
  const digits = String(size).padStart(MICRO_DIGITS, '0').slice(0, most).replace(/0+$/, '');
  return write(exact, currency, locale, Math.max(usual, digits.length));
}

function write(micros, currency, locale, places) {
  const exact = toMicros(micros);
  if (exact === null) return '–';
  const size = exact < 0n ? -exact : exact;
  const fraction = String(size % 1_000_000n).padStart(MICRO_DIGITS, '0').slice(0, places);
  const text = formatterOf(currency, locale, places)
    .formatToParts(size / 1_000_000n)
    .map((part) => (part.type === 'fraction' ? fraction : part.value))
    .join('');
  const shown = size / 1_000_000n > 0n || /[1-9]/.test(fraction);
  return exact < 0n && shown ? `−${text}` : text;
}

const formatters = new Map();

function formatterOf(currency, locale, places) {
  const name = `${locale}/${currency}/${places}`;
  if (!formatters.has(name)) {
    const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
    let made;
    try {
      made = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...digits });
    } catch {
      made = new Intl.NumberFormat(locale, digits);
    }
    formatters.set(name, made);
  }
  return formatters.get(name);
}
