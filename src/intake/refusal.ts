/**
 * refusal - why a request is not answered as its client hoped: problem JSON of RFC 9457.
 *
 * `code` is for programs and is never renamed, `detail` is for people. `hint` says what to do.
 */
import { STATUS_CODES } from 'node:http'

import { plainError } from '../base/errno.ts'
import { MsgqError, UnsureError } from '../base/errors.ts'
import { IdConflict, KeyConflict, LoopError } from '../queue/queue.ts'
import { MisfitError } from './fit.ts'

/** Every `code` that a problem may have. */
export const CODES = [
  'malformed',
  'invalid',
  'schema',
  'token-missing',
  'token-unknown',
  'scope',
  'destination',
  'origin',
  'host',
  'not-found',
  'method',
  'timeout',
  'in-progress',
  'state',
  'too-large',
  'media-type',
  'key-conflict',
  'id-conflict',
  'loop',
  'crowded',
  'unsure',
  'unavailable',
  'stopping',
  'internal',
] as const
export type Code = (typeof CODES)[number]

/** A problem as it is told. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly code: Code
  readonly detail: string
  /** The member of the message that is wrong. */
  readonly field?: string
  /** JSON Pointer of what is wrong in that member; '' is the whole of it. */
  readonly pointer?: string
  readonly hint?: string
  /** The message that has the key. */
  readonly of?: string
}

interface More {
  readonly field?: string | undefined
  readonly pointer?: string
  readonly hint?: string | undefined
  readonly of?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The rest of the request is not read: the connection ends with the answer. */
  readonly ends?: boolean
}

/** When a client that came too early may come again (s). */
export const SOON = { 'retry-after': '1' }
export const LATER = { 'retry-after': '10' }

/** Thrown by a route, and answered by the server. */
export class Refusal extends Error {
  readonly status: number
  readonly code: Code
  readonly more: More

  constructor(status: number, code: Code, detail: string, more: More = {}) {
    super(detail)
    this.name = 'Refusal'
    this.status = status
    this.code = code
    this.more = more
  }

  get problem(): Problem {
    const { field, pointer, hint, of } = this.more
    return {
      type: 'about:blank',
      title: STATUS_CODES[this.status] ?? '',
      status: this.status,
      code: this.code,
      detail: this.message,
      ...(field === undefined ? {} : { field }),
      ...(pointer === undefined ? {} : { pointer }),
      ...(hint === undefined ? {} : { hint }),
      ...(of === undefined ? {} : { of }),
    }
  }
}

/** The refusal that anything thrown amounts to. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof KeyConflict)
    return new Refusal(422, 'key-conflict', error.message, {
      field: 'key',
      hint: 'give another message another key',
      of: error.of,
    })
  if (error instanceof IdConflict)
    return new Refusal(422, 'id-conflict', error.message, { field: 'id' })
  if (error instanceof LoopError) return loop(error.message)
  if (error instanceof UnsureError)
    return new Refusal(500, 'unsure', error.message, {
      hint: 'send it again with the same key: a repeat is dropped',
    })
  if (!(error instanceof MsgqError)) return new Refusal(500, 'internal', plainError(error))
  const { code, message, hint } = error
  if (error instanceof MisfitError)
    return new Refusal(400, 'schema', message, {
      field: 'body',
      pointer: error.pointer,
      hint,
    })
  if (code === 'data' || code === 'usage')
    return new Refusal(400, 'invalid', message, { field: fieldOf(message), hint })
  return new Refusal(503, 'unavailable', message, { hint, headers: LATER })
}

/** A message that is handed on in a circle. */
export function loop(why: string): Refusal {
  return new Refusal(422, 'loop', why, {
    field: 'id',
    hint: 'see where the destinations of type "msgq" lead: they hand on in a circle',
  })
}

/** The member that a message of an error is about; it stands before the colon. */
function fieldOf(message: string): string | undefined {
  if (message.startsWith('no such destination')) return 'to'
  return /^([a-z][A-Za-z0-9]*): /.exec(message)?.[1]
}
