/**
 * json-schema - what a schema asks for, in the words that a sender reads, and how fast.
 */
import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'
import t from 'tap'

import { SchemaDefect, compileSchema } from '../../src/base/json-schema.ts'
import { mismatchText } from '../../src/base/mismatch.ts'
import { hasTwins } from '../../src/base/twin-values.ts'

/** What is said of a value; '' of one that fits. */
function said(schema: unknown, value: unknown, shown = true): string {
  const mismatch = compileSchema(schema).check(value)
  return mismatch === undefined ? '' : mismatchText(mismatch, shown)
}

/** Why a schema is none, and what to do; '' for one that is one. */
function defect(schema: unknown): string {
  try {
    compileSchema(schema)
    return ''
  } catch (error) {
    if (!(error instanceof SchemaDefect)) throw error
    return `${error.message} | ${error.hint ?? ''}`
  }
}

t.test('what was wanted, where, and what was there', (t) => {
  const shape = (kind: string, more: object) => ({
    properties: { kind: { const: kind }, ...more },
    required: ['kind'],
  })
  const kinds = {
    said: {
      type: 'object',
      required: ['kind', 'text'],
      properties: { text: { type: 'string' }, kind: { const: 'said' } },
    },
    joined: {
      type: 'object',
      required: ['kind', 'room'],
      properties: {
        kind: { enum: ['joined'] },
        room: { oneOf: [shape('a', {}), { ...shape('b', {}), required: ['x'] }] },
      },
    },
  }
  const cases: [schema: unknown, value: unknown, said: string][] = [
    [{ type: 'object' }, [1], 'wants an object, and there is a list of 1'],
    [{ type: ['string', 'null'] }, 3, 'wants a text or null, and there is 3'],
    [{ type: 'integer' }, 2.5, 'wants a whole number, and there is 2.5'],
    [{ type: 'string' }, null, 'wants a text, and there is null'],
    [{ required: ['a'] }, {}, '/a: is missing'],
    [{ required: ['toString'] }, {}, '/toString: is missing'],
    [
      { properties: { 'a/b': { items: { type: 'number' } } } },
      { 'a/b': [1, 'x'] },
      '/a~1b/1: wants a number, and there is "x"',
    ],
    [{ enum: ['a', 2] }, 'b', 'wants one of "a", 2, and there is "b"'],
    [{ const: 'a' }, 'b', 'wants "a", and there is "b"'],
    [{ pattern: '^\\d+$' }, 'x', 'wants a text that fits ^\\d+$, and there is "x"'],
    [{ format: 'email' }, 'x', 'wants a text of the format email, and there is "x"'],
    [
      { format: 'date-time' },
      '2026-02-30T00:00:00Z',
      'wants a text of the format date-time, and there is "2026-02-30T00:00:00Z"',
    ],
    [{ minimum: 3 }, 2, 'wants a number >= 3, and there is 2'],
    [{ maxLength: 1 }, 'éa', 'wants at most 1 character, and has 2'],
    [{ minItems: 2 }, [1], 'wants at least 2 elements, and has 1'],
    [{ prefixItems: [true], items: false }, [1, 2], 'wants at most 1 element, and has 2'],
    [
      { uniqueItems: true },
      [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ],
      'has the same element twice',
    ],
    [{ uniqueItems: true }, [1, '1', true, [1], { 0: 1 }], ''],
    [
      { properties: { name: {} }, additionalProperties: false },
      { nmae: 1 },
      '/nmae: is no member that is known there; did you mean name?',
    ],
    [{ properties: { a: false } }, { a: 1 }, '/a: may not be there'],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, '/ab: has a name that is not allowed'],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, '/b: is missing'],
    [{ not: { type: 'null' } }, null, 'wants anything else, and there is null'],
    [
      { contains: { type: 'null' } },
      [1],
      'wants an element of another kind in it, and there is a list of 1',
    ],
    [
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      3,
      'wants a text, or null, and there is 3',
    ],
    [
      { anyOf: [shape('a', { x: { type: 'number' } }), shape('b', {})] },
      { kind: 'a', x: 'y' },
      '/x: wants a number, and there is "y"',
    ],
    [
      { oneOf: [kinds.joined, kinds.said] },
      { kind: 'said', text: 3 },
      '/text: wants a text, and there is 3',
    ],
    [
      { anyOf: [{ $ref: '#/$defs/said' }, { $ref: '#/$defs/joined' }], $defs: kinds },
      { kind: 'joined' },
      '/room: is missing',
    ],
    [
      {
        items: { oneOf: [{ $ref: '#/$defs/said' }, { $ref: '#/$defs/joined' }] },
        $defs: kinds,
      },
      [{ kind: 'joined', room: { kind: 'b' } }],
      '/0/room/x: is missing',
    ],
    [
      { oneOf: [kinds.said, kinds.joined] },
      { kind: 'left' },
      '/kind: wants one of "said", "joined", and there is "left"',
    ],
    [
      { oneOf: [kinds.said, kinds.said] },
      { kind: 'said' },
      '/text: is missing (by one of the shapes that may stand there)',
    ],
    [{ oneOf: [kinds.said, kinds.joined] }, 'x', 'wants an object, and there is "x"'],
    [
      { oneOf: [{ minimum: 1 }, { maximum: 3 }] },
      2,
      'wants exactly one of its shapes, and has two of them, and there is 2',
    ],
    [
      JSON.parse('{ "if": { "const": 1 }, "then": { "type": "string" } }'),
      1,
      'wants a text, and there is 1',
    ],
    [
      {
        $ref: '#/$defs/n',
        $defs: { n: { properties: { n: { $ref: '#/$defs/n' }, v: { type: 'null' } } } },
      },
      { n: { n: { v: 1 } } },
      '/n/n/v: wants null, and there is 1',
    ],
    [
      {
        $id: 'https://a.example/s',
        properties: { a: { $ref: 'https://a.example/s#q' } },
        $defs: { q: { $anchor: 'q', type: 'null' } },
      },
      { a: 1 },
      '/a: wants null, and there is 1',
    ],
    [false, 1, 'wants anything else, and there is 1'],
    [true, 1, ''],
  ]
  for (const [schema, value, wanted] of cases)
    t.equal(said(schema, value), wanted, JSON.stringify(schema))
  t.equal(said({ const: 'a' }, 'secret', false), 'wants "a", and there is a text')
  t.equal(said({ maximum: 1 }, 4711, false), 'wants a number <= 1, and there is a number')
  t.equal(said({ type: 'null' }, 'a\u202e\n'.repeat(99)).includes('\n'), false)
  t.end()
})

