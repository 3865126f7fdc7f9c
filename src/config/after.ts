/**
 * after - what happens after a message failed, is late, or did not come: the options of [bounce],
 * [deferred], [[expect]] and of a destination's fallback, and what they become.
 *
 * Whom they name is checked once all destinations are known (checkAfter). A chain of fallbacks
 * ends somewhere: one that comes back to where it began is no configuration.
 */
import * as v from 'valibot'

import { formatDuration } from '../base/duration.ts'
import { didYouMean } from '../base/text.ts'
import { LEVELS } from '../message/draft.ts'
import type { Level } from '../message/draft.ts'
import { looksLikeUrl } from '../message/lane.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { show, span, text, value, word } from './values.ts'
import type { Reading } from './values.ts'

const SECOND = 1_000
const DAY = 86_400 * SECOND
const TO_HINT = 'name a destination or a URL: "ops"'

/** Where else a message goes that is late, or bounced. */
export interface Fallback {
  readonly to: string
  /** So long after it could have gone first (ms); Infinity: only once it bounced. */
  readonly after: number
  /** The copy says at least this. */
  readonly level?: Level
}

/** Something that has to come now and then. */
export interface Expectation {
  /** By what it is known: what was written of it. */
  readonly name: string
  /** In these `*` stands for any text; all that are given must fit. */
  readonly event?: string
  readonly to?: string
  readonly key?: string
  readonly when: 'accepted' | 'delivered'
  readonly every: number
  readonly notify: readonly string[]
}

/** What all of them come to. */
export interface AfterOptions {
  readonly bounce: {
    readonly notify: readonly string[]
    readonly notifyWait: number
    readonly notifyEvery: number
    /** How long a message stays in bounce/. */
    readonly keep: number
  }
  readonly deferred: { readonly warnAfter: number }
  readonly expect: readonly Expectation[]
}

/** One name, or a list of them. */
function recipients() {
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

/** `[bounce]`. */
export const bounceEntries = {
  notify: v.optional(recipients()),
  notify_wait: v.optional(span(0, DAY)),
  notify_every: v.optional(span(0, 365 * DAY)),
  keep: v.optional(span(3_600 * SECOND, 36_500 * DAY, true)),
}

/** `[deferred]`. */
export const deferredEntries = {
  warn_after: v.optional(span(1, 36_500 * DAY, true)),
}

/** `fallback` of a destination. */
export const fallbackEntries = {
  to: text((to) => (to === '' ? 'is empty' : undefined), TO_HINT),
  after: v.optional(span(0, 365 * DAY, true)),
  level: v.optional(word(LEVELS)),
}

const expectEntries = {
  event: v.optional(text((event) => (event === '' ? 'is empty' : undefined))),
  to: v.optional(text((to) => (to === '' ? 'is empty' : undefined))),
  key: v.optional(text((key) => (key === '' ? 'is empty' : undefined))),
  when: v.optional(word(['accepted', 'delivered'])),
  every: span(1, 366 * DAY),
  notify: v.optional(recipients()),
}
const EXPECT_HINT = 'write [[expect]] with event = "backup.ok" and every = "26h"'

/** `[[expect]]`: who is told is filled in later. */
export type Expected = Omit<Expectation, 'notify'> & { readonly notify?: readonly string[] }

/** `[[expect]]`, all of them. */
export function expectations() {
  return value<readonly Expected[]>((given) => {
    if (!Array.isArray(given)) return { why: 'is not a list of tables', hint: EXPECT_HINT }
    const read: Expected[] = []
    for (const [at, each] of (given as readonly unknown[]).entries()) {
      const one = expectation(each)
      if ('why' in one) return { ...one, why: `number ${at + 1}: ${one.why}` }
      if (read.some(({ name }) => name === one.value.name))
        return { why: `number ${at + 1} stands there already: ${one.value.name}` }
      read.push(one.value)
    }
    return { value: read }
  })
}

function expectation(given: unknown): Reading<Expected> {
  if (!isTable(given)) return { why: 'is not a table', hint: EXPECT_HINT }
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(expectEntries, key))
  if (unknown !== undefined) {
    const known = Object.keys(expectEntries)
    const meant = didYouMean(unknown, known)
    const hint =
      meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
    return { why: `unknown option ${JSON.stringify(unknown)}`, hint }
  }
  const result = v.safeParse(v.object(expectEntries), given)
  if (!result.success) {
    const [issue] = result.issues
    const key = String(issue.path?.[0].key ?? '')
    if (!Object.hasOwn(given, key)) return { why: `${key} is missing`, hint: EXPECT_HINT }
    const [why = '', hint = ''] = issue.message.split('\n')
    return { why: `${key} ${why}`, hint }
  }
  const { event, to, key, every, notify, when = 'accepted' } = result.output
  if (event === undefined && to === undefined && key === undefined)
    return { why: 'says neither event nor to nor key', hint: EXPECT_HINT }
  if (when === 'delivered' && to === undefined)
    return { why: 'when = "delivered" needs a `to`', hint: 'to = "crm"' }
  if (when === 'delivered' && (event ?? key) !== undefined)
    return { why: 'when = "delivered" goes by `to` alone', hint: 'leave event and key out' }
  const said = { event, to, key, when: when === 'accepted' ? undefined : when }
  const name = Object.entries(said).flatMap(([what, which]) =>
    which === undefined ? [] : [`${what} ${which}`],
  )
  return {
    value: {
      name: `${name.join(', ')}, every ${formatDuration(every)}`,
      ...(event === undefined ? {} : { event }),
      ...(to === undefined ? {} : { to }),
      ...(key === undefined ? {} : { key }),
      when,
      every,
      ...(notify === undefined ? {} : { notify }),
    },
  }
}

