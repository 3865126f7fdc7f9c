/**
 * token-asker - asks for a token, on such a way as the messages of its destination go.
 *
 * Whatever comes back in time is an answer; what keeps us from one is a TokenError, with whose
 * fault it is.
 */
import type { HttpDestination } from '../config/config.ts'
import type { Answer } from './answer.ts'
import { Exchange } from './exchange.ts'
import { unanswered, unsendable } from './failure.ts'
import type { Live } from './live.ts'
import { withExtra } from './pool.ts'
import type { Pools, Way } from './pool.ts'
import { TokenError } from './tokens.ts'
import type { TokenRequest } from './tokens.ts'
import { unpacked } from './unpack.ts'

/** A token may be long, by all that it says of its client. */
const LONGEST_ANSWER = 64 * 1024

interface Around {
  readonly pools: Pools
  readonly live: Live
  readonly version: string
  /** Ends all that is asked. */
  readonly signal: AbortSignal
}

/** Makes the function by which tokens are asked for. */
export function tokenAsker({ pools, live, version, signal }: Around) {
  return async (
    destination: HttpDestination,
    { url, headers, body }: TokenRequest,
  ): Promise<Answer> => {
    const { http } = destination
    let way: Way
    try {
      way = pools.take(destination, url)
    } catch (error) {
      throw new TokenError(unsendable(error).reason, 'configuration')
    }
    const exchange = new Exchange(way.pool, {
      method: 'POST',
      path: way.path(url),
      headers: withExtra(['user-agent', `msgq/${version}`, ...headers], way.headers(url)),
      body: { kind: 'bytes', bytes: body },
      timeout: http.timeout,
      headersTimeout: http.headersTimeout,
      kept: LONGEST_ANSWER,
    })
    live.add(exchange, signal)
    try {
      const how = await exchange.ended
      if (how.kind === 'answered') return unpacked(how.answer, LONGEST_ANSWER)
      const outcome = unanswered(how, { host: url.host, proxy: way.proxy }, http)
      const fault = 'fault' in outcome ? outcome.fault : 'network'
      throw new TokenError(outcome.reason, fault)
    } finally {
      live.delete(exchange)
      pools.give(way)
    }
  }
}
