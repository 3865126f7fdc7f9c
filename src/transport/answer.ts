/**
 * answer - what a receiver's answer means: the table of plain HTTP, and nothing else.
 *
 * 2xx is delivered, 3xx and most of 4xx bounce, the rest is deferred; a status that nobody
 * knows is deferred. Whatever the receiver said becomes one printable line in the reason and
 * at most 2 KiB in `answer`. What it says of its limits is kept beside. Pure; the bytes may end
 * anywhere.
 */
import { STATUS_CODES } from 'node:http'

import { printable } from '../base/text.ts'
import type { Fault, Outcome } from '../message/outcome.ts'
import { usedUpUntil } from './ratelimit.ts'
import { retryAfter } from './retry-after.ts'
import type { HeaderValue } from './retry-after.ts'

/** The most that is kept of what a receiver said, in bytes of UTF-8. */
const KEPT = 2048
const QUOTED = 120

/** The head of an answer and the first bytes of its body. Header names are in lower case. */
export interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: Readonly<Record<string, HeaderValue>>
  readonly bytes: Uint8Array
}

/** 4xx that say "later": all others of 4xx say "never". */
const LATER = new Set([408, 421, 425, 429])
/** 4xx that an operator mends, at either end, and no sender. */
const SETUP = new Set([401, 403, 404, 405, 407, 410])
/** Statuses with which a Retry-After speaks for the receiver as a whole. */
const WHOLE_LANE = new Set([429, 503])

/** An outcome with the receiver's word on all that goes to it. */
export type Judged = Outcome & {
  /** It has nothing more to give before (epoch ms), by its RateLimit fields. */
  readonly laneUntil?: number
}

/** The outcome of an answer that came at `now`. `hide` takes secrets out of a text. */
export function judge(
  answer: Answer,
  now: number,
  hide: (text: string) => string = (text) => text,
): Judged {
  const outcome = outcomeOf(answer, now, hide)
  // Retry-After is the nearer word.
  if (outcome.kind === 'deferred' && outcome.wholeLane === true) return outcome
  const laneUntil = usedUpUntil(answer.headers, answer.status === 429, now)
  return laneUntil === undefined ? outcome : { ...outcome, laneUntil }
}

function outcomeOf(answer: Answer, now: number, hide: (text: string) => string): Outcome {
  const { status } = answer
  const text = hide(textOf(answer))
  const line = statusLine({ ...answer, statusText: hide(answer.statusText) })
  const said = clip(printable(text, KEPT), KEPT)
  const common = { status, ...(said === '' ? {} : { answer: said }) }
  if (status >= 200 && status < 300) return { kind: 'delivered', reason: line, ...common }
  if (status >= 300 && status < 400)
    return {
      kind: 'bounced',
      reason: `${line}: ${redirect(answer, hide)} (redirects are never followed)`,
      fault: 'configuration',
      ...common,
    }
  const quote = quoteOf(text, line)
  const reason = quote === '' ? line : `${line}: "${quote}"`
  const fault = faultOf(status)
  if (status >= 400 && status < 500 && !LATER.has(status))
    return { kind: 'bounced', reason, fault, ...common }
  const notBefore = retryAfter(answer.headers['retry-after'], answer.headers['date'], now)
  if (notBefore === undefined) return { kind: 'deferred', reason, fault, ...common }
  const word = { notBefore, ...(WHOLE_LANE.has(status) ? { wholeLane: true } : {}) }
  return { kind: 'deferred', reason, fault, ...common, ...word }
}

/** True for a status that an operator mends, at either end, and no sender. */
export function isSetup(status: number): boolean {
  return SETUP.has(status)
}

function faultOf(status: number): Fault {
  if (isSetup(status)) return 'configuration'
  return status >= 400 && status < 500 && !LATER.has(status) ? 'message' : 'receiver'
}

/** `503 Service Unavailable`; the receiver's own words only where HTTP has none. */
export function statusLine(answer: Pick<Answer, 'status' | 'statusText'>): string {
  const words = STATUS_CODES[answer.status] ?? printable(answer.statusText, 60)
  return `${answer.status} ${words}`.trim()
}

function redirect({ headers }: Answer, hide: (text: string) => string): string {
  const location = headers['location']
  const first = typeof location === 'string' ? location : location?.[0]
  return first === undefined ? 'no Location' : `Location ${printable(hide(first), 200)}`
}

/** What can be read as text. We ask for no encoding; what comes packed stays unread. */
export function textOf({ headers, bytes }: Answer): string {
  if (bytes.length === 0 || bytes.includes(0)) return ''
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') return ''
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** The words worth a place in the reason: of a page its title, else how the text begins. */
export function quoteOf(text: string, line: string): string {
  const isPage = /^\s*</.test(text)
  const words = isPage ? (/<title[^>]{0,200}>([^<]*)/i.exec(text)?.[1] ?? '') : text
  const quote = printable(words.replace(/\s+/g, ' '), QUOTED)
  return quote.toLowerCase() === line.toLowerCase() ? '' : quote
}

/** The beginning of a text that fits into so many bytes of UTF-8, never half a character. */
function clip(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text
  return Buffer.from(text)
    .subarray(0, limit)
    .toString('utf8')
    .replace(/\ufffd$/, '')
}
