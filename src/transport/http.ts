/**
 * http - delivers a message as one HTTP request to one URL.
 *
 * Guarantees that an attempt ends in an outcome, within its timeout, whatever receiver,
 * network, secret or body does; that TLS is verified, that no redirect is followed, and that
 * no secret appears in what it says. Leaves to its caller when to try, and how often.
 */
import type { LookupFunction } from 'node:net'

import type { HttpDestination } from '../config/config.ts'
import type { Outcome } from '../message/outcome.ts'
import { judge } from './answer.ts'
import { concealer } from './conceal.ts'
import { Exchange } from './exchange.ts'
import type { Exchanged, ExchangeOptions } from './exchange.ts'
import { stopped, unanswered, unsendable } from './failure.ts'
import { Pools } from './pool.ts'
import type { Way } from './pool.ts'
import { proxyRule } from './proxy.ts'
import { buildRequest } from './request.ts'
import type { WireRequest } from './request.ts'
import { judgeByRules } from './rules.ts'
import type { Attempt, Transport, TransportOptions } from './transport.ts'

type HttpAttempt = Attempt<HttpDestination>

export interface HttpTransportOptions extends TransportOptions {
  /** Looks host names up; the system's way where it is absent. */
  readonly lookup?: LookupFunction
}

/** The transport of destinations of type `http`, and of bare URLs. */
export function createHttpTransport(
  options: HttpTransportOptions,
): Transport<HttpDestination> {
  const { clock, version, secrets } = options
  const pools = new Pools(clock, proxyRule(options.env), options.lookup)
  const live = new Live()

  async function deliver(attempt: HttpAttempt, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return stopped(false)
    let request: WireRequest
    let way: Way
    try {
      request = buildRequest(attempt, version, secrets)
      way = pools.take(attempt.destination, request.url)
    } catch (error) {
      return unsendable(error)
    }
    const exchange = new Exchange(way.pool, exchangeOptions(attempt, request, way))
    live.add(exchange, signal)
    try {
      return outcomeOf(await exchange.ended, attempt, request, way)
    } catch (error) {
      return unsendable(error)
    } finally {
      live.delete(exchange)
      pools.give(way)
    }
  }

  function outcomeOf(
    how: Exchanged,
    { destination }: HttpAttempt,
    { url, secrets: hidden }: WireRequest,
    way: Way,
  ): Outcome {
    const hide = concealer(hidden)
    if (how.kind !== 'answered') {
      const outcome = unanswered(
        how,
        { host: url.host, proxy: way.proxy },
        destination.http,
      )
      // A certificate can say what the receiver was told before.
      return { ...outcome, reason: hide(outcome.reason) }
    }
    const now = clock.now()
    const outcome = judge(how.answer, now, hide)
    // The proxy's own 407: the receiver has not seen the message.
    if (way.proxy !== undefined && outcome.status === 407 && outcome.kind === 'bounced')
      return { ...outcome, kind: 'deferred', reason: `proxy answered ${outcome.reason}` }
    const { on } = destination
    return on === undefined ? outcome : judgeByRules(how.answer, outcome, on, now, hide)
  }

  return {
    deliver,
    async close() {
      live.stop()
      await pools.close()
    },
  }
}

/**
 * The exchanges under way, each with the signal that ends it. One listener a signal: Node
 * warns of more than ten, and looks through all of them at each removal.
 */
class Live {
  readonly #exchanges = new Map<Exchange, AbortSignal>()
  readonly #heard = new WeakSet<AbortSignal>()

  add(exchange: Exchange, signal: AbortSignal): void {
    if (!this.#heard.has(signal)) {
      this.#heard.add(signal)
      signal.addEventListener('abort', () => this.stop(signal), { once: true })
    }
    this.#exchanges.set(exchange, signal)
  }

  delete(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  /** Ends those of a signal, or all. */
  stop(signal?: AbortSignal): void {
    for (const [exchange, its] of this.#exchanges)
      if (signal === undefined || its === signal) exchange.stop()
  }
}

function exchangeOptions(
  { body, destination }: HttpAttempt,
  { method, url, headers }: WireRequest,
  way: Way,
): ExchangeOptions {
  return {
    method,
    path: way.path(url),
    headers: withExtra(headers, way.headers(url)),
    body,
    timeout: destination.http.timeout,
    headersTimeout: destination.http.headersTimeout,
  }
}

/** Adds what the way needs where the request does not say it itself. */
function withExtra(
  headers: string[],
  extra: readonly (readonly [string, string])[],
): string[] {
  if (extra.length === 0) return headers
  const said = (name: string) => headers.some((text, at) => at % 2 === 0 && text === name)
  return [...headers, ...extra.filter(([name]) => !said(name)).flat()]
}
