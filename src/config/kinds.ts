/**
 * kinds - the types that a destination may have: the options of each, and what they come to.
 *
 * One entry a type, and the one place that knows them all. A preset is an entry of its own
 * that comes to a destination of type "http".
 */
import * as v from 'valibot'

import { commonPartOf } from './common.ts'
import type { Destination } from './config.ts'
import { DESTINATION_DEFAULTS, EXEC_DEFAULTS, SMTP_DEFAULTS } from './defaults.ts'
import { execDestinationTable, execPartOf } from './exec.ts'
import { fileDestinationTable, filePartOf } from './file.ts'
import { httpDestinationTable, httpPartOf } from './destination.ts'
import type { House, Overrides } from './in-force.ts'
import { entriesOf, table } from './options.ts'
import { PRESETS } from './presets/all.ts'
import { filledIn, presetOverrides, presetPart, presetTable } from './presets/kind.ts'
import type { Options, Preset } from './presets/preset.ts'
import { smtpDestinationTable, smtpPartOf } from './smtp.ts'
import { isTable } from './toml.ts'
import type { Table } from './toml.ts'
import { because, word } from './values.ts'

type Http = { readonly type: 'http' }
type Distribute<D> = D extends unknown ? Omit<D, 'name' | 'where'> : never

/** A destination whose name and place are still to be said. */
export type Placeless = Distribute<Destination>

export interface Kind {
  readonly table: v.GenericSchema
  /** What holds where its table does not say it, written as in msgq.toml. */
  readonly defaults: Table
  /** What holds where the destination says nothing, before the house. */
  readonly under?: (given: Options) => Overrides
  /** What its table comes to, with what holds for it after all is laid over the house. */
  read(given: unknown, held: House): Placeless
}

function kind<const S extends v.GenericSchema>(
  schema: S,
  defaults: Table,
  read: (given: v.InferOutput<S>, held: House) => Placeless,
): Kind {
  return {
    table: schema,
    defaults,
    read: (given, held) => read(given as v.InferOutput<S>, held),
  }
}

const http = kind(httpDestinationTable, DESTINATION_DEFAULTS, (given, held) => ({
  ...commonPartOf(given, held),
  ...httpPartOf(given),
  http: held.http,
}))

/** By what stands behind `type`. */
export const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['http', http],
  [
    'exec',
    kind(execDestinationTable, EXEC_DEFAULTS, (given, held) => ({
      ...commonPartOf(given, held),
      ...execPartOf(given),
    })),
  ],
  [
    'smtp',
    kind(smtpDestinationTable, SMTP_DEFAULTS, (given, held) => ({
      ...commonPartOf(given, held),
      ...smtpPartOf(given),
    })),
  ],
  [
    'file',
    kind(fileDestinationTable, {}, (given, held) => ({
      ...commonPartOf(given, held),
      ...filePartOf(given),
    })),
  ],
  ...[...PRESETS].map(([type, preset]) => [type, presetKind(preset)] as const),
])

function presetKind(preset: Preset): Kind {
  return {
    table: presetTable(preset, httpDestinationTable),
    defaults: DESTINATION_DEFAULTS,
    under: (given) => presetOverrides(preset, given),
    read: (given, held) => ({
      ...(http.read(filledIn(preset, given as Options), held) as Placeless & Http),
      preset: presetPart(preset, given as Options),
    }),
  }
}

const FORM = 'write [destinations.NAME] with type and url'
const typeOption = v.pipe(
  v.custom<{ type?: unknown }>(isTable, because('is not a table', FORM)),
  v.object({ type: v.optional(word([...KINDS.keys()]), 'http') }),
)

/**
 * The kind that a table asks for, or why there is none. One without a type is looked at as
 * one of type "http", whose table says that the type is missing.
 */
export function kindOf(
  given: unknown,
): Kind | { readonly issues: readonly v.BaseIssue<unknown>[] } {
  const result = v.safeParse(typeOption, given)
  return result.success ? KINDS.get(result.output.type)! : { issues: result.issues }
}

/** Every option that there is for some type. */
export const anyTable = table(
  Object.assign({}, ...[...KINDS.values()].map((each) => entriesOf(each.table))) as Record<
    string,
    v.GenericSchema
  >,
)

/** The types that know an option. */
export function typesWith(option: string): string[] {
  return [...KINDS]
    .filter(([, each]) => Object.hasOwn(entriesOf(each.table) ?? {}, option))
    .map(([type]) => type)
}
