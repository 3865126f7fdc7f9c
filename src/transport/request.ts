/**
 * request - the request that an attempt puts on the wire: method, URL, headers.
 *
 * For a header of the same name the destination's word counts before the sender's, and that
 * before ours; only `webhook-id` and `msgq-attempt` are always ours. Secrets are looked up
 * here, at each attempt; one that cannot be had throws a MsgqError (`config`) that names it
 * and never shows it.
 */
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import type { HttpDestination } from '../config/config.ts'
import { formatSecret } from '../config/reference.ts'
import type { Secret, Within } from '../config/reference.ts'
import type { Body } from '../message/body.ts'
import { shownHeader } from '../message/mask.ts'
import { urlSecrets } from './conceal.ts'
import { withQuery } from './query.ts'
import type { Attempt, SecretSource } from './transport.ts'

export const IDEMPOTENCY_KEY = 'idempotency-key'

export interface WireRequest {
  readonly method: string
  readonly url: URL
  /** Names and values by turns, names in lower case. */
  readonly headers: string[]
  /** What must never be seen in anything that is said about this request. */
  readonly secrets: readonly string[]
}

/** What had to be fetched, counted or signed first. `headers` go before all others. */
export interface Prepared {
  /** An OAuth 2.0 access token. */
  readonly token?: string
  /** The body is packed, and a stream of it of unknown length. */
  readonly packed?: boolean
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly secrets: readonly string[]
}

/** The request of one attempt. */
export function buildRequest(
  { envelope, body, destination, number }: Attempt<HttpDestination>,
  version: string,
  source: SecretSource,
  prepared?: Prepared,
): WireRequest {
  const secrets: string[] = []
  const reveal = revealer(source, secrets)
  const url = urlOf(destination, reveal)
  secrets.push(...secretsIn(url))
  if (typeof destination.url !== 'string')
    secrets.push(url.href, url.pathname + url.search, url.pathname)

  const headers = ['user-agent', `msgq/${version}`]
  const keyHeader = destination.idempotencyHeader ?? IDEMPOTENCY_KEY
  if (keyHeader !== 'none') headers.push(keyHeader, wireSafe(envelope.key ?? envelope.id))
  if (bodyLength(body) > 0)
    headers.push(
      'content-type',
      envelope.contentType ?? destination.contentType ?? 'text/plain; charset=utf-8',
    )
  for (const name in envelope.headers) {
    const value = envelope.headers[name] as string
    set(headers, name, value)
    // `Bearer TOKEN` may come back without its first word.
    if (shownHeader(name, '') !== '') secrets.push(value, value.replace(/^\S+\s+/, ''))
  }
  for (const name in destination.headers) {
    const value = destination.headers[name] as string | Secret | Within
    set(headers, name, typeof value === 'string' ? value : reveal(value))
  }
  if (destination.auth !== undefined)
    set(
      headers,
      'authorization',
      authorization(destination.auth, reveal, secrets, prepared),
    )
  set(headers, 'webhook-id', envelope.id)
  set(headers, 'msgq-attempt', String(number))
  // Of a stream that is packed on its way nobody knows how long it becomes.
  if (body.kind === 'stream' && prepared?.packed !== true)
    set(headers, 'content-length', String(body.length))
  if (prepared !== undefined) {
    for (const [name, value] of prepared.headers) set(headers, name, value)
    secrets.push(...prepared.secrets)
  }

  const method = envelope.method ?? destination.method
  return { method, url, headers, secrets }
}

/** Looks secrets up, and notes them as what must not be seen. */
export function revealer(
  source: SecretSource,
  secrets: string[],
): (reference: Secret | Within) => string {
  return function reveal(reference) {
    const value =
      'within' in reference
        ? reference.within.replace('{}', () => reveal(reference.secret))
        : lookUp(reference, source)
    secrets.push(value)
    return value
  }
}

/** Sets a header in the flat list, over one of the same name. */
function set(headers: string[], name: string, value: string): void {
  const lower = name.toLowerCase()
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at] === lower) {
      headers[at + 1] = value
      return
    }
  headers.push(lower, value)
}

/** Bytes of a body, in memory or not. */
export function bodyLength(body: Body): number {
  return body.kind === 'bytes' ? body.bytes.length : body.length
}

/** A secret that is there, or a MsgqError. */
export function lookUp(reference: Secret, source: SecretSource): string {
  let value: string
  try {
    value = source(reference)
  } catch (error) {
    if (error instanceof MsgqError) throw error
    // What else it says may hold what it was about to return.
    const why = errnoOf(error) === undefined ? 'lookup failed' : plainError(error)
    throw new MsgqError('config', `secret ${formatSecret(reference)}: ${why}`)
  }
  if (value !== '') return value
  throw new MsgqError('config', `secret ${formatSecret(reference)}: is empty`)
}

/** URLs that hold no secret, read once for each destination. */
const plainUrls = new WeakMap<HttpDestination, URL>()

type Reveal = (reference: Secret | Within) => string

function urlOf(destination: HttpDestination, reveal: Reveal): URL {
  const { query } = destination
  return query === undefined
    ? ownUrl(destination, reveal)
    : withQuery(ownUrl(destination, reveal), query, reveal)
}

function ownUrl(destination: HttpDestination, reveal: Reveal): URL {
  const { url: given } = destination
  if (typeof given !== 'string')
    return parseUrl(reveal(given), `url (secret ${formatSecret(given)})`)
  let url = plainUrls.get(destination)
  if (url === undefined) {
    url = parseUrl(given, 'url')
    plainUrls.set(destination, url)
  }
  return url
}

/** Those of a URL, which is read once for many messages. */
function secretsIn(url: URL): readonly string[] {
  let secrets = known.get(url)
  if (secrets === undefined) {
    secrets = urlSecrets(url)
    known.set(url, secrets)
  }
  return secrets
}

const known = new WeakMap<URL, readonly string[]>()

function parseUrl(text: string, what: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new MsgqError('config', `${what}: is not a valid URL`)
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new MsgqError('config', `${what}: begins with neither https:// nor http://`)
  if (url.username !== '' || url.password !== '')
    throw new MsgqError('config', `${what}: has a user or password; use auth instead`)
  return url
}

function authorization(
  auth: NonNullable<HttpDestination['auth']>,
  reveal: (reference: Secret | Within) => string,
  secrets: string[],
  prepared: Prepared | undefined,
): string {
  if (auth.kind === 'oauth2') return `Bearer ${prepared?.token ?? ''}`
  if (auth.kind === 'bearer') return `Bearer ${reveal(auth.token)}`
  const pair = Buffer.from(`${auth.user}:${reveal(auth.password)}`).toString('base64')
  secrets.push(pair)
  return `Basic ${pair}`
}

/** A key in characters that a header can carry; what is beyond ASCII goes percent-encoded. */
function wireSafe(key: string): string {
  return key.replace(/[^\x20-\x7e]+/g, (run) =>
    Buffer.from(run).toString('hex').toUpperCase().replace(/../g, '%$&'),
  )
}
