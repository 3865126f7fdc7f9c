/**
 * failure - what to say of an attempt that got no answer, and whose fault it was.
 *
 * Only an address that is not allowed bounces: a network that fails today may work tomorrow.
 * Says what happened in words that an operator can act on, with the receiver's host, and
 * without anything of the request.
 */
import { errnoOf, plainError } from '../base/errno.ts'
import { formatDuration } from '../base/duration.ts'
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { HttpOptions } from '../config/config.ts'
import type { Fault, Outcome } from '../message/outcome.ts'
import { AddressError } from './address.ts'
import { statusLine } from './answer.ts'
import type { Exchanged } from './exchange.ts'
import { ProxyError } from './proxy.ts'
import type { TokenError } from './tokens.ts'
import { errors } from './undici.ts'

type Unanswered = Exclude<Exchanged, { kind: 'answered' }>
interface Verdict {
  readonly reason: string
  readonly fault: Fault
}

/** Whom the request was for, and which proxy read it, if one did. */
export interface Peer {
  readonly host: string
  readonly proxy: string | undefined
}

/** The outcome of an exchange that ended without an answer. */
export function unanswered(how: Unanswered, peer: Peer, limits: HttpOptions): Outcome {
  if (how.kind === 'stopped') return stopped(how.sent)
  if (how.kind === 'failed' && how.error instanceof AddressError)
    return forbidden(how.error)
  const outcome = deferred(verdictOf(how, peer, limits))
  return mayHaveArrived(how) ? { ...outcome, mayHaveArrived: true } : outcome
}

/** True where all of the request may have gone out. Of a body that broke off it has not. */
function mayHaveArrived(how: Exclude<Unanswered, { kind: 'stopped' }>): boolean {
  if (!how.sent || how.kind === 'unreadable') return false
  if (how.kind === 'silent') return true
  const { error } = how
  const code = errnoOf(error)
  // What the kernel refused to take went nowhere, and behind it nothing did.
  const refused = code === 'EPIPE' || code === 'ECONNRESET'
  const isWrite = error instanceof Error && 'syscall' in error && error.syscall === 'write'
  return !(refused && isWrite) && code !== 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'
}

/** The outcome of an attempt that we broke off. Charged if the receiver may have seen it. */
export function stopped(sent: boolean): Outcome {
  const reason = 'stopped before an answer came'
  const outcome = deferred({ reason, fault: 'configuration' })
  return sent ? { ...outcome, mayHaveArrived: true } : { ...outcome, uncharged: true }
}

/**
 * The outcome of an attempt that could not even be made into a request. It is charged, so that
 * such messages back off, and end when their lifetime does.
 */
export function unsendable(error: unknown): Outcome {
  if (error instanceof AddressError) return forbidden(error)
  const why = plainError(error)
  const reason = error instanceof MsgqError ? why : `no request could be made: ${why}`
  return deferred({ reason, fault: 'configuration' })
}

/**
 * The outcome of an attempt for which no token could be had. Charged, as all that keeps a request
 * from being made: such messages back off, and end when their lifetime does.
 */
export function withoutToken({ message, fault, notBefore }: TokenError): Outcome {
  const outcome = deferred({ reason: message, fault })
  return notBefore === undefined ? outcome : { ...outcome, notBefore }
}

/** Somebody must mend the URL or the rule: to wait mends neither. */
function forbidden({ message }: AddressError): Outcome {
  const reason = printable(`address not allowed: ${message}`)
  return { kind: 'bounced', reason, fault: 'configuration' }
}

function deferred({ reason, fault }: Verdict) {
  return { kind: 'deferred', reason: printable(reason), fault } as const
}

function verdictOf(
  how: Exclude<Unanswered, { kind: 'stopped' }>,
  { host, proxy }: Peer,
  limits: HttpOptions,
): Verdict {
  switch (how.kind) {
    case 'silent':
      return how.sent
        ? { reason: `no answer in ${formatDuration(limits.timeout)}`, fault: 'receiver' }
        : {
            reason: `no connection to ${host} in ${formatDuration(limits.timeout)}`,
            fault: 'network',
          }
    case 'unreadable':
      return unreadable(plainError(how.error))
    case 'failed':
      return proxy === undefined
        ? explain(how.error, host, limits)
        : atProxy(how.error, proxy, limits)
  }
}

