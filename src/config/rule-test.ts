/**
 * rule-test - reads what a rule asks of an answer's headers, its body and the JSON in it.
 */
import { parseJsonPath } from '../base/json-path.ts'
import type { JsonPath } from '../base/json-path.ts'
import { compilePattern } from '../base/pattern.ts'
import { printable } from '../base/text.ts'
import type { Rule, Scalar, Test } from './rule.ts'
import { checkKeys, member, readFlag } from './rule-part.ts'
import type { Complain, Place } from './rule-part.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { show } from './values.ts'

const TESTS = ['equals', 'contains', 'matches', 'exists']
const TEST_HINT =
  'write a text, a list of texts, or { equals = , contains = , matches = , exists = }'
const PATH_HINT = 'write it as "error.code", "errors[0].code" or "errors.*.code"'

export function readHeaders(given: unknown, complain: Complain): Rule['headers'] {
  if (!isTable(given)) {
    complain(['header'], 'is not a table', 'write { "x-name" = "value" }')
    return undefined
  }
  return Object.entries(given).flatMap(([name, test]) => {
    const place = ['header', name]
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) complain(place, 'is not the name of a header')
    const read = readTest(test, 'equals', place, complain)
    return read === undefined ? [] : [[name.toLowerCase(), read] as const]
  })
}

export function readJson(given: unknown, complain: Complain): Rule['json'] {
  if (!isTable(given)) {
    complain(['json'], 'is not a table', 'write { "error.code" = [131056] }')
    return undefined
  }
  const tests: (readonly [JsonPath, Test])[] = []
  const walk = (table: Table, above: JsonPath, place: Place) => {
    for (const [key, test] of Object.entries(table)) {
      const at = [...place, key]
      const path = parseJsonPath(key)
      if (path === undefined) {
        complain(at, 'is not a path in JSON', PATH_HINT)
        continue
      }
      const whole = [...above, ...path]
      // `error.code = 1` without quotes is, to TOML, a table in a table.
      if (isTable(test) && !Object.keys(test).some((word) => TESTS.includes(word))) {
        walk(test, whole, at)
        continue
      }
      const read = readTest(test, 'equals', at, complain)
      if (read !== undefined) tests.push([whole, read])
    }
  }
  walk(given, [], ['json'])
  if (Object.keys(given).length === 0) complain(['json'], 'is an empty table', PATH_HINT)
  return tests
}

/** A test of one value. What stands bare is what `bare` says. */
export function readTest(
  given: unknown,
  bare: 'equals' | 'contains',
  place: Place,
  complain: Complain,
): Test | undefined {
  if (!isTable(given)) {
    const values = readScalars(given, place, complain)
    if (values === undefined) return undefined
    return bare === 'equals' ? { equals: values } : { contains: values.map(String) }
  }
  checkKeys(given, TESTS, place, complain)
  const { equals, contains, matches, exists } = given
  const scalars = (key: string) => (it: unknown) =>
    readScalars(it, [...place, key], complain)
  const texts = (key: string) => (it: unknown) => scalars(key)(it)?.map(String)
  const test: Test = {
    ...member('equals', equals, scalars('equals')),
    ...member('contains', contains, texts('contains')),
    ...member('matches', matches, texts('matches')),
    ...member('exists', exists, (it) => readFlag(it, [...place, 'exists'], complain)),
  }
  for (const pattern of test.matches ?? []) {
    const why = patternDefect(pattern)
    if (why !== undefined)
      complain(
        [...place, 'matches'],
        `is not a pattern: ${why}`,
        "RE2's syntax: no look-around and no references back; (?i) for any capitals",
      )
  }
  if (Object.keys(given).length === 0) complain(place, 'is an empty table', TEST_HINT)
  return test
}

function readScalars(
  given: unknown,
  place: Place,
  complain: Complain,
): readonly Scalar[] | undefined {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  const isScalar = (each: unknown): each is Scalar =>
    ['string', 'number', 'boolean'].includes(typeof each)
  if (list.length > 0 && list.every(isScalar)) return list
  const odd = list.find((each) => !isScalar(each))
  const why = list.length === 0 ? 'is an empty list' : `cannot be ${show(odd)}`
  complain(place, why, TEST_HINT)
  return undefined
}

function patternDefect(source: string): string | undefined {
  try {
    compilePattern(source)
    return undefined
  } catch (error) {
    return printable((error as Error).message, 120)
  }
}
