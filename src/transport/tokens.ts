/**
 * tokens - OAuth 2.0 access tokens: fetched once for all who wait, kept, and renewed in time.
 *
 * A token is renewed a little before it expires; while that fails the old one is used for as
 * long as it is good. A fetch that failed is not made again for a few seconds, or for as long as
 * the endpoint says, and those who ask meanwhile hear of it at once. Nothing of the client's secret
 * or of a token is ever part of what it says.
 */
import type { Clock } from '../base/clock.ts'
import { printable } from '../base/text.ts'
import type { HttpDestination } from '../config/config.ts'
import type { OAuth2 } from '../config/oauth2.ts'
import type { Fault } from '../message/outcome.ts'
import { statusLine } from './answer.ts'
import type { Answer } from './answer.ts'
import { concealer } from './conceal.ts'
import { retryAfter } from './retry-after.ts'

/** No token could be had. */
export class TokenError extends Error {
  readonly fault: Fault
  /** The endpoint wants nothing before (epoch ms). */
  readonly notBefore: number | undefined

  constructor(reason: string, fault: Fault, notBefore?: number) {
    super(printable(`token: ${reason}`))
    this.name = 'TokenError'
    this.fault = fault
    this.notBefore = notBefore
  }
}

/** The request for a token: a form, and what stands in its head. */
export interface TokenRequest {
  readonly url: URL
  readonly headers: string[]
  readonly body: Uint8Array
}

/** Asks the endpoint; throws a TokenError where no answer comes. */
export type Ask = (destination: HttpDestination, request: TokenRequest) => Promise<Answer>

export interface Token {
  readonly text: string
  /** By the monotonic clock, as all times here. */
  readonly fetchedAt: number
  readonly renewAt: number
  readonly goodUntil: number
}

interface Entry {
  token?: Token
  fetching?: Promise<Token>
  failure?: { readonly error: TokenError; readonly until: number }
}

/** It is renewed when this share of its life is left, or this span (ms), whichever is less. */
const SHARE = 0.1
const SPAN = 60_000
/** The life of a token that does not say (ms). */
const LIFE = 3_600_000
/** After a fetch that failed (ms). */
const PAUSE = 5_000
/** A token as young as that is not thrown away: another one would be no better (ms). */
const YOUNG = 5_000
/** The most that are kept: each renewed secret makes a new one. */
const MOST = 1_000

export class Tokens {
  readonly #entries = new Map<string, Entry>()
  readonly #clock: Clock
  readonly #ask: Ask

  constructor(clock: Clock, ask: Ask) {
    this.#clock = clock
    this.#ask = ask
  }

  /** A token that is good now. Throws a TokenError. */
  async take(destination: HttpDestination, auth: OAuth2, secret: string): Promise<Token> {
    const entry = this.#entry(auth, secret)
    const now = this.#clock.monotonic()
    const { token, failure } = entry
    if (token !== undefined && now < token.renewAt) return token
    const isGood = token !== undefined && now < token.goodUntil
    if (failure !== undefined && now < failure.until) {
      if (isGood) return token
      throw failure.error
    }
    entry.fetching ??= this.#fetch(entry, destination, auth, secret)
    try {
      return await entry.fetching
    } catch (error) {
      if (isGood) return token
      throw error
    }
  }

  /** A token was refused: true if it is worth while to take another one and try again. */
  drop(auth: OAuth2, secret: string, refused: Token): boolean {
    const entry = this.#entry(auth, secret)
    // Somebody has done so already.
    if (entry.token !== refused) return true
    if (this.#clock.monotonic() - refused.fetchedAt < YOUNG) return false
    delete entry.token
    return true
  }

  #entry(auth: OAuth2, secret: string): Entry {
    const { tokenUrl, clientId, clientAuth, scope, audience } = auth
    const key = JSON.stringify([tokenUrl, clientId, clientAuth, scope, audience, secret])
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      if (this.#entries.size >= MOST) this.#entries.clear()
      entry = {}
      this.#entries.set(key, entry)
    }
    return entry
  }

  async #fetch(
    entry: Entry,
    destination: HttpDestination,
    auth: OAuth2,
    secret: string,
  ): Promise<Token> {
    try {
      const answer = await this.#ask(destination, tokenRequest(auth, secret))
      const hide = concealer([secret, formWord(secret), basicPair(auth, secret)])
      const token = this.#read(answer, hide)
      entry.token = token
      delete entry.failure
      return token
    } catch (error) {
      const known = asTokenError(error)
      const now = this.#clock.monotonic()
      const wished = (known.notBefore ?? 0) - this.#clock.now()
      entry.failure = { error: known, until: now + Math.max(PAUSE, wished) }
      throw known
    } finally {
      delete entry.fetching
    }
  }

  #read(answer: Answer, hide: (text: string) => string): Token {
    const { status, headers } = answer
    const said = membersOf(answer)
    if (status !== 200) {
      const now = this.#clock.now()
      const { error, error_description: why } = said
      const words = [error, why].filter((word) => typeof word === 'string').join(': ')
      const quote = words === '' ? '' : `: "${printable(hide(words), 120)}"`
      const isTheirs = status >= 500 || status === 429 || status === 408
      throw new TokenError(
        `its endpoint answered ${statusLine(answer)}${quote}`,
        isTheirs ? 'receiver' : 'configuration',
        retryAfter(headers['retry-after'], headers['date'], now),
      )
    }
    const { access_token: text, token_type: type = 'Bearer', expires_in: seconds } = said
    if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text))
      throw new TokenError('its endpoint answered 200 without an access_token', 'receiver')
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
      throw new TokenError(
        `is of a type that msgq does not know: ${printable(String(type), 40)}`,
        'configuration',
      )
    const given = Number(seconds)
    const life = given > 0 ? Math.min(given * 1000, Number.MAX_SAFE_INTEGER) : LIFE
    const fetchedAt = this.#clock.monotonic()
    const goodUntil = fetchedAt + life
    return { text, fetchedAt, goodUntil, renewAt: goodUntil - Math.min(SPAN, life * SHARE) }
  }
}

function asTokenError(error: unknown): TokenError {
  return error instanceof TokenError
    ? error
    : new TokenError('unforeseen, while it was fetched', 'configuration')
}

function membersOf({ bytes }: Answer): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return typeof said === 'object' && said !== null
      ? (said as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}

function tokenRequest(auth: OAuth2, secret: string): TokenRequest {
  const { tokenUrl, clientId, clientAuth, scope, audience } = auth
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  const headers = [
    'accept',
    'application/json',
    'content-type',
    'application/x-www-form-urlencoded',
  ]
  if (clientAuth === 'basic') {
    headers.push('authorization', `Basic ${basicPair(auth, secret)}`)
  } else {
    form.set('client_id', clientId)
    form.set('client_secret', secret)
  }
  return { url: new URL(tokenUrl), headers, body: Buffer.from(form.toString()) }
}

/** RFC 6749, 2.3.1: each is written as in a form before they are put together. */
function basicPair({ clientId }: OAuth2, secret: string): string {
  return Buffer.from(`${formWord(clientId)}:${formWord(secret)}`).toString('base64')
}

function formWord(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
