/**
 * reload - has the daemon read its configuration again, and says what came of it.
 *
 * A configuration with faults leaves the one in force, and is 78 with all of them.
 */
import { EXIT_CODES, MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import type { Define, Io } from './command.ts'
import { askDaemon } from '../library/control.ts'
import { jsonLine } from './json.ts'

interface Options {
  readonly json?: boolean
}

/** What the daemon answers to a reload. */
interface Reloaded {
  readonly files: readonly string[]
  readonly newLanes: readonly string[]
  readonly needsRestart: readonly string[]
  readonly warnings: readonly string[]
}

/** With a great queue it looks through all of it for what a new destination set free (ms). */
const PATIENCE = 60_000

/** `msgq reload`. */
export const define: Define = (command, begin) => {
  command
    .option('--json', 'print JSON')
    .action((options: Options) => begin((io, flags) => run(io, flags, options)))
}

async function run(io: Io, flags: Flags, { json }: Options): Promise<number> {
  const { spool } = await findSpool(io.environment, flags)
  const answer = await askDaemon(spool, 'POST', '/v1/reload', undefined, PATIENCE)
  if (answer === undefined)
    throw new MsgqError(
      'unavailable',
      `msgqd is not running for ${spool}: there is nothing to reload`,
      'it reads its configuration when it starts; msgq check finds what is wrong with it',
    )
  if (json) await io.print(jsonLine(answer.body))
  if (answer.status === 422) {
    if (!json) complain(io, (answer.body as { problems: readonly string[] }).problems)
    return EXIT_CODES.config
  }
  if (answer.status !== 200)
    throw new MsgqError('temporary', `msgqd: answers ${answer.status}`, 'see its log')
  if (!json) await report(io, answer.body as Reloaded)
  return 0
}

function complain(io: Io, problems: readonly string[]): void {
  for (const [at, problem] of problems.entries())
    io.warn(
      `reload: ${printable(problem, 1_000)}`,
      at === problems.length - 1
        ? 'what was in force still is; msgq check says more'
        : undefined,
    )
}

async function report(io: Io, reloaded: Reloaded): Promise<void> {
  const { files, newLanes, needsRestart, warnings } = reloaded
  const facts: [string, readonly string[]][] = [
    ['reloaded', files.length === 0 ? ['no file, all defaults'] : files],
    ['  new', newLanes],
    ['  needs a restart', needsRestart.map(snakeCase)],
  ]
  const lines = facts
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${printable(names.join(', '), 1_000)}`)
  lines.push(...warnings.map((warning) => `  warning: ${printable(warning, 1_000)}`))
  await io.print(lines.map((line) => `${line}\n`).join(''))
}

/** An option as msgq.toml has it. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
