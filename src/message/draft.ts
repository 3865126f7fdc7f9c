/**
 * draft - what a sender may say of a message, and the one check of it.
 *
 * The same check stands at `send`, at adoption of a hand-made file and at every read of an
 * envelope, so that what is refused at one door is refused at all. Bodies are apart.
 */
import { MsgqError } from '../base/errors.ts'
import { memo } from '../base/memo.ts'
import { hasControl, printable } from '../base/text.ts'
import { isDestinationName, looksLikeUrl } from './lane.ts'

export const LEVELS = ['info', 'success', 'warning', 'error', 'critical'] as const
export type Level = (typeof LEVELS)[number]

/** What a sender may say. One of `to` and `event`; times are ISO 8601 with a zone. */
export interface Draft {
  /** A destination or a URL. */
  readonly to?: string
  /** Routes decide where it goes. */
  readonly event?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly subject?: string
  readonly level?: Level
  /** Of two messages with one key the second is dropped: what makes it safe to send again. */
  readonly key?: string
  /** Messages of one destination with the same word go out one after the other. */
  readonly order?: string
  readonly notBefore?: string
  readonly expiresAt?: string
  /** Waits in `hold` until somebody releases it. */
  readonly hold?: boolean
}

/** The members of a draft: what adoption takes from a file of another user, and no more. */
export const DRAFT_FIELDS = [
  'to',
  'event',
  'method',
  'headers',
  'contentType',
  'subject',
  'level',
  'key',
  'order',
  'notBefore',
  'expiresAt',
  'hold',
] as const satisfies readonly (keyof Draft)[]

/** Methods that carry no body of their own: with them stdin is never read. */
export const BODYLESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/** Headers that belong to the transport, to the connection, or to msgq itself. */
const RESERVED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'msgq-attempt',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'webhook-id',
])

/** RFC 9110, 5.5: visible, space and tab are sent; what is beyond Latin-1 has no bytes. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/

const TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * Throws a MsgqError (`data`) that names the first member that cannot be sent. Only a child that
 * msgq itself made of an event has both `to` and `event`.
 */
export function checkDraft(draft: Draft, isChild = false): void {
  if (draft.to === undefined && draft.event === undefined)
    throw bad('to', 'is missing', 'say where the message goes: a destination or a URL')
  if (draft.to !== undefined && draft.event !== undefined && !isChild)
    throw bad('to', 'and event exclude each other')
  if (draft.to !== undefined) checkTo(draft.to)
  for (const field of ['event', 'subject', 'key', 'order', 'contentType'] as const)
    checkLine(field, draft[field])
  // These two travel in headers.
  for (const field of ['key', 'contentType'] as const)
    if (UNSENDABLE.test(draft[field] ?? ''))
      throw bad(field, `has a character that no header may have: ${show(draft[field])}`)
  if (
    draft.method !== undefined &&
    !(isText(draft.method) && /^[A-Z]{1,20}$/.test(draft.method))
  )
    throw bad(
      'method',
      `is not a method: ${show(draft.method)}`,
      'write it in capitals: POST',
    )
  if (draft.method === 'CONNECT') throw bad('method', 'CONNECT cannot deliver a message')
  if (draft.level !== undefined && !LEVELS.includes(draft.level))
    throw bad('level', `is not one of ${LEVELS.join(', ')}: ${show(draft.level)}`)
  if (draft.hold !== undefined && typeof draft.hold !== 'boolean')
    throw bad('hold', 'is neither true nor false')
  checkHeaders(draft.headers)
  if (draft.key !== undefined && hasHeader(draft.headers, 'idempotency-key'))
    throw bad('key', 'and the header Idempotency-Key exclude each other')
  for (const field of ['notBefore', 'expiresAt'] as const) checkTime(field, draft[field])
}

function checkTo(to: unknown): void {
  if (!isText(to)) throw bad('to', 'is not a text')
  if (!looksLikeUrl(to)) {
    if (isDestinationName(to)) return
    const hint = /^[\w.-]+\.[a-z]{2,}(?:[:/]|$)/i.test(to)
      ? `a URL begins with https:// or http://`
      : 'a destination is written in a-z, 0-9, - and _'
    throw bad('to', `is neither a destination nor a URL: ${show(to)}`, hint)
  }
  checkUrl(to)
}

/** Returns, or throws what is wrong: a queue names the same few again and again. */
const checkUrl = memo((to) => {
  if (hasControl(to) || to !== to.trim())
    throw bad('to', `has a control character or a space around it: ${show(to)}`)
  let url: URL
  try {
    url = new URL(to)
  } catch {
    throw bad('to', `is not a valid URL: ${show(to)}`)
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw bad(
      'to',
      `has a scheme that msgq does not speak: ${show(url.protocol)}`,
      'use https or http',
    )
  if (url.username !== '' || url.password !== '')
    throw bad(
      'to',
      'has a user or password in the URL',
      'a secret in a URL ends in logs: name a destination and give it `auth` in msgq.toml',
    )
  return true
})

function checkHeaders(headers: unknown): void {
  if (headers === undefined) return
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw bad('headers', 'is not an object of names and texts')
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name)) throw bad('headers', `has a bad name: ${show(name)}`)
    if (RESERVED.has(name.toLowerCase()))
      throw bad('headers', `sets ${name}, which belongs to msgq or to the connection`)
    const label = printable(name, 80)
    if (!isText(value)) throw bad('headers', `${label} is not a text`)
    if (UNSENDABLE.test(value))
      throw bad(
        'headers',
        `${label} has a character that no header may have: ${show(value)}`,
      )
  }
}

function hasHeader(headers: Draft['headers'], wanted: string): boolean {
  return Object.keys(headers ?? {}).some((name) => name.toLowerCase() === wanted)
}

function checkLine(field: string, value: unknown): void {
  if (value === undefined) return
  if (!isText(value)) throw bad(field, 'is not a text')
  if (hasControl(value)) throw bad(field, `has a control character: ${show(value)}`)
  if (value.length > 1000) throw bad(field, 'is longer than 1000 characters')
  if (value === '' && field !== 'subject') throw bad(field, 'is empty')
}

function checkTime(field: string, value: unknown): void {
  if (value === undefined) return
  if (isText(value) && isTime(value)) return
  throw bad(
    field,
    `is not a time in ISO 8601: ${show(value)}`,
    'write date, time and zone: 2026-11-20T10:15:00Z, or +01:00 for Z',
  )
}

/** A time that means the same on every machine, and a day that the month has. */
function isTime(text: string): boolean {
  const day = TIME.exec(text)?.[1]
  if (day === undefined || Number.isNaN(Date.parse(text))) return false
  const midnight = Date.parse(`${day}T00:00:00Z`)
  return new Date(midnight).toISOString().startsWith(day)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** What was given, short and printable. What is deep is only named: it may be hostile. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return printable(isText(value) ? JSON.stringify(value) : String(value), 80)
}

function bad(field: string, why: string, hint?: string): MsgqError {
  return new MsgqError('data', `${field}: ${why}`, hint)
}
