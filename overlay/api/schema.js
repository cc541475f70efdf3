// From JSON Schema to what a reader wants to know of a field: its name, its type in words, its limits, its
// values and its own fields. Pure; the fields of a field are only worked out when somebody opens it.

// A limit that follows from the format says nothing new.
const FORMATS = {
  int8: [-128, 127], int16: [-32768, 32767], int32: [-2147483648, 2147483647], int64: [-(2 ** 63), 2 ** 63],
  uint8: [0, 255], uint16: [0, 65535], uint32: [0, 4294967295], uint64: [0, 2 ** 64], uint: [0, 2 ** 64],
};
const NARROW = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern', 'multipleOf', 'uniqueItems'];
const DEEP_MAX = 12;

const isNull = (schema) => schema?.type === 'null' || schema?.const === null;
const number = (value) => (Math.abs(value) < 10_000 ? String(value) : value.toLocaleString('en-US').replaceAll(',', '\u202f'));

/** One bound, two, or both the same. */
function range(least, most, unit) {
  const words = unit === '' ? '' : ` ${unit}`;
  if (least === undefined && most === undefined) return [];
  if (most === undefined) return [unit === '' ? `≥ ${number(least)}` : `at least ${number(least)}${words}`];
  if (least === undefined || (least === 0 && unit !== '')) return [unit === '' ? `≤ ${number(most)}` : `at most ${number(most)}${words}`];
  if (least === most) return [`exactly ${number(least)}${words}`];
  return [`${number(least)} to ${number(most)}${words}`];
}

/** The limits of a schema in short words. */
export function limits(schema) {
  const [low, high] = FORMATS[schema.format] ?? [];
  const unsigned = schema.format?.startsWith('uint') ?? false;
  const least = schema.minimum === low && !(unsigned && schema.maximum < high) ? undefined : schema.minimum;
  const most = schema.maximum >= high ? undefined : schema.maximum;
  return [
    ...range(unsigned ? (least ?? (most === undefined ? 0 : least)) : least, most, ''),
    ...(schema.exclusiveMinimum === undefined ? [] : [`> ${number(schema.exclusiveMinimum)}`]),
    ...(schema.exclusiveMaximum === undefined ? [] : [`< ${number(schema.exclusiveMaximum)}`]),
    ...(schema.multipleOf === undefined ? [] : [`a multiple of ${number(schema.multipleOf)}`]),
    ...range(schema.minLength, schema.maxLength, 'characters'),
    ...range(schema.minItems, schema.maxItems, 'items'),
    ...(schema.uniqueItems === true ? ['no item twice'] : []),
    ...(schema.pattern === undefined ? [] : [`matches ${schema.pattern}`]),
  ];
}

/** A default that is worth saying. */
function fallback(value) {
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(value);
  return text.length > 40 || text === '{}' || text === '[]' ? null : text;
}

export class Schemas {
  #definitions;

  constructor(definitions) {
    this.#definitions = definitions;
  }

