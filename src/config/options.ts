/**
 * options - every option of msgq.toml, its range, and what it becomes.
 *
 * All are optional here and none has a default here: what nobody set is filled in from
 * DEFAULTS, or from the table that a destination inherits (load.ts). An option that is not
 * listed does not exist; `unknownOptions` says so, because valibot would stop at the first.
 */
import * as v from 'valibot'

import { didYouMean } from '../base/text.ts'
import { bounceEntries, deferredEntries } from './after.ts'
import { expectations } from './expect.ts'
import { spoolDefect } from './glance.ts'
import { listenEntries } from './listen.ts'
import { formatPath } from './problem.ts'
import type { Path } from './problem.ts'
import { eventSchemas } from './schema-file.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import {
  because,
  extent,
  flag,
  number,
  ranges,
  rate,
  size,
  span,
  text,
  word,
} from './values.ts'

const SECOND = 1_000
export const DAY = 86_400 * SECOND
const GIB = 1024 ** 3

type Entries = Record<string, v.GenericSchema>

/** A table with these options; `missing` says how to write the ones that it must have. */
export function table<const E extends Entries>(
  entries: E,
  missing: Readonly<Record<string, string>> = {},
  form = 'write a table: { option = value }',
) {
  return v.pipe(
    v.custom<Table>(isTable, because('is not a table', form)),
    v.object(entries, (issue) => {
      const key = String(issue.path?.at(-1)?.key ?? '')
      return because('is missing', missing[key])
    }),
  )
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export const LOG_FORMATS = ['auto', 'json', 'text'] as const

/** What becomes of an event that no route takes. */
export const UNROUTED = ['bounce', 'drop'] as const

/** `[retry]`, of the house or of one destination. */
export const retryTable = table({
  min: v.optional(span(1, 365 * DAY)),
  factor: v.optional(number(1, 100)),
  max: v.optional(span(1, 365 * DAY)),
  jitter: v.optional(number(0, 1)),
  tries: v.optional(number(0, 1_000_000, 'whole')),
  lifetime: v.optional(span(0, 36_500 * DAY, true)),
})

/** `[http]`, of the house or of one destination. */
export const httpTable = table({
  timeout: v.optional(span(1, DAY)),
  connect_timeout: v.optional(span(1, DAY)),
  headers_timeout: v.optional(span(1, DAY)),
  deny: v.optional(ranges()),
  allow: v.optional(ranges()),
})

/** `[lane]`, of the house or of one destination. */
export const laneTable = table({
  window: v.optional(extent(1, 1000)),
  rate: v.optional(rate()),
})

/** The whole of msgq.toml; destinations are read one by one (destination.ts). */
export const fileTable = table({
  spool: v.optional(text(spoolDefect, 'name a directory: "/var/spool/msgq"')),
  any_filesystem: v.optional(flag()),
  active_limit: v.optional(number(1, 100_000, 'whole')),
  send: v.optional(
    table({
      to: v.optional(text((to) => (to === '' ? 'is empty' : undefined))),
      // A body is held in one piece at `send`, and one write takes less than 2 GiB.
      message_size_limit: v.optional(size(1, GIB, 'from 1 to 1GiB')),
      min_free: v.optional(size(0, Number.MAX_SAFE_INTEGER, '0 for no minimum')),
    }),
  ),
  mail: v.optional(
    v.pipe(
      v.custom<Table>(isTable, because('is not a table', 'write [mail]')),
      v.record(
        v.string(),
        text((to) => (to === '' ? 'is empty' : undefined), 'name a destination: "ops"'),
      ),
    ),
  ),
  submit: v.optional(
    table({
      shared: v.optional(flag()),
      max_messages: v.optional(number(1, 1_000_000, 'whole')),
      max_bytes: v.optional(size(1, Number.MAX_SAFE_INTEGER, 'at least 1')),
    }),
  ),
  listen: v.optional(table(listenEntries)),
  retry: v.optional(retryTable),
  http: v.optional(httpTable),
  lane: v.optional(laneTable),
  keys: v.optional(table({ window: v.optional(span(0, 365 * DAY)) })),
  bounce: v.optional(table(bounceEntries)),
  deferred: v.optional(table(deferredEntries)),
  expect: v.optional(expectations()),
  stop: v.optional(table({ grace: v.optional(span(0, DAY)) })),
  log: v.optional(
    table({
      level: v.optional(word(LOG_LEVELS)),
      format: v.optional(word(LOG_FORMATS)),
      retention: v.optional(span(DAY, 36_500 * DAY, true)),
    }),
  ),
  events: v.optional(
    table({
      unrouted: v.optional(word(UNROUTED)),
      schema: v.optional(eventSchemas()),
    }),
  ),
  /** Each is read by itself (routes.ts). */
  routes: v.optional(
    v.custom<readonly unknown[]>(Array.isArray, because('is no list', 'write [[routes]]')),
  ),
  destinations: v.optional(
    v.custom<Table>(isTable, because('is not a table', 'write [destinations.NAME]')),
  ),
})

/** The options that a table may hold; undefined for what is no table of options. */
export function entriesOf(schema: unknown): Entries | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  if ('wrapped' in schema) return entriesOf(schema.wrapped)
  if ('entries' in schema) return schema.entries as Entries
  if (!('pipe' in schema) || !Array.isArray(schema.pipe)) return undefined
  return schema.pipe.map(entriesOf).find((entries) => entries !== undefined)
}

/** Each option that a schema knows, by its path. */
export function optionPaths(schema: unknown, path: readonly string[] = []): string[][] {
  const entries = entriesOf(schema)
  if (entries === undefined) return [[...path]]
  return Object.entries(entries).flatMap(([key, entry]) =>
    optionPaths(entry, [...path, key]),
  )
}

/** An option that does not exist, and what to write instead. */
export interface Unknown {
  readonly option: Path
  readonly hint: string
}

/** Every option in a table that the schema does not know. */
export function unknownOptions(schema: unknown, given: unknown, path: Path): Unknown[] {
  const entries = entriesOf(schema)
  if (entries === undefined || !isTable(given)) return []
  return Object.entries(given).flatMap(([key, inner]) =>
    Object.hasOwn(entries, key)
      ? unknownOptions(entries[key], inner, [...path, key])
      : [{ option: [...path, key], hint: advise(entries, key, path) }],
  )
}

function advise(entries: Entries, key: string, path: Path): string {
  const above = entriesOf(fileTable) ?? {}
  if (path.length > 0 && Object.hasOwn(above, key))
    return entriesOf(above[key]) === undefined
      ? `${key} stands above the first [table]`
      : `write it as [${key}]`
  const owner = Object.keys(entries).find((name) =>
    Object.hasOwn(entriesOf(entries[name]) ?? {}, key),
  )
  if (owner !== undefined) return `it belongs into [${formatPath([...path, owner])}]`
  const meant = didYouMean(key, Object.keys(entries))
  if (meant !== undefined) return `did you mean ${meant}?`
  return `known here: ${Object.keys(entries).join(', ')}`
}
