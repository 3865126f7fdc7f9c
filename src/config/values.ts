/**
 * values - what may stand behind an option: spans, sizes, numbers, words, texts.
 *
 * Each is a valibot schema from what the parser gives to what the program uses. The message
 * of an issue is two lines: why the value cannot stand, then what may (load.ts parts them).
 */
import * as v from 'valibot'

import { formatDuration, parseDuration } from '../base/duration.ts'
import { parseRange } from '../base/network.ts'
import { parseSize } from '../base/size.ts'
import { didYouMean, hasControl, printable } from '../base/text.ts'
import { parseRate } from './rate.ts'
import type { Rate } from './rate.ts'
import { isTable } from './toml.ts'

/** What reading a value comes to. */
export type Reading<T> =
  { readonly value: T } | { readonly why: string; readonly hint?: string }

/** The message of an issue: why, and what is allowed. */
export function because(why: string, hint = ''): string {
  return `${why}\n${hint}`
}

/** The issue of one member of a table that is read as a whole. */
export function issueAt(
  table: Readonly<Record<string, unknown>>,
  key: string,
  { why, hint }: { readonly why: string; readonly hint?: string },
) {
  const item = { type: 'object', origin: 'value', input: table, key } as const
  return {
    message: because(why, hint),
    path: [{ ...item, value: table[key] }] as [v.IssuePathItem],
  }
}

/** A schema out of a reader. */
export function value<T>(read: (given: unknown) => Reading<T>) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const reading = read(dataset.value)
      if ('value' in reading) return reading.value
      addIssue({ message: because(reading.why, reading.hint) })
      return NEVER
    }),
  )
}

/** A value in an error message, cut where it is long. */
export function show(given: unknown): string {
  if (isTable(given)) return 'a table'
  if (Array.isArray(given)) return 'a list'
  if (given instanceof Date) return 'a time'
  return typeof given === 'string' ? printable(JSON.stringify(given), 80) : String(given)
}

/** A span of time in milliseconds, from `least` to `most`; `forever` where it may be that. */
export function span(least: number, most: number, orForever = false) {
  const range = `from ${formatDuration(least)} to ${formatDuration(most)}`
  const forms = `"250ms", "90s", "1h30m" or "5d", ${range}`
  const hint = `write it as ${forms}${orForever ? ', or "forever"' : ''}`
  return value<number>((given) => {
    if (orForever && given === 'forever') return { value: Infinity }
    const ms = typeof given === 'string' ? parseDuration(given) : undefined
    if (ms === undefined) return { why: `is not a span of time: ${show(given)}`, hint }
    return inRange(ms, least, most, given, hint)
  })
}

/** An amount of bytes; a bare number is bytes. */
export function size(least: number, most: number, range: string) {
  const hint = `write it as "10MiB", "500k" or 4096, ${range}`
  return value<number>((given) => {
    const bytes = typeof given === 'string' ? parseSize(given) : given
    if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes))
      return { why: `is not a size: ${show(given)}`, hint }
    return inRange(bytes, least, most, given, hint)
  })
}

/** A number; `whole` ones only where it counts something. */
export function number(least: number, most: number, kind: 'whole' | 'any' = 'any') {
  const what = kind === 'whole' ? 'a whole number' : 'a number'
  const hint = `write ${what} from ${least} to ${most}`
  return value<number>((given) => {
    const fits = kind === 'whole' ? Number.isSafeInteger(given) : Number.isFinite(given)
    if (!fits) return { why: `is not ${what}: ${show(given)}`, hint }
    return inRange(given as number, least, most, given, hint)
  })
}

/** Where something begins, and the most that it becomes; a plain number stands still. */
export interface Extent {
  readonly first?: number
  readonly most: number
}

/** `[first, most]`, or one whole number. */
export function extent(least: number, most: number) {
  const hint = `write [first, most] or one number, whole ones from ${least} to ${most}`
  return value<Extent>((given) => {
    const parts: readonly unknown[] = Array.isArray(given) ? given : [given]
    if (parts.length !== (Array.isArray(given) ? 2 : 1))
      return { why: `has ${parts.length} numbers and not 2`, hint }
    for (const part of parts) {
      if (!Number.isSafeInteger(part))
        return { why: `is not a whole number: ${show(part)}`, hint }
      const reading = inRange(part as number, least, most, part, hint)
      if ('why' in reading) return reading
    }
    const [first, last] = parts as readonly number[]
    if (last === undefined) return { value: { most: first as number } }
    if ((first as number) > last) return { why: 'begins above its most', hint }
    return { value: { first: first as number, most: last } }
  })
}

/** A rate, or `none`. */
export function rate() {
  const hint = 'write it as "10/s", "100/m", "100/m burst 20" (s, m, h or d), or "none"'
  return value<Rate | 'none'>((given) => {
    if (given === 'none') return { value: given }
    const read = typeof given === 'string' ? parseRate(given) : undefined
    return read === undefined
      ? { why: `is not a rate: ${show(given)}`, hint }
      : { value: read }
  })
}

function inRange(
  read: number,
  least: number,
  most: number,
  given: unknown,
  hint: string,
): Reading<number> {
  if (read < least) return { why: `is too small: ${show(given)}`, hint }
  if (read > most) return { why: `is too large: ${show(given)}`, hint }
  return { value: read }
}

/** A list of addresses and ranges of them. */
export function ranges() {
  const hint = 'write a list: ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]'
  return value<readonly string[]>((given) => {
    if (!Array.isArray(given)) return { why: `is not a list: ${show(given)}`, hint }
    for (const each of given as readonly unknown[]) {
      const range = typeof each === 'string' ? parseRange(each) : 'is not a text'
      if (typeof range === 'string') return { why: `${show(each)} ${range}`, hint }
    }
    return { value: given as readonly string[] }
  })
}

/** true or false. */
export function flag() {
  return value<boolean>((given) =>
    typeof given === 'boolean'
      ? { value: given }
      : { why: `is neither true nor false: ${show(given)}`, hint: 'write it unquoted' },
  )
}

/** One of a few words. */
export function word<const W extends string>(words: readonly W[]) {
  return value<W>((given) => {
    const found = words.find((candidate) => candidate === given)
    if (found !== undefined) return { value: found }
    const meant = typeof given === 'string' ? didYouMean(given, words) : undefined
    const hint = `one of ${words.join(', ')}`
    return {
      why: `cannot be ${show(given)}`,
      hint: meant === undefined ? hint : `did you mean "${meant}"? It is ${hint}`,
    }
  })
}

/** A text that passes a check of its own; `defect` says why it does not. */
export function text(defect: (given: string) => string | undefined, hint = '') {
  return value<string>((given) => {
    if (typeof given !== 'string') return { why: `is not a text: ${show(given)}`, hint }
    const why = defect(given)
    return why === undefined ? { value: given } : { why, hint }
  })
}

/** One name, or a list of them. */
export function recipients() {
  const hint = 'name a destination or a URL, or a list of them: ["ops", "pager"]'
  return value<readonly string[]>((given) => {
    const list: readonly unknown[] = Array.isArray(given) ? given : [given]
    const bad = list.find((to) => typeof to !== 'string' || to === '')
    if (bad !== undefined) return { why: `is no name: ${show(bad)}`, hint }
    const names = list as readonly string[]
    if (new Set(names).size < names.length) return { why: 'names one twice', hint }
    return { value: names }
  })
}

/** Why a text cannot be the absolute name of a file or folder; undefined when it can. */
export function pathDefect(path: string): string | undefined {
  if (!path.startsWith('/')) return 'is not an absolute path'
  return hasControl(path) ? 'has a control character' : undefined
}
