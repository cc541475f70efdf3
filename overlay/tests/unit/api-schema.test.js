// The contract of the API as its page reads it: types, limits, values, and types that hold themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { read } from '../../api/contract.js';
import { suits, words } from '../../api/filter.js';
import { Schemas, limits } from '../../api/schema.js';

const ref = (name) => ({ $ref: `#/components/schemas/${name}` });
const DEFINITIONS = {
  Money: {
    type: 'object',
    description: 'Money.',
    required: ['currency'],
    properties: { amount_micros: { type: 'integer', format: 'int64' }, currency: { type: 'string', minLength: 3, maxLength: 3 } },
  },
  Tree: { type: 'object', properties: { leaves: { type: 'array', items: ref('Tree') }, only: { anyOf: [ref('Tree'), { type: 'null' }] } } },
  Loop: ref('Loop'),
  Pace: { oneOf: [{ const: 'even', description: 'Over the whole flight.' }, { const: 'asap', description: 'As fast as it goes.' }] },
  Shape: { oneOf: [{ type: 'object', properties: { type: { const: 'cpm' }, rate: ref('Money') } }, { type: 'object', properties: { type: { const: 'flat' } } }] },
  Named: { allOf: [ref('Money'), { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }] },
};
const schemas = new Schemas(DEFINITIONS);
const told = (schema) => schemas.describe(schema);

test('a field of another type is named by it, keeps its own words, and opens', () => {
  const field = told({ anyOf: [ref('Money'), { type: 'null' }], description: 'The most in a day.', default: null });
  assert.equal(field.type, 'Money');
  assert.equal(field.nullable, true);
  assert.equal(field.about, 'The most in a day.');
  assert.equal(field.fallback, null);
  assert.equal(field.opens, true);
  const rows = schemas.fields(field);
  assert.deepEqual(rows.map(({ name, required }) => [name, required]), [['currency', true], ['amount_micros', false]]);
  assert.deepEqual(rows[0].limits, ['exactly 3 characters']);
});

test('what a list holds opens through the list', () => {
  const list = told({ type: ['array', 'null'], minItems: 1, maxItems: 8, items: ref('Money') });
  assert.equal(list.type, 'array of Money');
  assert.equal(list.nullable, true);
  assert.deepEqual(list.limits, ['1 to 8 items']);
  assert.equal(schemas.fields(list).length, 2);
  assert.deepEqual(told({ type: 'array', items: { type: 'string', maxLength: 2 } }).limits, ['each at most 2 characters']);
});

test('values are told with what they mean, and null is not one of them', () => {
  assert.deepEqual(told(ref('Pace')).values.map(({ value, about }) => [value, about]), [['"even"', 'Over the whole flight.'], ['"asap"', 'As fast as it goes.']]);
  assert.equal(told(ref('Pace')).type, 'string');
  const choice = told({ type: ['string', 'null'], enum: ['left', 'right', null] });
  assert.deepEqual(choice.values.map(({ value }) => value), ['"left"', '"right"']);
  assert.equal(choice.nullable, true);
});

test('one of several types has variants by their tag', () => {
  const shape = told(ref('Shape'));
  assert.equal(shape.type, 'one of 2');
  const variants = schemas.variants(shape);
  assert.deepEqual(variants.map(({ name }) => name), ['type: cpm', 'type: flat']);
  assert.deepEqual(schemas.fields(variants[0]).map(({ name }) => name), ['type', 'rate']);
});

test('parts that are put together are one object', () => {
  const rows = schemas.fields(told(ref('Named')));
  assert.deepEqual(rows.map(({ name, required }) => [name, required]).sort(), [['amount_micros', false], ['currency', true], ['name', true]]);
});

test('a type that holds itself is opened step by step, and has an end for the filter', () => {
  let tree = told(ref('Tree'));
  for (let step = 0; step < 20; step += 1) [tree] = schemas.fields(tree);
  assert.equal(tree.type, 'array of Tree');
  assert.deepEqual([...schemas.names(ref('Tree'))].sort(), ['leaves', 'only']);
  assert.equal(told(ref('Loop')).type, 'anything');
  assert.equal(told(ref('Nowhere')).type, 'anything');
});

