/**
 * rules - what `on` says: which answers of a receiver mean what, the first that fits.
 *
 * Plain data, so that it can be compared and shown. Read here with every fault of it; asked in
 * transport/rules.ts. What a condition leaves out it does not ask; a rule without any
 * condition fits every answer.
 */
import * as v from 'valibot'

import { parseDuration } from '../base/duration.ts'
import { parseJsonPath } from '../base/json-path.ts'
import type { JsonPath } from '../base/json-path.ts'
import { compilePattern } from '../base/pattern.ts'
import { didYouMean, hasControl, printable } from '../base/text.ts'
import { FAULTS } from '../message/outcome.ts'
import type { Fault } from '../message/outcome.ts'
import { isTable } from './toml.ts'
import { because, show } from './values.ts'

/** What becomes of a message whose answer fits. */
export const VERDICTS = ['deliver', 'defer', 'bounce', 'hold', 'suspend'] as const
export type Verdict = (typeof VERDICTS)[number]

export type Scalar = string | number | boolean

/** What is asked of one value; all given parts must hold. */
export interface Test {
  /** It is one of these. */
  readonly equals?: readonly Scalar[]
  /** It has one of these in it, whatever its capitals. */
  readonly contains?: readonly string[]
  /** Sources of patterns (base/pattern.ts), of which one matches. */
  readonly matches?: readonly string[]
  readonly exists?: boolean
}

/** How long a deferred message waits at least. */
export type After =
  | { readonly ms: number }
  /** A member of the answer's JSON, in units of so many ms. */
  | { readonly json: JsonPath; readonly unit: number }
  | { readonly header: string; readonly unit: number }

export interface Rule {
  /** Ranges of statuses, first and last. */
  readonly status?: readonly (readonly [first: number, last: number])[]
  /** Names in lower case. */
  readonly headers?: readonly (readonly [name: string, test: Test])[]
  readonly body?: Test
  readonly json?: readonly (readonly [path: JsonPath, test: Test])[]
  readonly verdict: Verdict
  readonly after?: After
  /** The delay counts for all that goes there. */
  readonly lane?: boolean
  readonly fault?: Fault
  /** For a person, in the reason. */
  readonly why?: string
  /** `rule`, or the name of the preset that has it. */
  readonly by: string
}

const KEYS = ['status', 'header', 'body', 'json', 'then', 'after', 'lane', 'fault', 'why']
const TESTS = ['equals', 'contains', 'matches', 'exists']
const HINT = 'write [{ status = [401, 403], then = "suspend" }]'
const STATUS_HINT = 'write 404, "4xx", "500-599", or a list of them, from 100 to 999'
const TEST_HINT =
  'write a text, a list of texts, or { equals = , contains = , matches = , exists = }'
const AFTER_HINT =
  'write "10m", or { json = "parameters.retry_after" } or { header = "x-retry" }, with unit = "ms" where they are not seconds'
const PATH_HINT = 'write it as "error.code", "errors[0].code" or "errors.*.code"'
/** The longest that a rule puts off. */
const LONGEST = 30 * 86_400_000

type Place = readonly (string | number)[]
type Complain = (place: Place, why: string, hint?: string) => void

/** `on` of a destination. */
export const rulesOption = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, readonly Rule[]>(({ dataset, addIssue }) =>
    readRules(dataset.value, 'rule', (place, why, hint) => {
      const path = place.map((key) => ({
        type: 'unknown' as const,
        origin: 'value' as const,
        input: dataset.value,
        key,
        value: undefined,
      }))
      const [first, ...rest] = path
      addIssue({
        message: because(why, hint),
        ...(first === undefined ? {} : { path: [first, ...rest] }),
      })
    }),
  ),
)

/** Rules as they are written in TOML; says everything that is wrong with them. */
export function readRules(given: unknown, by: string, complain: Complain): Rule[] {
  if (!Array.isArray(given)) {
    complain([], `is not a list of rules: ${show(given)}`, HINT)
    return []
  }
  let all: number | undefined
  return given.flatMap((each: unknown, index) => {
    if (all !== undefined)
      complain([index], `is never asked: the rule before it fits every answer`)
    if (!isTable(each)) {
      complain([index], `is not a rule: ${show(each)}`, HINT)
      return []
    }
    const rule = readRule(each, by, (place, why, hint) =>
      complain([index, ...place], why, hint),
    )
    if (!['status', 'header', 'body', 'json'].some((key) => Object.hasOwn(each, key)))
      all ??= index
    return rule === undefined ? [] : [rule]
  })
}

type Written = Readonly<Record<string, unknown>>