function unreadable(why: string): Verdict {
  return { reason: `body cannot be read: ${why}`, fault: 'configuration' }
}

function explain(error: unknown, host: string, limits: HttpOptions): Verdict {
  if (error instanceof ProxyError) return proxyVerdict(error, limits)
  const cause = firstOf(error)
  const code = errnoOf(cause) ?? ''
  if (code in NETWORK) return { reason: `${NETWORK[code]}: ${host}`, fault: 'network' }
  if (cause instanceof errors.HTTPParserError)
    return { reason: `broken HTTP: ${tail(cause)}`, fault: 'receiver' }
  if (isTls(code, cause)) return { reason: `TLS: ${tlsWords(cause)}`, fault: 'network' }
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return {
        reason: `no connection to ${host} in ${formatDuration(limits.connectTimeout)}`,
        fault: 'network',
      }
    case 'UND_ERR_HEADERS_TIMEOUT':
      return {
        reason: `no answer in ${formatDuration(limits.headersTimeout)}`,
        fault: 'receiver',
      }
    case 'UND_ERR_HEADERS_OVERFLOW':
      return { reason: 'broken HTTP: the headers are too long', fault: 'receiver' }
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return unreadable('it is not as long as it was said to be')
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return { reason: 'broken HTTP: the lengths do not agree', fault: 'receiver' }
    case 'UND_ERR_SOCKET':
      return socketVerdict(cause)
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
      return {
        reason: `request cannot be written: ${plainError(cause)}`,
        fault: 'configuration',
      }
    case 'EMFILE':
    case 'ENFILE':
      return { reason: plainError(cause), fault: 'configuration' }
  }
  return { reason: plainError(cause) || 'unknown error', fault: 'network' }
}

const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'host name cannot be looked up now',
  EAI_FAIL: 'host name cannot be looked up',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset before an answer came',
  EPIPE: 'connection closed before an answer came',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'host is unreachable',
  EHOSTDOWN: 'host is down',
  ENETUNREACH: 'network is unreachable',
  ENETDOWN: 'network is down',
}

/** Where several addresses were tried, the error of the first. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0
    ? (error.errors[0] as unknown)
    : error
}

/** undici's one code for all that can befall a connection in use. */
function socketVerdict(error: unknown): Verdict {
  const what = plainError(error)
  // undici takes an unasked 100 Continue for an error.
  if (what === 'bad response' || what === 'bad upgrade')
    return {
      reason: `broken HTTP: an answer that was not asked for (${what})`,
      fault: 'receiver',
    }
  return { reason: 'connection closed before an answer came', fault: 'network' }
}

function proxyVerdict(error: ProxyError, limits: HttpOptions): Verdict {
  const { status, proxy, cause } = error
  if (status !== undefined)
    return {
      reason: `proxy ${proxy} answered ${statusLine({ status, statusText: '' })}`,
      fault: status < 500 ? 'configuration' : 'network',
    }
  return atProxy(cause, proxy, limits)
}

function atProxy(error: unknown, proxy: string, limits: HttpOptions): Verdict {
  const verdict = explain(error, proxy, limits)
  return { ...verdict, reason: `proxy: ${verdict.reason}` }
}

function isTls(code: string, error: unknown): boolean {
  return (
    /^(?:ERR_(?:TLS|SSL)_|EPROTO$|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_)/.test(
      code,
    ) ||
    ['HOSTNAME_MISMATCH', 'INVALID_CA', 'INVALID_PURPOSE', 'PATH_LENGTH_EXCEEDED'].includes(
      code,
    ) ||
    (error instanceof Error && 'opensslErrorStack' in error)
  )
}

/** OpenSSL's own word where there is one: the message around it names its source files. */
function tlsWords(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : ''
  if (/wrong version number|packet length too long/.test(reason))
    return `${reason} (does the receiver speak plain http there?)`
  // Node 24 adds advice about a flag that is not ours to give.
  const words = plainError(error).replace(/; if the root CA is installed locally.*$/s, '')
  return reason === '' ? words : reason
}

/** undici's `Response does not match the HTTP/1.1 protocol (why)`: the why. */
function tail(error: unknown): string {
  const message = plainError(error)
  return /\((.*)\)$/s.exec(message)?.[1] ?? message
}