test('limits are told once: those of a format are its own', () => {
  assert.deepEqual(limits({ type: 'integer', format: 'uint16', minimum: 0, maximum: 65535 }), ['≥ 0']);
  assert.deepEqual(limits({ type: 'integer', format: 'int16', minimum: -32768, maximum: 32767 }), []);
  assert.deepEqual(limits({ type: 'integer', format: 'int64', minimum: 1, maximum: 9223372036854775807 }), ['≥ 1']);
  assert.deepEqual(limits({ type: 'integer', format: 'uint16', minimum: 0, maximum: 100 }), ['0 to 100']);
  assert.deepEqual(limits({ type: 'integer', minimum: 1, maximum: 200 }), ['1 to 200']);
  assert.deepEqual(limits({ type: 'string', maxLength: 80, pattern: '^a' }), ['at most 80 characters', 'matches ^a']);
});

const problem = (...names) => ({ content: { 'application/problem+json': { examples: Object.fromEntries(names.map((name) => [name, { value: { title: 'old words' } }])) } } });
const DOCUMENT = {
  info: { title: 'Things', version: '1', description: 'All of them.' },
  tags: [{ name: 'Things', description: 'What there is.' }, { name: 'Empty' }],
  'x-problem-types': [{ name: 'not-found', status: 404, description: 'It is not there.' }],
  paths: {
    '/api/things/{id}': {
      delete: { tags: ['Things'], operationId: 'delete_things', summary: 'End a thing', security: [{ bearer: ['things:write'] }, { bearer: ['admin'] }], responses: { 204: { description: 'No Content' }, 404: { $ref: '#/components/responses/gone' } } },
      get: { operationId: 'get_things', security: [], parameters: [{ $ref: '#/components/parameters/~1id' }], responses: {} },
    },
    '/api/payments': {
      post: {
        tags: ['Things'],
        operationId: 'post_payments',
        security: [{ bearer: [] }],
        parameters: [{ name: 'Idempotency-Key', in: 'header', required: true, schema: { type: 'string' } }],
        requestBody: { required: true, content: { 'application/json': { schema: ref('Money'), example: { currency: 'INR' } } } },
        responses: { 409: problem('not-found', 'strange') },
      },
    },
  },
  components: { schemas: DEFINITIONS, responses: { gone: problem('not-found') }, parameters: { '/id': { name: 'id', in: 'path', required: true, schema: { type: 'integer' } } } },
};

test('operations are read with their references, access, care and problems', () => {
  const contract = read(DOCUMENT);
  assert.deepEqual(contract.sections.map(({ id, operations }) => [id, operations.map(({ id: one }) => one)]), [
    ['section-things', ['delete_things', 'post_payments']],
    ['section-other', ['get_things']],
  ]);
  const [get, end, pay] = ['get_things', 'delete_things', 'post_payments'].map((id) => contract.operations.find((one) => one.id === id));
  assert.deepEqual(end.access, { open: false, scopes: ['things:write', 'admin'] });
  assert.deepEqual([get.access.open, pay.access], [true, { open: false, scopes: [] }]);
  assert.deepEqual([get.care, end.care, pay.care], [null, 'end', 'money']);
  assert.equal(get.parameters[0].name, 'id');
  assert.deepEqual(end.answers.map(({ status }) => status), [204]);
  assert.deepEqual(end.problems, [{ status: 404, name: 'not-found', about: 'It is not there.' }]);
  assert.deepEqual(pay.problems[1], { status: 409, name: 'strange', about: 'old words' });
});

test('the filter looks at method, path, words, scopes, parameters and fields', () => {
  const [, pay] = read(DOCUMENT).sections[0].operations;
  const haystack = words(pay, schemas);
  for (const typed of ['', 'post', 'PAYMENTS', 'idempotency', 'amount_micros', 'post currency']) assert.ok(suits(haystack, typed), typed);
  for (const typed of ['get', 'post nothing']) assert.ok(!suits(haystack, typed), typed);
});
