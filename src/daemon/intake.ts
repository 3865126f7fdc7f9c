/**
 * intake - opens the doors of a daemon: which routes stand there, and on what terms.
 *
 * What stands in the configuration counts from one request to the next, but for what a door is
 * made of: `[listen] http`, `connections` and `timeout` need a restart.
 */
import type { IncomingMessage } from 'node:http'

import { systemClock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import type { Config } from '../config/config.ts'
import { formatAddress, isLoopback } from '../config/listen.ts'
import { TokenFile, tokenPath } from '../config/tokens.ts'
import type { Token } from '../config/tokens.ts'
import type { Log } from '../delivery/log.ts'
import { WITHOUT_TOKEN } from '../intake/caller.ts'
import type { Caller, Door } from '../intake/caller.ts'
import { checkHost, checkOrigin } from '../intake/cors.ts'
import { actRoutes } from '../intake/act-routes.ts'
import { eventRoute } from '../intake/event-route.ts'
import { healthRoutes } from '../intake/health-routes.ts'
import { messageRoutes } from '../intake/message-routes.ts'
import { LATER, Refusal } from '../intake/refusal.ts'
import { sendRoute } from '../intake/send-route.ts'
import { IntakeServer } from '../intake/server.ts'
import { termsIn } from '../intake/terms.ts'
import { identify } from '../intake/tokens.ts'
import { controlRoutes } from './control.ts'
import type { Answer } from './control.ts'
import type { Daemon } from './daemon.ts'
import { metricsRoute } from './metrics.ts'

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
  { reload, log, env }: Around,
): Promise<IntakeServer> {
  const terms = () => termsIn(daemon.config)
  const desk = daemon.queue
  const onLoopback = isLoopback(config.listen.http?.host ?? '')
  const onTrouble = (error: unknown) =>
    log.write('error', { event: 'intake' }, plainError(error))
  const tokens = tokenReader(env['CREDENTIALS_DIRECTORY'], onTrouble)
  const callerOf = (door: Door, request: IncomingMessage): Caller => {
    const { listen, files } = daemon.config
    if (door === 'http') {
      checkOrigin(request, listen.cors)
      if (listen.tokens === undefined && onLoopback) checkHost(request)
    }
    const needed = door === 'http' && (listen.tokens !== undefined || !onLoopback)
    if (request.headers.authorization === undefined && !needed)
      return { door, scopes: WITHOUT_TOKEN[door] }
    return identify(door, request, tokens(listen.tokens, files[0]), needed)
  }
  const server = new IntakeServer({
    routes: [
      sendRoute({
        doorway: desk,
        clock: systemClock,
        terms,
        incomingLimit: () => daemon.config.listen.incomingLimit,
      }),
      ...messageRoutes({ desk, clock: systemClock }),
      ...actRoutes({ desk, recall: (ids, recall) => daemon.recall(ids, recall) }),
      eventRoute({ history: desk }),
      ...healthRoutes({ alive: () => daemon.alive(), refusal: () => desk.refusal() }),
      metricsRoute(daemon, systemClock),
      ...controlRoutes(daemon, reload),
    ],
    callerOf,
    origins: () => daemon.config.listen.cors,
    onTrouble,
    connections: config.listen.connections,
    timeout: config.listen.timeout,
    hold: Math.max(HELD_LEAST, HELD_TIMES * config.send.messageSizeLimit),
  })
  try {
    await server.openSocket(config.spool, 'control')
    await server.openSocket(config.spool, 'submit')
    const { http } = config.listen
    if (http === undefined) return server
    const port = await server.openPort(http.host, http.port)
    const where = formatAddress({ host: http.host, port })
    log.write('info', { event: 'listen', http: where }, `listens on http://${where}`)
    return server
  } catch (error) {
    // One that listens keeps the program alive, and nobody is behind it.
    await server.close(0)
    throw error
  }
}

/**
 * Reads the file of tokens that is in force; without one there are none. Why it cannot be read is
 * for the log: who asks has shown nothing yet.
 */
function tokenReader(credentials: string | undefined, onTrouble: (error: unknown) => void) {
  let path = ''
  let file: TokenFile | undefined
  let said = ''
  return (
    tokens: Config['listen']['tokens'],
    configFile: string | undefined,
  ): readonly Token[] => {
    if (tokens === undefined) return []
    const wanted = tokenPath(tokens, configFile, credentials)
    if (file === undefined || wanted !== path) file = new TokenFile((path = wanted))
    try {
      const known = file.tokens
      said = ''
      return known
    } catch (error) {
      const why = String(error)
      if (why !== said) onTrouble(error)
      said = why
      throw new Refusal(503, 'unavailable', 'tokens: their file cannot be read', {
        hint: 'msgqd says in its log why',
        headers: LATER,
        ends: true,
      })
    }
  }
}
