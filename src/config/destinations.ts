/**
 * destinations - every [destinations.NAME] of every file, checked and filled in.
 *
 * A name belongs to one place: a second one is a problem that names both.
 */
import * as v from 'valibot'

import { didYouMean } from '../base/text.ts'
import { isDestinationName, looksLikeUrl } from '../message/lane.ts'
import type { Destination } from './config.ts'
import { urlDefect } from './destination.ts'
import { loopDefect } from './fallback.ts'
import { overlay, retryDefect } from './in-force.ts'
import type { House, Overrides } from './in-force.ts'
import { anyTable, kindOf, typesWith } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { entriesOf, unknownOptions } from './options.ts'
import { formatPlace, problemAt } from './problem.ts'
import type { Options } from './presets/preset.ts'
import type { Path, Problem } from './problem.ts'
import { readSchema } from './schema-file.ts'
import type { Said } from './schema-file.ts'
import { secretsOf } from './secrets.ts'
import { placeOf } from './sources.ts'
import type { Source } from './sources.ts'
import { isTable } from './toml.ts'

export interface Destinations {
  readonly destinations: ReadonlyMap<string, Destination>
  /** Every name that was given, also to one with a problem. */
  readonly names: ReadonlySet<string>
  readonly warnings: readonly string[]
}

/** Reads the destinations of all files; adds what is wrong to the problems. */
export function readDestinations(
  files: readonly Source[],
  house: House,
  problems: Problem[],
): Destinations {
  const destinations = new Map<string, Destination>()
  const first = new Map<string, Source>()
  const warnings: string[] = []
  for (const source of files) {
    const given = source.table['destinations']
    for (const [name, table] of Object.entries(isTable(given) ? given : {})) {
      const path: Path = ['destinations', name]
      const before = first.get(name)
      if (before !== undefined) {
        const why = `is defined twice, first at ${formatPlace(placeOf(before, path))}`
        problems.push(problemAt(placeOf(source, path), why))
        continue
      }
      first.set(name, source)
      const destination = readOne(source, name, table, house, { problems, warnings })
      if (destination === undefined) continue
      destinations.set(name, destination)
      warnings.push(...warningsOf(source, destination))
    }
  }
  const fallbacks = new Map<string, string>()
  for (const { name, fallback } of destinations.values())
    if (fallback !== undefined) fallbacks.set(name, fallback.to)
  for (const [name, to] of fallbacks) {
    const place = placeOf(first.get(name)!, ['destinations', name, 'fallback', 'to'])
    const defect = recipientDefect(to, new Set(first.keys())) ?? loopDefect(name, fallbacks)
    if (defect !== undefined) problems.push(problemAt(place, defect.why, defect.hint))
  }
  return { destinations, names: new Set(first.keys()), warnings }
}

/** Why this leads nowhere; undefined for a destination with one of these names, and for a URL. */
export function recipientDefect(
  to: string,
  names: ReadonlySet<string>,
): { readonly why: string; readonly hint?: string } | undefined {
  if (looksLikeUrl(to)) return urlDefect(to)
  if (names.has(to)) return undefined
  const meant = didYouMean(to, names)
  return {
    why: `no such destination: ${JSON.stringify(to)}`,
    hint:
      meant === undefined
        ? 'name a [destinations.NAME] or a URL'
        : `did you mean ${meant}?`,
  }
}

function readOne(
  source: Source,
  name: string,
  given: unknown,
  house: House,
  said: Said,
): Destination | undefined {
  const { problems } = said
  const path: Path = ['destinations', name]
  const found: Problem[] = []
  if (!isDestinationName(name))
    found.push(
      problemAt(
        placeOf(source, path),
        'cannot be the name of a destination',
        'write it in a-z, 0-9, - and _, at most 64, a letter or digit first',
      ),
    )
  const kind = kindOf(given)
  if ('issues' in kind) {
    found.push(...issueProblems(source, kind.issues, path))
    // Of which type its options are is not known.
    found.push(...unknownProblems(source, anyTable, given, path))
    problems.push(...found)
    return undefined
  }
  found.push(...strayProblems(source, kind, given, path))
  const result = v.safeParse(kind.table, given)
  found.push(...issueProblems(source, result.issues ?? [], path))
  problems.push(...found)
  if (!result.success || found.length > 0) return undefined
  const over = result.output as Overrides
  const held = overlay(overlay(house, kind.under?.(result.output as Options) ?? {}), over)
  const defect = retryDefect(held.retry, over.retry)
  if (defect !== undefined) {
    const place = placeOf(source, [...path, 'retry', defect.option])
    problems.push(problemAt(place, defect.why))
    return undefined
  }
  const where = formatPlace(placeOf(source, path))
  const { schema: file } = result.output as { schema?: string }
  const schema =
    file === undefined ? undefined : readSchema(source, [...path, 'schema'], file, said)
  if (file !== undefined && schema === undefined) return undefined
  const checked = schema === undefined ? {} : { schema }
  return { name, ...kind.read(result.output, held), ...checked, where }
}

/** The options of a destination that its type does not know. */
function strayProblems(source: Source, kind: Kind, given: unknown, path: Path): Problem[] {
  const entries = entriesOf(kind.table) ?? {}
  return unknownOptions(kind.table, given, path).map(({ option, hint }) => {
    const place = placeOf(source, option)
    const key = String(option.at(-1))
    const isInner =
      option.length > path.length + 1 ||
      // A key of a service is meant more often than one of a certificate.
      Object.entries(entries).some(
        ([name, inner]) => name !== 'tls' && Object.hasOwn(entriesOf(inner) ?? {}, key),
      )
    const owner = isInner ? undefined : typesWith(key)[0]
    if (owner === undefined) return problemAt(place, 'unknown option', hint)
    const { type = 'http' } = given as { type?: string }
    const known = `known here: ${Object.keys(entries).join(', ')}`
    return problemAt(place, `belongs to type "${owner}" and not to "${type}"`, known)
  })
}

/** The options of a table that do not exist, as problems. */
export function unknownProblems(
  source: Source,
  schema: unknown,
  given: unknown,
  path: Path,
): Problem[] {
  return unknownOptions(schema, given, path).map(({ option, hint }) =>
    problemAt(placeOf(source, option), 'unknown option', hint),
  )
}

/** What valibot found, as problems. */
export function issueProblems(
  source: Source,
  issues: readonly v.BaseIssue<unknown>[],
  path: Path,
): Problem[] {
  return issues.map((issue) => {
    const keys = (issue.path ?? []).map(({ key }) =>
      typeof key === 'number' ? key : String(key),
    )
    const [why, hint] = issue.message.split('\n')
    return problemAt(placeOf(source, [...path, ...keys]), why as string, hint)
  })
}

function warningsOf(source: Source, destination: Destination): string[] {
  return secretsOf(destination)
    .filter(([, secret]) => 'inline' in secret)
    .map(([option]) => {
      const place = placeOf(source, option)
      const why = 'a secret in the configuration itself; { file = "name" } keeps it apart'
      return problemAt(place, why).message
    })
}
