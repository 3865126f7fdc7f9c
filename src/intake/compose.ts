/**
 * compose - makes what was asked, its receiver and its bytes into one message.
 */
import { isUtf8 } from 'node:buffer'

import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { Draft } from '../message/draft.ts'
import { looksLikeUrl } from '../message/lane.ts'
import type { Terms } from './terms.ts'

/**
 * The draft of one message, or of an event. Text needs no type: it is the destination's, or text/plain. Nothing
 * is sniffed; but bytes that are no text are never called text.
 */
export function draftFor(
  to: string | undefined,
  wish: Omit<Draft, 'to'>,
  body: Uint8Array,
  { destinations }: Terms,
): Draft {
  const draft = to === undefined ? wish : { to, ...wish }
  if (to !== undefined) checkWay({ to, ...wish }, destinations?.get(to)?.type)
  if (wish.contentType !== undefined || isUtf8(body)) return draft
  // A type that is said here goes before that of the destination, which may be unknown here.
  const known: { contentType?: string } | undefined =
    to === undefined || looksLikeUrl(to) ? {} : destinations?.get(to)
  if (known === undefined || known.contentType !== undefined) return draft
  return { ...draft, contentType: 'application/octet-stream' }
}

/** Throws (usage) for what only an HTTP request has, where it will be none. */
function checkWay({ to, method, headers }: Draft, type: string | undefined): void {
  if (type === undefined || type === 'http') return
  if (method === undefined && headers === undefined) return
  throw new MsgqError(
    'usage',
    `${to} is of type "${type}": it takes ${method === undefined ? 'no headers' : 'no method'}`,
    'it does take --subject, --level and --content-type',
  )
}

/** Throws (data) unless the bytes are JSON. */
export function checkJson(option: string, bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw new MsgqError('data', `${option}: is no JSON: is not UTF-8`)
  try {
    JSON.parse(Buffer.from(bytes).toString())
  } catch (error) {
    const why = printable((error as Error).message, 120)
    throw new MsgqError('data', `${option}: is no JSON: ${why}`)
  }
}
