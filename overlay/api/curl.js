// A request as a curl command for a POSIX shell. Pure. Everything that was typed stands in single quotes, in
// which a shell looks for nothing but their end.

/** A word that a shell takes as it is. */
export function quoted(word) {
  // A shell can not be given a NUL.
  const text = word.replaceAll('\0', '');
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The name of the variable that stands for the key, so that a copied command does not carry it. */
export const KEY_VARIABLE = 'GAMETRIGGERS_KEY';

function header([name, value], withKey) {
  if (name === 'Authorization' && !withKey) return `-H "Authorization: Bearer $${KEY_VARIABLE}"`;
  return `-H ${quoted(`${name}: ${value}`)}`;
}

/** A file's name where curl would look for more than a name. */
function fileName(file) {
  const name = file?.name ?? 'FILE';
  return name.startsWith('-') ? `./${name}` : name;
}

function data(body) {
  if (body === null) return [];
  // `--data-raw`, since `--data` reads a file when its text begins with @.
  if (body.kind === 'text') return [`--data-raw ${quoted(body.text)}`];
  if (body.kind === 'file') return [`--data-binary ${quoted(`@${fileName(body.file)}`)}`];
  // Within -F a comma or a semicolon ends the name, unless it stands in double quotes.
  const name = fileName(body.file).replace(/[\\"]/g, (mark) => `\\${mark}`);
  return [`-F ${quoted(`${body.field}=@"${name}"`)}`];
}

/** The command; with `withKey` the credential itself stands in it. */
export function command({ method, url, headers, body }, { withKey = false } = {}) {
  const verb = method === 'GET' || (method === 'POST' && body !== null) ? '' : `-X ${method} `;
  // Braces that still wait for a value are not a list for curl.
  const glob = /[{}[\]]/.test(url.replace(/^https?:\/\/\[[^\]]*\]/, '')) ? '-g ' : '';
  return [`curl ${glob}${verb}${quoted(url)}`, ...headers.map((one) => header(one, withKey)), ...data(body)].join(' \\\n  ');
}
