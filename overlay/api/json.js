// JSON for the eye: laid out and in parts by kind, without changing a digit. A number of JSON may have more
// digits than JavaScript keeps, and the answers of a ledger have such numbers; so texts are read, not values.
// Pure.

const LINE_MAX = 60;
const DEEP_MAX = 100;
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)|([[\]{},:]))/y;

/** What is wrong with a text that should be JSON, or null. */
export function fault(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const said = error.message;
    const position = /position (\d+)/.exec(said)?.[1];
    const short = said.replace(/^JSON\.parse: /, '').replace(/,? ?(?:\.\.\.)?"[^]*" is not valid JSON$/, '').replace(/ in JSON at position.*$/s, '').replace(/ at line \d+ column \d+.*$/s, '');
    if (position === undefined) return `is not JSON: ${short}`;
    const before = text.slice(0, Number(position)).split('\n');
    return `is not JSON: ${short} (line ${before.length}, column ${before.at(-1).length + 1})`;
  }
}

/** A tree of the texts in a valid JSON text, or null. */
function tree(text) {
  TOKEN.lastIndex = 0;
  const next = () => TOKEN.exec(text);
  const value = (token, deep) => {
    if (token === null || deep > DEEP_MAX) throw new SyntaxError('no layout');
    const [, string, number, word, mark] = token;
    if (string !== undefined) return { kind: 'string', text: string };
    if (number !== undefined) return { kind: 'number', text: number };
    if (word !== undefined) return { kind: 'word', text: word };
    if (mark === '{' || mark === '[') return list(mark === '{', deep);
    throw new SyntaxError('no layout');
  };
  const list = (isObject, deep) => {
    const end = isObject ? '}' : ']';
    const items = [];
    for (let token = next(); token?.[4] !== end; token = next()) {
      if (token?.[4] === ',') continue;
      const key = isObject ? token?.[1] : undefined;
      if (isObject) next();
      items.push({ key, value: value(isObject ? next() : token, deep + 1) });
    }
    return { kind: isObject ? 'object' : 'array', items };
  };
  return value(next(), 0);
}

const isList = ({ kind }) => kind === 'object' || kind === 'array';

/** An object or a list of plain values that fits in a line is kept in one: `{ "amount_micros": 1, … }`. */
function isShort({ items }, taken) {
  let length = taken + 4;
  for (const { key, value } of items) {
    if (isList(value)) return false;
    length += (key?.length ?? 0) + value.text.length + 4;
    if (length > LINE_MAX) return false;
  }
  return true;
}

/** The text laid out, as parts `{ kind, text }` with kinds `key`, `string`, `number`, `word` and `mark`; null
 *  when it is not JSON. */
export function layout(text) {
  let root;
  try {
    if (fault(text) !== null) return null;
    root = tree(text);
  } catch {
    return null;
  }
  const parts = [];
  const mark = (words) => {
    if (parts.at(-1)?.kind === 'mark') parts.at(-1).text += words;
    else parts.push({ kind: 'mark', text: words });
  };
  const put = (node, indent, before = 0) => {
    if (!isList(node)) {
      parts.push(node);
      return;
    }
    const [open, close] = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
    if (node.items.length === 0) {
      mark(open + close);
      return;
    }
    const short = isShort(node, indent.length + before);
    const [first, between, last] = short
      ? [node.kind === 'object' ? ' ' : '', ', ', node.kind === 'object' ? ' ' : '']
      : [`\n${indent}  `, `,\n${indent}  `, `\n${indent}`];
    mark(open + first);
    node.items.forEach(({ key, value }, place) => {
      if (place > 0) mark(between);
      if (key !== undefined) {
        parts.push({ kind: 'key', text: key });
        mark(': ');
      }
      put(value, short ? indent : `${indent}  `, (key?.length ?? 0) + 2);
    });
    mark(last + close);
  };
  put(root, '');
  return parts;
}

/** A value laid out as text. */
export function pretty(value) {
  const text = JSON.stringify(value);
  return layout(text)?.map((part) => part.text).join('') ?? String(text);
}
