/**
 * show - each option in force, as one would write it, and where it comes from.
 *
 * Secrets are shown as references; what stands inline is shown as "****", and of a URL the
 * beginning, as everywhere (message/mask.ts). A destination is shown with what it says itself,
 * or, where it is asked for by name, with what it inherits.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import { shownTo } from '../message/mask.ts'
import { DEFAULTS } from './defaults.ts'
import { isSecretHeader } from './destination.ts'
import { isSecretVariable } from './exec.ts'
import { anyFilesystem, placeSpool } from './find.ts'
import type { Environment, Flags } from './find.ts'
import { KINDS } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { checkConfig } from './load.ts'
import { fileTable, optionPaths } from './options.ts'
import { PRESETS } from './presets/all.ts'
import { presetDefaults, writtenRules } from './presets/kind.ts'
import type { Options, Preset } from './presets/preset.ts'
import { ConfigError, formatPath, formatPlace } from './problem.ts'
import type { Path, Problem } from './problem.ts'
import { placeOf } from './sources.ts'
import type { Source, Sources } from './sources.ts'
import { isTable } from './toml.ts'
import { isSecretName } from './wire-table.ts'

export interface Row {
  /** `retry.min`, `destinations.crm.url`. */
  readonly option: string
  /** As one would write it; empty where nothing is set and nothing is the default. */
  readonly value: string
  /** `FILE:LINE`, `default`, `not set`, a flag or a variable of the environment. */
  readonly where: string
}

const NOT_SET = { value: '', where: 'not set' } as const
const DEFAULT = 'default'

/** The options in force; with a name, those of one table, option or destination. */
export function showConfig(environment: Environment, flags: Flags, name?: string): Row[] {
  const { config, problems, sources } = checkConfig(environment, flags)
  if (config === undefined) throw new ConfigError(problems as [Problem, ...Problem[]])
  const destinations = [...config.destinations.keys()]
  const house = houseRows(environment, flags, sources)
  const routes = routeRows(sources)
  if (name === undefined)
    return [...house, ...destinations.flatMap((each) => ownRows(sources, each)), ...routes]
  const rows = [
    ...house,
    ...destinations.flatMap((each) => allRows(sources, each)),
    ...routes,
  ]
  for (const wanted of [name, `destinations.${name}`]) {
    const meant = rows.filter((row) => `${row.option}.`.startsWith(`${wanted}.`))
    if (meant.length > 0) return meant
  }
  const known = new Set([
    ...rows.flatMap(({ option }) => prefixes(option)),
    ...destinations,
  ])
  const meant = didYouMean(name, known)
  throw new MsgqError(
    'usage',
    `no such option or destination: ${JSON.stringify(name)}`,
    meant === undefined ? 'msgq config lists them all' : `did you mean ${meant}?`,
  )
}

function prefixes(option: string): string[] {
  const keys = option.split('.')
  return keys.map((_, index) => keys.slice(0, index + 1).join('.'))
}

function houseRows(environment: Environment, flags: Flags, sources: Sources): Row[] {
  return optionPaths(fileTable)
    .filter(([first]) => first !== 'destinations' && first !== 'routes')
    .map((path) => {
      const option = formatPath(path)
      if (option === 'spool') return spoolRow(environment, flags, sources)
      const row = houseRow(sources, path, option)
      if (option !== 'any_filesystem') return row
      const { value, from } = anyFilesystem(environment, undefined)
      return from === DEFAULT ? row : { option, value: String(value), where: from }
    })
}

function spoolRow(environment: Environment, flags: Flags, sources: Sources): Row {
  const written = sources.main?.table['spool'] as string | undefined
  const { spool, spoolFrom } = placeSpool(environment, flags, sources.found, written)
  const where =
    spoolFrom === 'file' ? formatPlace(placeOf(sources.main!, ['spool'])) : spoolFrom
  return { option: 'spool', value: JSON.stringify(spool), where }
}

/** An option of msgq.toml, or its default, shown under a name that may be another's. */
function houseRow({ main }: Sources, path: readonly string[], option: string): Row {
  const written = at(main?.table, path)
  if (main !== undefined && written !== undefined)
    return { option, value: write(path, written), where: formatPlace(placeOf(main, path)) }
  const value = at(DEFAULTS, path)
  return value === undefined
    ? { option, ...NOT_SET }
    : { option, value: write(path, value), where: DEFAULT }
}