  /** The schema with its reference followed, null taken out and `allOf` put together. `names` are those of
   *  the definitions on the way. */
  resolve(schema, deep = 0) {
    if (typeof schema !== 'object' || schema === null || deep > DEEP_MAX) return { schema: {}, name: null, nullable: false };
    if (typeof schema.$ref === 'string') {
      const { $ref, ...beside } = schema;
      const name = $ref.split('/').at(-1);
      const inner = this.resolve(this.#definitions[name], deep + 1);
      return { schema: { ...inner.schema, ...beside }, name: inner.name ?? name, nullable: inner.nullable };
    }
    const choice = schema.anyOf ?? schema.oneOf;
    if (choice !== undefined) {
      const real = choice.filter((one) => !isNull(one));
      if (real.length === 1) {
        const { anyOf, oneOf, ...beside } = schema;
        const inner = this.resolve(real[0], deep + 1);
        return { schema: { ...inner.schema, ...beside }, name: inner.name, nullable: real.length < choice.length || inner.nullable };
      }
    }
    if (schema.allOf !== undefined) {
      const { allOf, ...beside } = schema;
      const parts = [...allOf.map((one) => this.resolve(one, deep + 1)), { schema: beside, name: null }];
      const sum = parts.reduce((all, { schema: one }) => ({
        ...all,
        ...one,
        properties: { ...all.properties, ...one.properties },
        required: [...(all.required ?? []), ...(one.required ?? [])],
      }), {});
      return { schema: sum, name: parts.length === 2 ? parts[0].name : null, nullable: false };
    }
    const types = [].concat(schema.type ?? []);
    const nullable = types.includes('null') || (schema.enum?.includes(null) ?? false) || (choice?.some(isNull) ?? false);
    const left = types.filter((type) => type !== 'null');
    return { schema: { ...schema, type: left.length > 1 ? left : left[0] }, name: null, nullable };
  }

  /** What there is to say of one schema. */
  describe(given) {
    const { schema, name, nullable } = this.resolve(given);
    const items = schema.type === 'array' ? this.describe(schema.items ?? {}) : null;
    const choices = (schema.anyOf ?? schema.oneOf ?? []).filter((one) => !isNull(one));
    const named = choices.length > 0 && choices.every((one) => one.const !== undefined || one.enum !== undefined);
    const inside = items?.opens ? items : null;
    return {
      type: this.#words(schema, name, items, choices, named),
      nullable,
      about: schema.description ?? '',
      values: named ? choices.flatMap(valuesOf) : (items?.values.length ? items.values : valuesOf(schema)),
      limits: [...limits(schema), ...(items && items.limits.length > 0 ? items.limits.map((one) => `each ${one}`) : [])],
      fallback: fallback(schema.default),
      example: schema.examples?.[0],
      deprecated: schema.deprecated === true,
      opens: inside !== null || (!named && choices.length > 1) || this.#hasFields(schema),
      schema: inside ? inside.schema : schema,
      choices: inside ? inside.choices : (named ? [] : choices),
    };
  }

  #hasFields(schema) {
    return Object.keys(schema.properties ?? {}).length > 0 || typeof schema.additionalProperties === 'object';
  }

  #words(schema, name, items, choices, named) {
    if (items) return items.type === 'anything' ? 'array' : `array of ${items.type}`;
    if (named) return typeof (choices[0].const ?? choices[0].enum?.[0]);
    if (choices.length > 1) return `one of ${choices.length}`;
    if (name !== null && (schema.type === 'object' || schema.properties)) return name.replace(/Sent$/, '');
    if (Array.isArray(schema.type)) return schema.type.join(' or ');
    const type = schema.type ?? (schema.properties ? 'object' : schema.enum ? typeof schema.enum[0] : schema.const !== undefined ? typeof schema.const : 'anything');
    return schema.format && type !== 'object' ? `${type} (${schema.format})` : type;
  }

  /** The fields of what `describe` gave, those that have to be there first in the order of the type. */
  fields({ schema }) {
    const required = new Set(schema.required ?? []);
    const rows = Object.entries(schema.properties ?? {}).map(([name, one]) => ({ name, required: required.has(name), ...this.describe(one) }));
    rows.sort((one, other) => Number(other.required) - Number(one.required));
    if (typeof schema.additionalProperties === 'object') {
      rows.push({ name: 'any name', any: true, required: false, ...this.describe(schema.additionalProperties) });
    }
    return rows;
  }

  /** The variants of a schema that is one of several. */
  variants({ choices }) {
    return choices.map((one, place) => {
      const told = this.describe(one);
      const tag = Object.entries(told.schema.properties ?? {}).find(([, field]) => field.const !== undefined);
      return { ...told, name: told.schema.title ?? (tag ? `${tag[0]}: ${tag[1].const}` : `variant ${place + 1}`), required: false };
    });
  }

  /** Every field name in a schema, for the filter. */
  names(schema, deep = 0, into = new Set()) {
    if (deep > 4 || schema === undefined) return into;
    const told = this.describe(schema);
    for (const row of [...this.fields(told), ...this.variants(told)]) {
      if (!row.any && !into.has(row.name)) into.add(row.name);
      if (row.opens) this.#inner(row, deep + 1, into);
    }
    return into;
  }

  #inner(told, deep, into) {
    if (deep > 4) return;
    for (const row of [...this.fields(told), ...this.variants(told)]) {
      into.add(row.name);
      if (row.opens) this.#inner(row, deep + 1, into);
    }
  }
}

/** The closed list of values of a schema, each with what is said of it. */
function valuesOf(schema) {
  if (schema.const !== undefined) return [{ value: JSON.stringify(schema.const), about: schema.description ?? '' }];
  return (schema.enum ?? []).filter((value) => value !== null).map((value) => ({ value: JSON.stringify(value), about: schema.enum.length === 1 ? (schema.description ?? '') : '' }));
}