function readRule(given: Written, by: string, complain: Complain): Rule | undefined {
  for (const key of Object.keys(given))
    if (!KEYS.includes(key)) complain([key], 'unknown option', advise(key, KEYS))
  const { status, header, body, json, then, after, lane, fault, why } = given
  const told = readWord(then, VERDICTS, ['then'], complain)
  const rule = {
    ...member('status', status, (it) => readStatuses(it, complain)),
    ...member('headers', header, (it) => readHeaders(it, complain)),
    ...member('body', body, (it) => readTest(it, 'contains', ['body'], complain)),
    ...member('json', json, (it) => readJson(it, complain)),
    ...member('after', after, (it) => readAfter(it, complain)),
    ...member('lane', lane, (it) => readFlag(it, ['lane'], complain)),
    ...member('fault', fault, (it) => readWord(it, FAULTS, ['fault'], complain)),
    ...member('why', why, (it) => readWhy(it, complain)),
    by,
  } satisfies Omit<Rule, 'verdict'>
  if (told === undefined) return undefined
  for (const key of ['after', 'lane'])
    if (Object.hasOwn(given, key) && told !== 'defer')
      complain([key], `means nothing with then = "${told}"`, 'write it with then = "defer"')
  if (Object.hasOwn(given, 'fault') && told === 'deliver')
    complain(['fault'], 'means nothing with then = "deliver"')
  return { ...rule, verdict: told }
}

/** A member, where it is written and can be read. */
function member<const K extends string, T>(
  key: K,
  given: unknown,
  read: (given: unknown) => T | undefined,
): { readonly [P in K]?: T } {
  const value = given === undefined ? undefined : read(given)
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T }
}

function advise(key: string, known: readonly string[]): string {
  const meant = didYouMean(key, known)
  return meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
}

function readWord<const W extends string>(
  given: unknown,
  words: readonly W[],
  place: Place,
  complain: Complain,
): W | undefined {
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  const meant = typeof given === 'string' ? didYouMean(given, words) : undefined
  const guess = meant === undefined ? '' : `did you mean "${meant}"? `
  complain(
    place,
    given === undefined ? 'is missing' : `cannot be ${show(given)}`,
    `${guess}It is one of ${words.join(', ')}`,
  )
  return undefined
}

function readFlag(given: unknown, place: Place, complain: Complain): boolean | undefined {
  if (typeof given === 'boolean') return given
  complain(place, `is neither true nor false: ${show(given)}`, 'write it unquoted')
  return undefined
}

function readWhy(given: unknown, complain: Complain): string | undefined {
  if (typeof given === 'string' && given !== '' && !hasControl(given)) return given
  complain(['why'], `is not one line of text: ${show(given)}`)
  return undefined
}

function readStatuses(given: unknown, complain: Complain): Rule['status'] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (list.length === 0) complain(['status'], 'is an empty list', STATUS_HINT)
  return list.flatMap((each, index) => {
    const range = statusRange(each)
    if (range !== undefined) return [range]
    const place = Array.isArray(given) ? ['status', index] : ['status']
    complain(place, `is not a status: ${show(each)}`, STATUS_HINT)
    return []
  })
}

function statusRange(given: unknown): readonly [number, number] | undefined {
  if (typeof given === 'number')
    return Number.isInteger(given) && given >= 100 && given <= 999
      ? [given, given]
      : undefined
  if (typeof given !== 'string') return undefined
  const hundred = /^([1-9])xx$/i.exec(given)?.[1]
  if (hundred !== undefined) return [Number(hundred) * 100, Number(hundred) * 100 + 99]
  const [, first, last] = /^([1-9]\d\d)(?:-([1-9]\d\d))?$/.exec(given) ?? []
  if (first === undefined) return undefined
  const range = [Number(first), Number(last ?? first)] as const
  return range[0] <= range[1] ? range : undefined
}

function readHeaders(given: unknown, complain: Complain): Rule['headers'] {
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

function readJson(given: unknown, complain: Complain): Rule['json'] {
  if (!isTable(given)) {
    complain(['json'], 'is not a table', 'write { "error.code" = [131056] }')
    return undefined
  }
  const tests: (readonly [JsonPath, Test])[] = []
  const walk = (table: Written, above: JsonPath, place: Place) => {
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
function readTest(
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
  for (const key of Object.keys(given))
    if (!TESTS.includes(key))
      complain([...place, key], 'unknown option', advise(key, TESTS))
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

function readAfter(given: unknown, complain: Complain): After | undefined {
  const bad = (why: string) => {
    complain(['after'], why, AFTER_HINT)
    return undefined
  }
  if (typeof given === 'string') {
    const ms = parseDuration(given)
    if (ms === undefined) return bad(`is not a span of time: ${show(given)}`)
    return ms <= LONGEST ? { ms } : bad(`is more than 30d: ${show(given)}`)
  }
  if (!isTable(given)) return bad(`is not a span of time: ${show(given)}`)
  const { json, header, unit = 's' } = given
  const odd = Object.keys(given).find((key) => !['json', 'header', 'unit'].includes(key))
  if (odd !== undefined) return bad(`unknown option ${printable(odd, 40)}`)
  if (unit !== 's' && unit !== 'ms') return bad(`unit cannot be ${show(unit)}`)
  const ms = unit === 's' ? 1_000 : 1
  if ((json === undefined) === (header === undefined))
    return bad('must name one of json and header')
  if (json === undefined)
    return typeof header === 'string' && header !== ''
      ? { header: header.toLowerCase(), unit: ms }
      : bad(`header is not a name: ${show(header)}`)
  const path = typeof json === 'string' ? parseJsonPath(json) : undefined
  return path === undefined
    ? bad(`json is not a path: ${show(json)}`)
    : { json: path, unit: ms }
}
