/**
 * load - the whole configuration: defaults, msgq.toml, conf.d, environment and flags.
 *
 * All or nothing: what it returns is complete and was checked; with any problem there is no
 * configuration, and the caller keeps the one it has. It finds every problem, not the first.
 * Secrets are looked at for their shape only (secret.ts). A file that cannot be read is an
 * exception of its own, `no-permission`.
 */
import * as v from 'valibot'

import { afterOptions, namedIn, unheard } from './after.ts'
import type { Config } from './config.ts'
import { DEFAULTS } from './defaults.ts'
import {
  issueProblems,
  readDestinations,
  recipientDefect,
  unknownProblems,
} from './destinations.ts'
import { anyFilesystem, placeSpool } from './find.ts'
import type { Environment, Flags } from './find.ts'
import { defaultHouse, overlay, retryDefect } from './in-force.ts'
import type { House } from './in-force.ts'
import { listenDefect, listenOptions } from './listen.ts'
import { entriesOf, fileTable } from './options.ts'
import { ConfigError, inOrder, problemAt } from './problem.ts'
import type { Path, Problem } from './problem.ts'
import { readRoutes } from './routes.ts'
import { readEventSchemas } from './schema-file.ts'
import type { EventSchema } from './schema.ts'
import { placeOf, readSources } from './sources.ts'
import type { Source, Sources } from './sources.ts'
import { isTable } from './toml.ts'

/** What a check of the configuration came to. */
export interface Checked {
  /** Absent when there is a problem. */
  readonly config?: Config
  /** In the order of the files and their lines. */
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
  readonly sources: Sources
}

type FileOptions = v.InferOutput<typeof fileTable>

/** The configuration in force; throws a ConfigError with all its problems. */
export function loadConfig(environment: Environment, flags: Flags): Config {
  const { config, problems } = checkConfig(environment, flags)
  if (config !== undefined) return config
  throw new ConfigError(problems as [Problem, ...Problem[]])
}

/** Reads the configuration and says everything that is wrong with it. */
export function checkConfig(environment: Environment, flags: Flags): Checked {
  const sources = readSources(environment, flags)
  const { main, parts } = sources
  const problems: Problem[] = [...sources.problems]
  const given = main === undefined ? {} : readMain(main, problems)
  for (const part of parts) checkPart(part, problems)
  const house = houseOf(sources, given)
  const files = main === undefined ? parts : [main, ...parts]
  const read = readDestinations(files, house, problems)
  const { destinations, names } = read
  const warnings = [...read.warnings]
  const isAll = sources.problems.length === 0
  const routes = readRoutes(files, { destinations, names, isAll }, problems)
  const written = given.events?.schema ?? {}
  const said = { problems, warnings }
  const schemas = main === undefined ? [] : readEventSchemas(main, written, said)
  const defect = retryDefect(house.retry, given.retry)
  if (main !== undefined && defect !== undefined)
    problems.push(problemAt(placeOf(main, ['retry', defect.option]), defect.why))
  const open = main === undefined ? undefined : listenDefect(given.listen ?? {})
  // Where the tokens have a problem of their own, that is the one to say.
  if (main !== undefined && open !== undefined && !isWritten(main, ['listen', 'tokens']))
    problems.push(problemAt(placeOf(main, ['listen', 'http']), open))
  // In a file that is no TOML there may be more destinations.
  if (main !== undefined && sources.problems.length === 0) {
    checkRecipient(main, ['send', 'to'], given.send?.to, names, problems)
    for (const [name, to] of Object.entries(given.mail ?? {}))
      for (const each of to.split(','))
        checkRecipient(main, ['mail', name], each, names, problems)
    for (const [path, to] of namedIn(main.table))
      checkRecipient(main, path, to, names, problems)
    const silent = unheard(given)
    if (silent !== undefined)
      problems.push(problemAt(placeOf(main, silent.path), silent.why, silent.hint))
  }
  if (problems.length > 0)
    return { problems: inOrder(problems, sources.files), warnings, sources }
  const spool = placeSpool(environment, flags, sources.found, given.spool)
  const config: Config = {
    files: sources.files,
    ...(sources.revision === undefined ? {} : { revision: sources.revision }),
    spool: spool.spool,
    spoolIsDefault: spool.spoolIsDefault,
    anyFilesystem: anyFilesystem(environment, given.any_filesystem).value,
    ...plainOptions(given, schemas),
    ...afterOptions(given, DEFAULTS),
    ...house,
    destinations,
    routes,
    warnings,
  }
  return { config, problems, warnings, sources }
}