/** What a destination says of its fallback. */
export function fallbackOf(
  given: v.InferOutput<ReturnType<typeof fallbackSchema>> | undefined,
): { readonly fallback?: Fallback } {
  if (given === undefined) return {}
  const { to, after = Infinity, level } = given
  return { fallback: { to, after, ...(level === undefined ? {} : { level }) } }
}

function fallbackSchema() {
  return v.object(fallbackEntries)
}

/** A place in a configuration that names somebody, or is not right. */
export interface AfterDefect {
  readonly path: readonly string[]
  readonly why: string
  readonly hint?: string
}

/** Those whom msgq.toml names in [bounce] and [[expect]], and where. */
export function namedIn(main: Table): [path: string[], to: string][] {
  const named: [string[], string][] = []
  const take = (path: string[], given: unknown) => {
    for (const to of Array.isArray(given) ? (given as unknown[]) : [given])
      if (typeof to === 'string') named.push([path, to])
  }
  const { bounce, expect } = main
  if (isTable(bounce)) take(['bounce', 'notify'], bounce['notify'])
  if (Array.isArray(expect))
    for (const each of expect as readonly unknown[])
      if (isTable(each)) take(['expect'], each['notify'])
  return named
}

/** Why fallbacks never end, seen from this destination; undefined where they do. */
export function loopDefect(
  name: string,
  fallbacks: ReadonlyMap<string, string>,
): { readonly why: string; readonly hint: string } | undefined {
  const chain = [name]
  for (let to = fallbacks.get(name); to !== undefined && !looksLikeUrl(to);) {
    chain.push(to)
    if (to === name)
      return {
        why: `comes back to where it began: ${chain.join(' -> ')}`,
        hint: 'the last one of a chain has no fallback',
      }
    // A loop that this one only leads into is told where it is.
    if (chain.indexOf(to) < chain.length - 1) return undefined
    to = fallbacks.get(to)
  }
  return undefined
}

/** What nobody would hear of; undefined where somebody is named. */
export function unheard(given: {
  readonly bounce?: { readonly notify?: readonly string[] | undefined } | undefined
  readonly deferred?: { readonly warn_after?: number | undefined } | undefined
  readonly expect?: readonly Expected[] | undefined
}): AfterDefect | undefined {
  if ((given.bounce?.notify ?? []).length > 0) return undefined
  const hint = '[bounce] notify = "ops" says who hears of it'
  if (Number.isFinite(given.deferred?.warn_after ?? Infinity))
    return { path: ['deferred', 'warn_after'], why: 'is told to nobody', hint }
  if (given.expect?.some(({ notify }) => notify === undefined || notify.length === 0))
    return {
      path: ['expect'],
      why: 'is told to nobody',
      hint: `notify = "ops", or ${hint}`,
    }
  return undefined
}

/** What is in force, where nobody said otherwise. */
export function afterOptions(
  given: {
    readonly bounce?: Partial<v.InferOutput<ReturnType<typeof bounceSchema>>> | undefined
    readonly deferred?: { readonly warn_after?: number | undefined } | undefined
    readonly expect?: readonly Expected[] | undefined
  },
  defaults: { readonly bounce: object; readonly deferred: object },
): AfterOptions {
  const house = { ...v.parse(bounceSchema(), defaults.bounce), ...given.bounce }
  const late = {
    ...v.parse(v.object(deferredEntries), defaults.deferred),
    ...given.deferred,
  }
  const notify = house.notify ?? []
  return {
    bounce: {
      notify,
      notifyWait: house.notify_wait!,
      notifyEvery: house.notify_every!,
      keep: house.keep!,
    },
    deferred: { warnAfter: late.warn_after ?? Infinity },
    expect: (given.expect ?? []).map((each) => ({ notify, ...each })),
  }
}

function bounceSchema() {
  return v.object(bounceEntries)
}
