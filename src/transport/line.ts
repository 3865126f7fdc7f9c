/**
 * line - a message as one line of JSON.
 *
 * A body that is JSON by its content type stands there as its sender wrote it, so that no number loses a digit;
 * other text as a text, and what is no text as base64 in `bodyBase64`. Pure.
 */
import { isUtf8 } from 'node:buffer'

import type { Envelope } from '../message/envelope.ts'

/** The line of a message, with its newline. */
export function lineOf(envelope: Envelope, body: Uint8Array, defaultType?: string): Buffer {
  const { id, createdAt, to, event, subject, level, key, order, parent, sender } = envelope
  const contentType = envelope.contentType ?? defaultType
  const { user } = sender
  const head = { id, createdAt, to, event, subject, level, key, order, parent, user }
  const said = JSON.stringify({ ...head, ...(body.length > 0 ? { contentType } : {}) })
  const held = body.length === 0 ? '' : `,${bodyMember(body, contentType ?? '')}`
  return Buffer.from(`${said.slice(0, -1)}${held}}\n`)
}

function bodyMember(body: Uint8Array, contentType: string): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!isUtf8(bytes)) return `"bodyBase64":"${bytes.toString('base64')}"`
  const text = bytes.toString()
  if (isJsonType(contentType) && isJson(text))
    // A line break is never part of a JSON text, but for the room between.
    return `"body":${text.replace(/[\r\n]+/g, ' ').trim()}`
  return `"body":${JSON.stringify(text)}`
}

function isJsonType(contentType: string): boolean {
  return /^[\w.+-]+\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType.trim())
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
