// What the page learns while it is used, until it is closed: the last ETag of each address, and which thing
// is meant where a path has a parameter, so that a campaign's id is typed once. Nothing is stored. Pure.

const SIZE_MAX = 500;

/** `/api/campaigns/{id}` for the parameter `id` of any path below it. */
function root(path, name) {
  return path.slice(0, path.indexOf(`{${name}}`) + name.length + 2);
}

function bounded(map) {
  while (map.size > SIZE_MAX) map.delete(map.keys().next().value);
}

export class Memory {
  #etags = new Map();
  #named = new Map();

  /** The ETag that the address was last seen with, or ''. */
  etag(path) {
    return this.#etags.get(path) ?? '';
  }

  /** What was last meant by a parameter of a path, or ''. */
  named(path, name) {
    return this.#named.get(root(path, name)) ?? '';
  }

  /** A request was answered. */
  learn(operation, typed, { path, etag, location }, operations) {
    for (const [name, value] of Object.entries(typed.path ?? {})) this.#named.set(root(operation.path, name), value);
    if (etag) {
      this.#etags.delete(path);
      this.#etags.set(path, etag);
    }
    if (location) this.#learnAddress(location, operations);
    bounded(this.#etags);
    bounded(this.#named);
  }

  /** What was made has an address: the next operation is most often about it. */
  #learnAddress(location, operations) {
    const parts = location.split('?')[0].split('/');
    const fits = ({ path }) => {
      const names = path.split('/');
      return names.length === parts.length && names.every((name, at) => name.startsWith('{') || name === parts[at]);
    };
    const found = operations.find(fits);
    found?.path.split('/').forEach((name, at) => {
      if (name.startsWith('{')) this.#named.set(root(found.path, name.slice(1, -1)), decodeURIComponent(parts[at]));
    });
  }
}
