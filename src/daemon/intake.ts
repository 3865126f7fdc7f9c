/**
 * intake - opens the doors of a daemon: which routes stand there, and on what terms.
 *
 * What stands in the configuration counts from one request to the next, but for what a door is
 * made of: `[listen] http`, `connections` and `timeout` need a restart.
 */
import { systemClock } from '../base/clock.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../delivery/log.ts'
import { WITHOUT_TOKEN } from '../intake/caller.ts'
import { sendRoute } from '../intake/send-route.ts'
import { IntakeServer } from '../intake/server.ts'
import type { Terms } from '../intake/terms.ts'
import { controlRoutes } from './control.ts'
import type { Answer } from './control.ts'
import { asTrouble } from './daemon.ts'
import type { Daemon } from './daemon.ts'

interface Around {
  readonly reload: () => Promise<Answer>
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Bodies of so many times the largest message may be under way at once, and of this at least. */
const HELD_TIMES = 4
const HELD_LEAST = 64 * 1024 * 1024

/** Opens the sockets; who asks is answered from now on. */
export async function openIntake(
  daemon: Daemon,
  config: Config,
  { reload, log }: Around,
): Promise<IntakeServer> {
  const terms = (): Terms => {
    const { send, mail, destinations } = daemon.config
    return { ...send, mail, destinations }
  }
  const server = new IntakeServer({
    routes: [
      sendRoute({
        doorway: daemon.queue,
        clock: systemClock,
        terms,
        incomingLimit: () => 50_000,
      }),
      ...controlRoutes(daemon, reload),
    ],
    callerOf: (door) => ({ door, scopes: WITHOUT_TOKEN[door] }),
    origins: () => [],
    onTrouble: (error) => log.write('error', { event: 'intake' }, asTrouble(error)),
    connections: 512,
    timeout: 60_000,
    hold: Math.max(HELD_LEAST, HELD_TIMES * config.send.messageSizeLimit),
  })
  await server.openSocket(config.spool, 'control')
  await server.openSocket(config.spool, 'submit')
  return server
}