/** What the routes say, in their order over all files. */
function routeRows({ main, parts }: Sources): Row[] {
  const files = main === undefined ? parts : [main, ...parts]
  const given = files.flatMap((source) =>
    ((source.table['routes'] ?? []) as readonly object[]).map((table, index) => ({
      source,
      index,
      table,
    })),
  )
  return given.flatMap(({ source, index, table }, count) =>
    Object.entries(table).map(([key, value]) => ({
      option: formatPath(['routes', count, key]),
      value: write([], value),
      where: formatPlace(placeOf(source, ['routes', index, key])),
    })),
  )
}

/** What a destination says itself. */
function ownRows(sources: Sources, name: string): Row[] {
  return pathsOf(sources, name).flatMap((path) => ownRow(sources, name, path))
}

/** What holds for a destination. */
function allRows(sources: Sources, name: string): Row[] {
  const preset = PRESETS.get(typeOf(sources, name))
  const given = at(sourceOf(sources, name).table, ['destinations', name]) as Options
  return pathsOf(sources, name).flatMap((path) => {
    const own = ownRow(sources, name, path)
    if (preset !== undefined && path[0] === 'on')
      return [...own, ...presetRuleRows(preset, name)]
    if (own.length > 0) return own
    const option = formatPath(['destinations', name, ...path])
    const its = at(preset && presetDefaults(preset, given), path)
    if (its !== undefined)
      return [{ option, value: write(path, its), where: `preset ${preset!.type}` }]
    const value = at(kindHere(sources, name)?.defaults, path)
    if (value !== undefined) return [{ option, value: write(path, value), where: DEFAULT }]
    return at(DEFAULTS, path) === undefined ? [] : [houseRow(sources, path, option)]
  })
}

/** Every option that the type of a destination knows. */
function pathsOf(sources: Sources, name: string): string[][] {
  return optionPaths(kindHere(sources, name)?.table)
}

function kindHere(sources: Sources, name: string): Kind | undefined {
  return KINDS.get(typeOf(sources, name))
}

function typeOf(sources: Sources, name: string): string {
  return String(at(sourceOf(sources, name).table, ['destinations', name, 'type']))
}

/** The rules of a preset, which are asked after the destination's own. */
function presetRuleRows(preset: Preset, name: string): Row[] {
  return writtenRules(preset).map((rule) => ({
    option: formatPath(['destinations', name, 'on']),
    value: `[${write([], rule)}]`,
    where: `preset ${preset.type}`,
  }))
}

function ownRow(sources: Sources, name: string, path: readonly string[]): Row[] {
  const source = sourceOf(sources, name)
  const row = (inner: readonly string[], value: unknown): Row => {
    const whole: Path = ['destinations', name, ...inner]
    const where = formatPlace(placeOf(source, whole))
    return { option: formatPath(whole), value: write(inner, value), where }
  }
  const given = at(source.table, ['destinations', name, ...path])
  if (given === undefined) return []
  return ['headers', 'environment', 'query'].includes(path[0] ?? '') && isTable(given)
    ? Object.entries(given).map(([header, value]) => row([...path, header], value))
    : [row(path, given)]
}

function sourceOf({ main, parts }: Sources, name: string): Source {
  const files = main === undefined ? parts : [main, ...parts]
  return files.find(({ table }) => at(table, ['destinations', name]) !== undefined)!
}

function at(table: unknown, path: readonly string[]): unknown {
  let inner = table
  for (const key of path) {
    if (!isTable(inner) || !Object.hasOwn(inner, key)) return undefined
    inner = inner[key]
  }
  return inner
}

/** A value as TOML. A text where a secret belongs is masked, and so is the end of a URL. */
function write(path: readonly string[], value: unknown): string {
  if (isTable(value))
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${formatPath([key])} = ${write([], inner)}`)
      .join(', ')} }`
  // Of a list of secrets each is one.
  const inner = isSecretText(path) ? path : []
  if (Array.isArray(value)) return `[${value.map((each) => write(inner, each)).join(', ')}]`
  if (typeof value !== 'string') return String(value)
  if (isSecretText(path)) return '"****"'
  return JSON.stringify(path.length === 1 && path[0] === 'url' ? shownTo(value) : value)
}

/** Secrets by presets' names for them; no other type has options with these names. */
const PRESET_SECRETS: ReadonlySet<string> = new Set(
  [...PRESETS.values()].flatMap(({ secrets }) => secrets),
)

function isSecretText(path: readonly string[]): boolean {
  const last = path.at(-1) ?? ''
  if (path.length === 1 && PRESET_SECRETS.has(last)) return true
  if (path[0] === 'headers') return isSecretHeader(last)
  if (path[0] === 'environment') return isSecretVariable(last)
  if (path[0] === 'query') return isSecretName(last)
  if (path[0] === 'sign') return last === 'secret'
  return path[0] === 'auth' && ['bearer', 'password', 'client_secret'].includes(last)
}
