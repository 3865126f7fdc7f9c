/**
 * batch-line - one message as a line of JSON.
 *
 * A member that nobody knows is an error: a typo in `delay` must not send at once.
 */
import { isUtf8 } from 'node:buffer'

import { MsgqError } from '../base/errors.ts'
import { didYouMean, printable } from '../base/text.ts'
import { BODYLESS, checkDraft } from '../message/draft.ts'
import type { Draft } from '../message/draft.ts'
import { draftFor } from './compose.ts'
import { memberText } from './json-member.ts'
import { checkDestination } from './recipient.ts'
import { readSchedule, timesOf } from './schedule.ts'
import type { Terms } from './terms.ts'

/** What goes into the message as it stands; checkDraft looks at its types, too. */
const PLAIN = [
  'method',
  'headers',
  'contentType',
  'subject',
  'level',
  'key',
  'order',
  'hold',
] as const
const TIMES = ['delay', 'at', 'expires'] as const
const MEMBERS = ['to', 'event', 'body', 'bodyBase64', ...PLAIN, ...TIMES] as const

export interface Composed {
  readonly draft: Draft
  readonly body: Buffer
}

export interface LineContext {
  /** The receiver where it names none. */
  readonly to: string | undefined
  readonly terms: Terms
  readonly now: number
}

/** A body as its bytes, and whether these are JSON. */
export interface Bytes {
  readonly body: Buffer
  readonly isJson: boolean
}

/** The message of a line; throws (data or usage) with what is wrong with it. */
export function composeLine(line: Buffer, context: LineContext): Composed {
  const json = decode(line)
  return composeMembers(parse(json), () => memberText(json, 'body') as string, context)
}

/**
 * The message of what a line says. `jsonText` is its body's own text, where that is no text but
 * JSON; `bytes` stand for a body that is not among the members.
 */
export function composeMembers(
  raw: Readonly<Record<string, unknown>>,
  jsonText: () => string,
  { to: fallback, terms, now }: LineContext,
  bytes?: Bytes,
): Composed {
  checkMembers(raw)
  const { event } = raw
  if (event !== undefined && raw['to'] !== undefined)
    throw bad('to and event exclude each other')
  const to = raw['to'] === undefined && event === undefined ? fallback : raw['to']
  if (typeof to !== 'string' && event === undefined)
    throw bad(to === undefined ? 'to: is missing' : 'to: is not a text')
  const receiver = to as string | undefined
  if (receiver !== undefined) checkDestination(receiver, terms)
  const { isJson, body } = bytes ?? bodyOf(raw, jsonText, receiver ?? '', terms)
  const wish: Record<string, unknown> = {
    ...(event === undefined ? {} : { event }),
    ...typeOf(raw, isJson),
  }
  for (const name of PLAIN)
    if (raw[name] !== undefined && wish[name] === undefined) wish[name] = raw[name]
  const times = timesOf(readSchedule(textsOf(raw), '', now), now)
  checkDraft(
    receiver === undefined ? { ...wish, ...times } : { to: receiver, ...wish, ...times },
  )
  return { draft: draftFor(receiver, { ...wish, ...times }, body, terms), body }
}

function decode(line: Buffer): string {
  if (!isUtf8(line)) throw bad('is not UTF-8')
  return line.toString()
}

function parse(json: string): Record<string, unknown> {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (error) {
    throw bad(`is no JSON: ${printable((error as Error).message, 120)}`)
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw bad('is no JSON object')
  return raw as Record<string, unknown>
}

function checkMembers(raw: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(raw)) {
    if ((MEMBERS as readonly string[]).includes(name)) continue
    const shown = printable(name, 60)
    const meant = didYouMean(name, MEMBERS)
    throw bad(
      `${shown}: is no member of a message`,
      meant === undefined ? `there are ${MEMBERS.join(', ')}` : `did you mean ${meant}?`,
    )
  }
}

/** Text as its bytes, anything else as the JSON that it is. */
function bodyOf(
  raw: Readonly<Record<string, unknown>>,
  jsonText: () => string,
  to: string,
  { destinations }: Terms,
): Bytes {
  const { body, bodyBase64, method = destinations?.get(to)?.method } = raw
  if (body !== undefined && bodyBase64 !== undefined)
    throw bad('body and bodyBase64 exclude each other')
  if (bodyBase64 !== undefined) return { body: decodeBase64(bodyBase64), isJson: false }
  if (body === undefined) {
    if (!BODYLESS.has(String(method)))
      throw bad('body: is missing', `"" is an empty message`)
    return { body: Buffer.alloc(0), isJson: false }
  }
  if (typeof body !== 'string') return { body: Buffer.from(jsonText()), isJson: true }
  if (/\p{Cs}/u.test(body)) throw bad('body: has half a character')
  return { body: Buffer.from(body), isJson: false }
}

function decodeBase64(text: unknown): Buffer {
  const isBase64 =
    typeof text === 'string' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  if (!isBase64) throw bad('bodyBase64: is no Base64')
  return Buffer.from(text, 'base64')
}

/** `content-type` has a place of its own in a message. */
function typeOf(
  { headers, contentType }: Record<string, unknown>,
  isJson: boolean,
): { headers?: unknown; contentType?: string } {
  const own = Object.entries(typeof headers === 'object' && headers !== null ? headers : {})
  const given = own.find(([name]) => name.toLowerCase() === 'content-type')
  if (given === undefined)
    return isJson && contentType === undefined ? { contentType: 'application/json' } : {}
  if (contentType !== undefined)
    throw bad('contentType and the header content-type exclude each other')
  return {
    contentType: given[1] as string,
    headers: Object.fromEntries(own.filter((header) => header !== given)),
  }
}

function textsOf(raw: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const name of TIMES) {
    const value = raw[name]
    if (typeof value === 'string') texts[name] = value
    else if (value !== undefined) throw bad(`${name}: is not a text`)
  }
  return texts
}

function bad(message: string, hint?: string): MsgqError {
  return new MsgqError('data', message, hint)
}
