/**
 * json-path - paths are read as they are written, lead where a plain walk leads, and never throw;
 * and JSON whose end is missing keeps what is whole in it.
 */
import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'
import t from 'tap'

import { formatJsonPath, parseJsonPath, valuesAt } from '../../src/base/json-path.ts'
import { parseJsonStart } from '../../src/base/json-start.ts'
import { compilePattern } from '../../src/base/pattern.ts'

t.test('the forms of a path', async (t) => {
  for (const [text, path] of [
    ['ok', ['ok']],
    ['error.code', ['error', 'code']],
    ['errors[0].code', ['errors', '0', 'code']],
    ['errors.0.code', ['errors', '0', 'code']],
    ['errors[*].code', ['errors', null, 'code']],
    ['*', [null]],
    ['"a.b".c', ['a.b', 'c']],
    ['a["b.c"]', ['a', 'b.c']],
    ['[0][1]', ['0', '1']],
    ['@type', ['@type']],
    ['größe', ['größe']],
    ['"\\u0061"', ['a']],
  ] as const)
    t.strictSame(parseJsonPath(text), path, text)
})

t.test('what is no path', async (t) => {
  for (const text of [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a[',
    'a[]',
    'a[0',
    'a]',
    'a b',
    'a"b"',
    '"a',
    '"\\x"',
    'a[0]b',
    '$.a[?(@.b)]',
    'a*',
    'a'.repeat(501),
  ])
    t.equal(parseJsonPath(text), undefined, text)
})

t.test('a path is read as it is written', async (t) => {
  t.equal(formatJsonPath(['\u0085', '\u007f']), '"\\u0085"."\\u007f"')
  const step = fc.option(fc.string({ unit: 'binary', maxLength: 20 }), { nil: null })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (path) => {
      const text = formatJsonPath(path)
      fc.pre(text.length <= 500)
      return isDeepStrictEqual(parseJsonPath(text), path)
    }),
    { numRuns: 200 },
  )
})

t.test('no text and no value makes it throw', async () => {
  const sign = fc.constantFrom('a', '0', '.', '[', ']', '"', '\\', '*', ' ', 'é')
  fc.assert(
    fc.property(fc.string({ unit: sign }), fc.jsonValue(), (text, value) => {
      const path = parseJsonPath(text)
      if (path !== undefined) valuesAt(value, path)
    }),
  )
})

/** Every leaf with the way to it, by a walk of its own. */
function leaves(value: unknown, way: string[] = []): [string[], unknown][] {
  if (typeof value !== 'object' || value === null) return [[way, value]]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...way, key]))
}

t.test('it leads to each leaf, and only there', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), (raw) => {
      const value: unknown = JSON.parse(JSON.stringify(raw))
      return leaves(value).every(
        ([way, leaf]) =>
          way.length === 0 || isDeepStrictEqual(valuesAt(value, way), [leaf]),
      )
    }),
    { numRuns: 100 },
  )
  t.strictSame(valuesAt({ a: [{ b: 1 }, { b: [2] }, 3] }, ['a', null, 'b']), [1, [2]])
})

t.test('what nobody wrote is not there', async (t) => {
  for (const path of [['constructor'], ['__proto__'], ['a', 'length'], ['s', 'length']])
    t.strictSame(valuesAt({ a: [1], s: 'text' }, path), [], path.join('.'))
})

/** True when all that is in one value is in the other. */
function within(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return Object.is(part, whole)
  if (typeof whole !== 'object' || whole === null) return false
  if (Array.isArray(part) !== Array.isArray(whole)) return false
  return Object.entries(part).every(
    ([key, inner]) =>
      Object.hasOwn(whole, key) && within(inner, (whole as Record<string, unknown>)[key]),
  )
}

t.test('cut anywhere, JSON has nothing in it that it had not', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), fc.boolean(), (raw, cut, wide) => {
      const text = JSON.stringify({ ok: false, raw }, undefined, wide ? 2 : 0)
      const start = parseJsonStart(text.slice(0, cut % (text.length + 1)))
      return start === undefined || within(start, JSON.parse(text))
    }),
    { numRuns: 300 },
  )
})

t.test('what is whole before the cut counts', async (t) => {
  const said = '{"ok":true,"message":{"text":"so lo'
  t.strictSame(parseJsonStart(said), { ok: true, message: {} })
  t.strictSame(parseJsonStart('{"ok":true,"n":12'), { ok: true }, 'it may be 123')
  t.strictSame(parseJsonStart('[1,[2,3],"a\\"]'), [1, [2, 3]])
  for (const text of ['', 'ok', '{"a":1} and more', '{"a":1]', '[}', '"text', '<html>{'])
    t.equal(parseJsonStart(text), undefined, text)
})

t.test('no pattern takes longer than its text is long', async (t) => {
  const text = 'a'.repeat(4_096)
  t.equal(compilePattern('(a+)+$').test(`${text}b`), false)
  t.equal(compilePattern('(?i)RATE .*limit').test('the rate of the limit'), true)
  for (const bad of ['(', 'a(?=b)', '(a)\\1', 'x'.repeat(1_001)])
    t.throws(() => compilePattern(bad), bad)
})