/** The options that nothing inherits and nothing overrides. */
function plainOptions(
  given: FileOptions,
  schemas: readonly EventSchema[],
): Pick<
  Config,
  'send' | 'mail' | 'submit' | 'listen' | 'activeLimit' | 'keys' | 'stop' | 'events' | 'log'
> {
  const { send, submit, listen, keys, stop, events, log } = v.parse(fileTable, DEFAULTS)
  const to = given.send?.to
  return {
    send: {
      ...(to === undefined ? {} : { to }),
      messageSizeLimit: (given.send?.message_size_limit ??
        send?.message_size_limit) as number,
      minFree: (given.send?.min_free ?? send?.min_free) as number,
    },
    mail: new Map(
      Object.entries(given.mail ?? {}).map(([name, where]) => [name.toLowerCase(), where]),
    ),
    submit: submitOptions({ ...submit, ...given.submit }),
    listen: listenOptions(given.listen ?? {}, listen ?? {}),
    activeLimit: given.active_limit ?? DEFAULTS.active_limit,
    keys: { ...keys, ...given.keys } as Config['keys'],
    stop: { ...stop, ...given.stop } as Config['stop'],
    events: {
      unrouted: (given.events?.unrouted ??
        events?.unrouted) as Config['events']['unrouted'],
      schemas,
    },
    log: { ...log, ...given.log } as Config['log'],
  }
}

function isWritten({ table }: Source, [first, second]: readonly [string, string]): boolean {
  const inner = table[first]
  return isTable(inner) && Object.hasOwn(inner, second)
}

function submitOptions(submit: NonNullable<FileOptions['submit']>): Config['submit'] {
  const { shared, max_messages, max_bytes } = submit as Required<typeof submit>
  return { shared: shared!, maxMessages: max_messages!, maxBytes: max_bytes! }
}

/** The tables that destinations inherit. */
function houseOf({ found, main }: Sources, given: FileOptions): House {
  const house = overlay(defaultHouse(), given)
  const written = main === undefined ? found : main.table['retry']
  if (written === undefined || given.retry !== undefined) return house
  // What a broken table meant is not known, and nothing can be held against it.
  return { ...house, retry: { ...house.retry, min: 0, max: Infinity } }
}

/** The options of msgq.toml, without those that have a problem. */
function readMain(main: Source, problems: Problem[]): FileOptions {
  problems.push(...unknownProblems(main, fileTable, main.table, []))
  const good: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(entriesOf(fileTable) ?? {})) {
    const result = v.safeParse(schema, main.table[name])
    if (result.success && Object.hasOwn(main.table, name)) good[name] = result.output
    problems.push(...issueProblems(main, result.issues ?? [], [name]))
  }
  return good
}

function checkPart(part: Source, problems: Problem[]): void {
  for (const [name, given] of Object.entries(part.table))
    if (name !== 'destinations' && name !== 'routes')
      problems.push(
        problemAt(
          placeOf(part, [name]),
          'may not stand in conf.d',
          'a file in conf.d holds only [destinations.NAME] and [[routes]]; the rest is in msgq.toml',
        ),
      )
    else {
      const result = v.safeParse(entriesOf(fileTable)![name]!, given)
      problems.push(...issueProblems(part, result.issues ?? [], [name]))
    }
}

/** `send.to` and what [mail] says must lead somewhere. */
function checkRecipient(
  main: Source,
  path: Path,
  to: string | undefined,
  names: ReadonlySet<string>,
  problems: Problem[],
): void {
  if (to === undefined) return
  const defect = recipientDefect(to, names)
  if (defect !== undefined)
    problems.push(problemAt(placeOf(main, path), defect.why, defect.hint))
}
