/**
 * rules - reads what `on` says: which answers of a receiver mean what, the first that fits.
 *
 * Says everything that is wrong with it, each at its place. What a rule then is, says rule.ts.
 */
import * as v from 'valibot'

import { parseDuration } from '../base/duration.ts'
import { parseJsonPath } from '../base/json-path.ts'
import { hasControl, printable } from '../base/text.ts'
import { FAULTS } from '../message/outcome.ts'
import { VERDICTS } from './rule.ts'
import type { After, Rule } from './rule.ts'
import { checkKeys, member, readFlag, readWord } from './rule-part.ts'
import type { Complain } from './rule-part.ts'
import { readHeaders, readJson, readTest } from './rule-test.ts'
import { isTable } from './toml.ts'
import { because, show } from './values.ts'

const KEYS = ['status', 'header', 'body', 'json', 'then', 'after', 'lane', 'fault', 'why']
const HINT = 'write [{ status = [401, 403], then = "suspend" }]'
const STATUS_HINT = 'write 404, "4xx", "500-599", or a list of them, from 100 to 999'
const AFTER_HINT =
  'write "10m", or { json = "parameters.retry_after" } or { header = "x-retry" }, with unit = "ms" where they are not seconds'
/** The longest that a rule puts off. */
const LONGEST = 30 * 86_400_000

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
  checkKeys(given, KEYS, [], complain)
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