t.test('drafts by what $schema says', (t) => {
  const tuple = { items: [{ type: 'string' }] }
  for (const draft of [6, 7])
    for (const scheme of ['http', 'https'])
      t.equal(
        said(
          { $schema: `${scheme}://json-schema.org/draft-0${draft}/schema#`, ...tuple },
          [1],
        ),
        '/0: wants a text, and there is 1',
      )
  const y2019 = 'https://json-schema.org/draft/2019-09/schema'
  t.equal(said({ $schema: y2019, ...tuple }, [1]), '/0: wants a text, and there is 1')
  t.match(defect(tuple), /^\/items: wants an object or true or false.* prefixItems; or say/)
  t.match(
    defect({ $schema: 'http://json-schema.org/draft-04/schema#' }),
    /draft that is not/,
  )
  t.match(defect({ $schema: 3 }), /draft that is not spoken here: 3/)
  t.end()
})

t.test('what can never be asked is a defect, and nothing is fetched', (t) => {
  const wide = { properties: { a: { pattern: 'x' } }, allOf: [{ pattern: '(?=x)' }] }
  const cases: [schema: unknown, why: RegExp][] = [
    [[], /^is no schema: it is neither an object/],
    ['x', /^is no schema/],
    [{ type: 'strin' }, /^\/type: wants one of "array".* and there is "strin"/],
    [{ properties: { a: { required: 'b' } } }, /^\/properties\/a\/required: wants a list/],
    [
      { $ref: 'https://no.example/x' },
      /^\$ref: names another document, and none is fetched: https.*\$defs/,
    ],
    [{ $ref: 'other.json' }, /^\$ref: names another document.*other\.json/],
    [{ $ref: 'file:///etc/passwd' }, /^\$ref: names another document/],
    [{ $ref: '#/$defs/x' }, /^\$ref: leads nowhere: #\/\$defs\/x/],
    [wide, /^pattern: cannot be used: "\(\?=x\)".* RE2/],
    [{ pattern: '[' }, /^pattern: cannot be used: "\[": missing closing/],
    [{ pattern: '^.{1,5000}$' }, /^pattern: .*invalid repeat count.*up to 1000/],
    [{ $async: true }, /^\$async: is no keyword/],
  ]
  for (const [schema, why] of cases) t.match(defect(schema), why, JSON.stringify(schema))
  t.end()
})

t.test('what means nothing is remarked upon, and asks for nothing', (t) => {
  const { remarks, check } = compileSchema({
    requried: ['a'],
    properties: { a: { format: 'zip', 'x-note': 1, examples: [1], deprecated: true } },
  })
  t.same(remarks, ['"zip" is no format that is known', '"requried" is no keyword'])
  t.equal(check({ a: '' }), undefined)
  t.end()
})

t.test('each pattern is its own', (t) => {
  const schema = {
    patternProperties: { '^x-': { type: 'number' } },
    properties: { a: { pattern: '^\\p{Lu}' } },
  }
  t.equal(said(schema, { a: 'É', b: 'x' }), '')
  t.match(said(schema, { a: 'é' }), /^\/a: /)
  t.match(said(schema, { 'x-1': 'é' }), /^\/x-1: /)
  t.end()
})

t.test('no text of a stranger takes for ever', (t) => {
  const long = 'a'.repeat(200_000)
  t.match(said({ pattern: '^(a+)+$' }, `${long}!`), /^wants a text that fits/)
  const formats = ['date-time', 'email', 'hostname', 'uri', 'uuid', 'ipv6', 'duration']
  for (const format of formats)
    for (const text of [
      `a@${long}`,
      'a.'.repeat(100_000),
      `http://${long} `,
      '1:'.repeat(100_000),
    ])
      t.match(said({ format }, text), /^(wants a text of the format|$)/)
  const many = Array.from({ length: 100_000 }, (_, n) => ({ n }))
  t.equal(said({ uniqueItems: true }, many), '')
  let deep: unknown = 1
  for (let n = 0; n < 200_000; n++) deep = { n: deep }
  const tree = {
    $ref: '#/$defs/n',
    $defs: { n: { properties: { n: { $ref: '#/$defs/n' } } } },
  }
  t.equal(said(tree, deep), 'is nested too deeply to be checked')
  t.end()
})

t.test('twins are those that are equal', (t) => {
  const small = fc.jsonValue({ maxDepth: 2 })
  const names = fc.constantFrom('a', 'b', '0', '1', '__proto__')
  const twin = fc.oneof(small, fc.dictionary(names, fc.constantFrom(0, '0', [0])))
  fc.assert(
    fc.property(fc.array(twin, { maxLength: 4 }), (given) => {
      // As it comes out of JSON: no -0, no object without a prototype.
      const list = JSON.parse(JSON.stringify(given)) as unknown[]
      const isTwin = list.some((one, n) =>
        list.some((other, m) => m < n && isDeepStrictEqual(one, other)),
      )
      return hasTwins(list) === isTwin
    }),
  )
  t.end()
})

t.test('says something printable of any value, and never throws', (t) => {
  const { check } = compileSchema({
    anyOf: [
      {
        type: 'object',
        required: ['a'],
        properties: { a: { enum: [1, 'x', null] } },
        additionalProperties: { type: 'array' },
      },
      {
        type: 'array',
        items: { type: 'string', minLength: 2 },
        uniqueItems: true,
        maxItems: 2,
      },
      { type: 'number', multipleOf: 7 },
    ],
  })
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const mismatch = check(value)
      return mismatch === undefined || /^[^\p{Cc}]+$/u.test(mismatchText(mismatch))
    }),
  )
  t.end()
})
