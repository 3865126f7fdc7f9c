/**
 * show-batch - a message as the line that `send --batch` takes: change it with jq, send it anew.
 *
 * The same message comes out of it but for its id and who sends it, to the byte. It holds what a
 * sender put into a URL or a header, unmasked: without that it would be another message. Pure.
 */
import { isUtf8 } from 'node:buffer'

import type { Draft } from '../message/draft.ts'
import { jsonLine } from './json.ts'
import { present } from './summary.ts'

/** The line, with its newline. */
export function batchLine(draft: Draft, body: Uint8Array): string {
  const { to, event, method, headers, contentType, subject, level, key, order } = draft
  const { hold, notBefore: at, expiresAt: expires } = draft
  const said = { to, event, method, headers, contentType, subject, level, key, order, hold }
  const members = present({ ...said, at, expires })
  const text = isUtf8(body) ? Buffer.from(body).toString() : undefined
  if (text === undefined)
    return jsonLine({ ...members, bodyBase64: Buffer.from(body).toString('base64') })
  const line = jsonLine({ ...members, body: text })
  if (contentType !== 'application/json' || !isPlainJson(text)) return line
  // As the JSON that it is, so that jq can reach into it; what is read is these very characters.
  return `${jsonLine(members).trimEnd().slice(0, -1)},"body":${text}}\n`
}

/** True for JSON that stands on a line as it is: no text of its own, and nothing hidden. */
function isPlainJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'string' || text !== text.trim()) return false
  } catch {
    return false
  }
  return jsonLine(text) === `${JSON.stringify(text)}\n` && !/[\r\n]/.test(text)
}
