/**
 * check - finds what is wrong with configuration and spool, and changes nothing unless --repair.
 *
 * With it the spool is mended first, and what is found then is what is left. Both are looked through to the end, whatever is found on the way. 78 for a configuration that
 * cannot be used, else 65 for a spool with defects, else 0: warnings alone are no failure.
 */
import { EXIT_CODES, MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { Config } from '../config/config.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { DEFAULT_LIMITS } from '../config/limits.ts'
import { checkConfig } from '../config/load.ts'
import { secretPlace } from '../config/secret.ts'
import { secretProblems } from '../config/secret-check.ts'
import { tokenProblems } from '../config/token-check.ts'
import { inspectSpool, repairSpool } from '../queue/open.ts'
import type { Repair } from '../queue/open.ts'
import { becomeOwner } from './become.ts'
import { Census } from './census.ts'
import { confirmClock } from './clock-ok.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { present } from './summary.ts'

interface Options {
  readonly json?: boolean
  readonly clockOk?: boolean
  readonly repair?: boolean
}

interface Finding {
  readonly level: 'error' | 'warning'
  readonly message: string
  readonly hint?: string
  readonly file?: string
  readonly line?: number
}

/** `msgq check`. */
export const define: Define = (command, begin) => {
  command
    .option('--json', 'print JSON, one finding a line')
    .option('--repair', 'mend what can be mended in the spool; removes no message')
    .option('--clock-ok', 'say that the clock is right, and check nothing')
    .action((options: Options) =>
      begin((io, flags) =>
        options.clockOk
          ? confirmClock(io, flags, options.json ?? false)
          : run(io, flags, options),
      ),
    )
}

async function run(
  io: Io,
  flags: Flags,
  { json = false, repair = false }: Options,
): Promise<number> {
  const out = new Findings(io, json)
  const { config, code, findings } = await configFindings(io, flags)
  await out.begin('configuration', config === undefined ? '' : filesText(config))
  for (const finding of findings) await out.add(finding)

  const place = await placeOf(io, flags, config)
  if (place instanceof MsgqError) {
    await out.begin('spool', `not looked at: ${place.message}`)
  } else {
    await out.begin('spool', place.spool)
    if (repair) await mend(io, place, out)
    await reading('spool', () => inspect(io, place, config, out))
  }
  await out.end()
  if (code !== 0) return code
  return out.errors > 0 ? EXIT_CODES.data : 0
}

interface ConfigFindings {
  readonly config?: Config
  /** Why the configuration alone fails the check; 0 where it does not. */
  readonly code: number
  readonly findings: readonly Finding[]
}

async function configFindings(io: Io, flags: Flags): Promise<ConfigFindings> {
  const { environment } = io
  let checked
  try {
    checked = checkConfig(environment, flags)
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const { message, hint, exitCode } = error
    return { code: exitCode, findings: [errorOf(message, hint)] }
  }
  const { config, problems, warnings } = checked
  const secrets =
    config === undefined
      ? []
      : await secretProblems(config, secretPlace(config, environment.env))
  const findings: Finding[] = [
    ...problems.map((problem) => ({ level: 'error' as const, ...problem })),
    ...warnings.map((message) => ({ level: 'warning' as const, message })),
    ...secrets,
    ...(config === undefined ? [] : tokenProblems(config, environment.env)),
  ]
  const failed = findings.some(({ level }) => level === 'error')
  return {
    ...(config === undefined ? {} : { config }),
    code: failed ? EXIT_CODES.config : 0,
    findings,
  }
}

function errorOf(message: string, hint: string | undefined): Finding {
  return { level: 'error', message, ...(hint === undefined ? {} : { hint }) }
}

function filesText({ files, destinations, routes }: Config): string {
  const count = destinations.size
  const led =
    routes.length === 0 ? '' : `, ${routes.length} route${routes.length === 1 ? '' : 's'}`
  const known = `${count} destination${count === 1 ? '' : 's'}${led}`
  return files.length === 0 ? `none, all defaults` : `${files.join(', ')}: ${known}`
}

/** Where the spool is, also by a configuration with faults; else why nobody can tell. */
async function placeOf(
  io: Io,
  flags: Flags,
  config: Config | undefined,
): Promise<SpoolPlace | MsgqError> {
  if (config !== undefined) return config
  try {
    return await findSpool(io.environment, flags)
  } catch (error) {
    if (error instanceof MsgqError) return error
    throw error
  }
}

async function inspect(
  io: Io,
  { spool, anyFilesystem }: SpoolPlace,
  config: Config | undefined,
  out: Findings,
): Promise<void> {
  const census = new Census(config)
  const findings = inspectSpool(spool, {
    clock: io.clock,
    anyFilesystem,
    minFree: config?.send.minFree ?? DEFAULT_LIMITS.minFree,
    shared: config?.submit.shared ?? false,
    onMessage: (state, lane, envelope) => census.count(state, lane, envelope),
  })
  for await (const finding of findings) await out.add(finding)
  for (const finding of census.findings()) await out.add(finding)
  out.messages = census.messages
}

/** What keeps us from mending is a finding, and the looking goes on. */
async function mend(
  io: Io,
  { spool, anyFilesystem }: SpoolPlace,
  out: Findings,
): Promise<void> {
  const repairs: Repair[] = []
  const options = { clock: io.clock, anyFilesystem }
  try {
    becomeOwner(spool)
    await reading('spool', () =>
      repairSpool(spool, options, (repair) => void repairs.push(repair)),
    )
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    await out.add(errorOf(`cannot be mended: ${error.message}`, error.hint))
  }
  for (const { kind, message } of repairs)
    if (kind === 'mended') await out.mended(message)
    else await out.add({ level: 'warning', message: `left: ${message}` })
}

/** Prints findings as they come, and counts them. */
class Findings {
  readonly #io: Io
  readonly #json: boolean
  #area = ''
  errors = 0
  warnings = 0
  #mended = 0
  /** How many messages proved themselves. */
  messages = 0

  constructor(io: Io, json: boolean) {
    this.#io = io
    this.#json = json
  }

  async begin(area: string, what: string): Promise<void> {
    this.#area = area
    const line = `${area.padEnd(15)}${printable(what, 1_000)}`.trimEnd()
    if (!this.#json) await this.#io.print(`${line}\n`)
  }

  async mended(message: string): Promise<void> {
    this.#mended++
    await this.#io.print(
      this.#json
        ? jsonLine({ area: this.#area, level: 'mended', message })
        : `  mended   ${printable(message, 1_000)}\n`,
    )
  }

  async add(finding: Finding): Promise<void> {
    const { level, message, hint, file, line } = finding
    if (level === 'error') this.errors++
    else this.warnings++
    if (this.#json) {
      const area = this.#area
      await this.#io.print(jsonLine(present({ area, level, message, hint, file, line })))
      return
    }
    const said = `  ${level.padEnd(9)}${printable(message, 1_000)}`
    const { alarm } = screenOf(this.#io)
    const lines = [level === 'error' ? alarm(said) : said]
    if (hint !== undefined) lines.push(`           ${printable(hint, 1_000)}`)
    await this.#io.print(`${lines.join('\n')}\n`)
  }

  async end(): Promise<void> {
    const { errors, warnings, messages } = this
    const proven = `${messages} message${messages === 1 ? '' : 's'} proven`
    const counts = `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}`
    const mended = this.#mended
    const repaired = mended === 0 ? '' : `, ${mended} mended`
    const text = this.#json
      ? jsonLine({ ...(mended === 0 ? {} : { mended }), errors, warnings, messages })
      : `\n${proven}${repaired}, ${counts}\n`
    await this.#io.print(text)
  }
}
