/**
 * open - opens a queue for a program: the one that the commands would take, or another.
 *
 * Reads the configuration and touches nothing else; a spool that is missing is made by the first
 * message, where it is the default one, as by `msgq send`.
 */
import { systemClock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import { findSpool, systemEnvironment } from '../config/find.ts'
import type { Environment, Flags } from '../config/find.ts'
import type { Queue } from './queue.ts'
import { SpoolQueue } from './spool-queue.ts'

/** Without any of these the queue is that of `msgq` in the same environment. */
export interface OpenOptions {
  /** The folder of the spool, as `--spool`. */
  readonly spool?: string
  /** The configuration file, as `--config`. */
  readonly config?: string
  /** In place of the environment of the program: MSGQ_SPOOL, MSGQ_CONFIG, MSGQ_TO, HOME. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Opens a queue. Rejects with a MsgqError for a configuration that names no spool. */
export async function open(options: OpenOptions = {}): Promise<Queue> {
  const { spool, config, env, ...odd } = options
  for (const name of Object.keys(odd))
    throw new MsgqError(
      'usage',
      `open: ${name}: is no option`,
      'there are spool, config, env',
    )
  const environment = env === undefined ? systemEnvironment() : environmentOf(env)
  const flags: Flags = { spool, config }
  const place = await findSpool(environment, flags)
  const said = new Set<string>()
  const warn = (line: string) => {
    if (said.has(line)) return
    said.add(line)
    process.emitWarning(line, 'MsgqWarning')
  }
  return new SpoolQueue({ environment, flags, place, clock: systemClock, warn })
}

function environmentOf(env: Environment['env']): Environment {
  const here = systemEnvironment()
  return { ...here, env, home: env['HOME'] || here.home }
}
