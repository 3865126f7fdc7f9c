/**
 * message - a message as a program writes it, and the one that is queued of it.
 *
 * The members are those of a line of `msgq send --batch`, and the check is the same. Beside them
 * there are only what a program has and a line cannot: values for JSON, bytes, dates.
 */
import { MsgqError } from '../base/errors.ts'
import { composeMembers } from '../intake/batch-line.ts'
import type { Bytes, Composed, LineContext } from '../intake/batch-line.ts'
import type { Draft } from '../message/draft.ts'

/**
 * What is to be sent. One of `to` and `event`, else $MSGQ_TO, else `[send] to`; and a body in one
 * of its forms.
 */
export interface Outgoing extends Omit<Draft, 'notBefore' | 'expiresAt'> {
  /** Text and bytes as they are; anything else as JSON. */
  readonly body?: unknown
  /** Any value, sent as JSON: a text too. */
  readonly json?: unknown
  readonly bodyBase64?: string
  /** A span: 90s, 2h, 3d. */
  readonly delay?: string
  readonly at?: string | Date
  /** A span or a time. */
  readonly expires?: string | Date
}

/** A message as it was when it was given to us. */
export interface Parts {
  readonly members: Readonly<Record<string, unknown>>
  readonly bytes: Bytes | undefined
}

/** Takes a message: what its owner does to it afterwards is nothing to us. */
export function partsOf(message: Outgoing): Parts {
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw new MsgqError('data', 'message: is no object')
  const { json, ...others } = message
  const members: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      members[name] = value instanceof Date ? iso(name, value) : value
  const bytes = bytesOf(json, members)
  if (typeof members['headers'] === 'object') members['headers'] = { ...members['headers'] }
  return { members, bytes }
}

/** The message that is queued; throws (data or usage) with what is wrong with it. */
export function composeParts({ members, bytes }: Parts, context: LineContext): Composed {
  return composeMembers(members, () => textOf('body', members['body']), context, bytes)
}

/** The body where it is none that a line could have; takes it from the members. */
function bytesOf(json: unknown, members: Record<string, unknown>): Bytes | undefined {
  const { body } = members
  if (json !== undefined) {
    for (const other of ['body', 'bodyBase64'])
      if (members[other] !== undefined)
        throw new MsgqError('data', `json and ${other} exclude each other`)
    return { body: Buffer.from(textOf('json', json)), isJson: true }
  }
  if (body === undefined || typeof body === 'string') return undefined
  if (members['bodyBase64'] !== undefined)
    throw new MsgqError('data', 'body and bodyBase64 exclude each other')
  delete members['body']
  return body instanceof Uint8Array
    ? { body: Buffer.from(body), isJson: false }
    : { body: Buffer.from(textOf('body', body)), isJson: true }
}

function textOf(name: string, value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new MsgqError('data', `${name}: is no JSON: ${(error as Error).message}`)
  }
  // Of a function there is none, and of a symbol.
  if (text === undefined) throw new MsgqError('data', `${name}: is no JSON`)
  return text
}

function iso(name: string, date: Date): string {
  if (Number.isNaN(date.getTime())) throw new MsgqError('data', `${name}: is no time`)
  return date.toISOString()
}
