/**
 * http - delivers a message as one HTTP request to one URL.
 *
 * Guarantees that an attempt ends in an outcome, within its timeout, whatever receiver,
 * network, secret or body does; that TLS is verified, that no redirect is followed, and that
 * no secret appears in what it says. Leaves to its caller when to try, and how often.
 */
import type { LookupFunction } from 'node:net'

import type { HttpDestination } from '../config/config.ts'
import type { OAuth2 } from '../config/oauth2.ts'
import type { Outcome } from '../message/outcome.ts'
import { judge } from './answer.ts'
import { concealer } from './conceal.ts'
import { Exchange, KEPT } from './exchange.ts'
import type { Exchanged, ExchangeOptions } from './exchange.ts'
import { stopped, unanswered, unsendable, withoutToken } from './failure.ts'
import { Live } from './live.ts'
import { Pools, withExtra } from './pool.ts'
import type { Way } from './pool.ts'
import { isPlain, prepare } from './prepare.ts'
import { proxyRule } from './proxy.ts'
import { buildRequest } from './request.ts'
import type { Prepared, WireRequest } from './request.ts'
import { judgeByRules } from './rules.ts'
import { shape } from './shape.ts'
import { bySuccess } from './success.ts'
import { tokenAsker } from './token-asker.ts'
import { TokenError, Tokens } from './tokens.ts'
import type { Token } from './tokens.ts'
import type { Attempt, Transport, TransportOptions } from './transport.ts'
import { unpacked } from './unpack.ts'

type HttpAttempt = Attempt<HttpDestination>

function hiding(secrets: readonly string[]): Prepared {
  return { headers: [], secrets }
}

function withHidden(prepared: Prepared, hidden: readonly string[]): Prepared {
  return { ...prepared, secrets: [...prepared.secrets, ...hidden] }
}

export interface HttpTransportOptions extends TransportOptions {
  /** Looks host names up; the system's way where it is absent. */
  readonly lookup?: LookupFunction
}

const NONE: readonly string[] = []

/** The transport of destinations of type `http`, and of bare URLs. */
export function createHttpTransport(
  options: HttpTransportOptions,
): Transport<HttpDestination> {
  const { clock, version, secrets } = options
  const pools = new Pools(clock, proxyRule(options.env), options.lookup, secrets)
  const live = new Live()
  const closing = new AbortController()
  const ask = tokenAsker({ pools, live, version, signal: closing.signal })
  const tokens = new Tokens(clock, ask)

  async function deliver(attempt: HttpAttempt, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return stopped(false)
    if (attempt.destination.preset === undefined) return sendReady(attempt, signal)
    try {
      const shaped = await shape(attempt, secrets)
      if (signal.aborted) return stopped(false)
      return 'outcome' in shaped
        ? shaped.outcome
        : await sendReady(shaped.attempt, signal, shaped.secrets)
    } catch (error) {
      return unsendable(error)
    }
  }

  /** Sends what has its shape; `hidden` is in it, and must not be said. */
  async function sendReady(
    attempt: HttpAttempt,
    signal: AbortSignal,
    hidden: readonly string[] = NONE,
  ): Promise<Outcome> {
    const { destination } = attempt
    if (isPlain(destination))
      return send(attempt, signal, hidden === NONE ? undefined : hiding(hidden))
    const { auth } = destination
    if (auth?.kind !== 'oauth2') return sendPrepared(attempt, signal, hidden)
    try {
      return await sendWithToken(attempt, signal, auth, hidden)
    } catch (error) {
      return error instanceof TokenError ? withoutToken(error) : unsendable(error)
    }
  }

  /** A token that is refused is thrown away, and the request made once more with another. */
  async function sendWithToken(
    attempt: HttpAttempt,
    signal: AbortSignal,
    auth: OAuth2,
    hidden: readonly string[],
  ): Promise<Outcome> {
    const secret = secrets(auth.clientSecret)
    for (let isFirst = true; ; isFirst = false) {
      const taken = tokens.take(attempt.destination, auth, secret)
      const token = await beforeAbort(taken, signal)
      if (token === undefined) return stopped(false)
      const outcome = await sendPrepared(attempt, signal, hidden, token)
      if (outcome.status !== 401 || !isFirst) return outcome
      if (!tokens.drop(auth, secret, token)) return outcome
    }
  }

  async function sendPrepared(
    attempt: HttpAttempt,
    signal: AbortSignal,
    hidden: readonly string[],
    token?: Token,
  ): Promise<Outcome> {
    let ready: { attempt: HttpAttempt; prepared: Prepared }
    try {
      ready = await prepare(attempt, clock.now(), secrets, token?.text)
    } catch (error) {
      return unsendable(error)
    }
    if (signal.aborted) return stopped(false)
    return send(ready.attempt, signal, withHidden(ready.prepared, hidden))
  }

  async function send(
    attempt: HttpAttempt,
    signal: AbortSignal,
    prepared?: Prepared,
  ): Promise<Outcome> {
    let request: WireRequest
    let way: Way
    try {
      request = buildRequest(attempt, version, secrets, prepared)
      way = pools.take(attempt.destination, request.url)
    } catch (error) {
      return unsendable(error)
    }
    const exchange = new Exchange(way.pool, exchangeOptions(attempt, request, way))
    live.add(exchange, signal)
    try {
      return outcomeOf(await exchange.ended, attempt, request, way)
    } catch (error) {
      // A bug of ours, behind a request that is out.
      return { ...unsendable(error), mayHaveArrived: true } as Outcome
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
    const answer = unpacked(how.answer, KEPT)
    const judged = judge(answer, now, hide)
    const { success } = destination
    const outcome = success === undefined ? judged : bySuccess(judged, success)
    // The proxy's own 407: the receiver has not seen the message.
    if (way.proxy !== undefined && outcome.status === 407 && outcome.kind === 'bounced')
      return { ...outcome, kind: 'deferred', reason: `proxy answered ${outcome.reason}` }
    const { on } = destination
    return on === undefined ? outcome : judgeByRules(answer, outcome, on, now, hide)
  }

  return {
    deliver,
    async close() {
      closing.abort()
      live.stop()
      await pools.close()
    },
  }
}

/** What a promise comes to, or undefined once the signal aborts. */
function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = () => resolve(undefined)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
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
