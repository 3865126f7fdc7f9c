/**
 * after - what happens after a message failed, or is late, as far as the house says it: the
 * options of [bounce] and [deferred], and what all of them come to.
 *
 * Of one destination it is its fallback (fallback.ts), of what did not come [[expect]]
 * (expect.ts). Whom they name is checked once all destinations are known.
 */
import * as v from 'valibot'

import type { Expectation, Expected } from './expect.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { recipients, span } from './values.ts'

const SECOND = 1_000
const DAY = 86_400 * SECOND

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
