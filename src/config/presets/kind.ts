/**
 * kind - the table of a preset's type, and the HTTP destination that it comes to.
 *
 * Whatever the destination says goes before what the preset would: URL, headers and auth, and its own
 * rules are asked first.
 */
import * as v from 'valibot'

import type { HttpDestination } from '../config.ts'
import type { Overrides } from '../in-force.ts'
import { entriesOf, laneTable, table } from '../options.ts'
import { readRules } from '../rules.ts'
import type { Rule } from '../rule.ts'
import { parseToml } from '../toml.ts'
import { because, word } from '../values.ts'
import type { Options, Preset } from './preset.ts'

type Written = Partial<HttpDestination> & Options

/** The options of a preset's type: those of HTTP, of which it needs none, and its own. */
export function presetTable(preset: Preset, http: v.GenericSchema) {
  const { type, url, ...entries } = entriesOf(http) as Record<string, v.GenericSchema>
  const options = table({
    type: type!,
    url: v.optional(url!),
    ...preset.options,
    ...(preset.carry === undefined && { too_long: v.optional(word(['cut', 'bounce'])) }),
    ...entries,
  }) as unknown as v.GenericSchema<unknown, Written>
  return v.pipe(
    options,
    v.rawCheck<Written>(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      const reach = preset.reach(dataset.value)
      if (!('why' in reach)) return
      addIssue({
        message: because(reach.why, reach.hint),
        path: [
          {
            type: 'object',
            origin: 'value',
            input: dataset.value,
            key: reach.option,
            value: undefined,
          },
        ],
      })
    }),
  )
}

/** What a preset says where a destination says nothing. */
export function presetDefaults(
  { defaults, further }: Preset,
  given: Options,
): Preset['defaults'] {
  return further === undefined ? defaults : { ...defaults, ...further(given) }
}

/** What holds for its lane where neither house nor destination says better. */
export function presetOverrides(preset: Preset, given: Options): Overrides {
  const { lane } = presetDefaults(preset, given)
  return lane === undefined ? {} : { lane: v.parse(laneTable, lane) }
}

/** What a table says, filled in from the preset: as a table of HTTP would say it. */
export function filledIn(preset: Preset, given: Written): Written {
  const reach = preset.reach(given)
  if ('why' in reach) return given
  const { url, headers, auth, idempotencyHeader } = reach
  const own = new Set(Object.keys(given.headers ?? {}).map((name) => name.toLowerCase()))
  const theirs = Object.entries(headers ?? {}).filter(([name]) => !own.has(name))
  const proves = given.auth ?? (own.has('authorization') ? undefined : auth)
  return {
    ...given,
    url,
    ...(idempotencyHeader === undefined ? {} : { idempotency_header: idempotencyHeader }),
    headers: { ...Object.fromEntries(theirs), ...given.headers },
    ...(proves === undefined ? {} : { auth: proves }),
    on: [...(given.on ?? []), ...presetRules(preset)],
  }
}

/** The part of a destination that its preset needs at each delivery. */
export function presetPart(
  preset: Preset,
  given: Written,
): NonNullable<HttpDestination['preset']> {
  const own = Object.keys(preset.options).filter((name) => given[name] !== undefined)
  const options = Object.fromEntries(own.map((name) => [name, given[name]]))
  const tooLong = (given['too_long'] as 'cut' | 'bounce' | undefined) ?? preset.tooLong
  return { type: preset.type, options, tooLong }
}

/** A preset's rules, as they were written. */
export function writtenRules({ type, on }: Preset): readonly unknown[] {
  const parsed = parseToml(type, Buffer.from(`on = ${on}\n`))
  if (!parsed.ok) throw new Error(parsed.problem.message)
  return parsed.table['on'] as readonly unknown[]
}

const rules = new WeakMap<Preset, readonly Rule[]>()

/** A preset's rules, read when the first destination needs them. */
function presetRules(preset: Preset): readonly Rule[] {
  let known = rules.get(preset)
  if (known === undefined) {
    known = readRules(writtenRules(preset), preset.type, (place, why) => {
      throw new Error(`preset ${preset.type}: on.${place.join('.')}: ${why}`)
    })
    rules.set(preset, known)
  }
  return known
}
