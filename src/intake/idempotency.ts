/**
 * idempotency - the header `Idempotency-Key` of draft-ietf-httpapi-idempotency-key-header.
 *
 * The draft makes it a string of RFC 8941: in quotes. Most clients send it bare, and are
 * understood; what begins with a quote has to be such a string.
 */
import { Refusal } from './refusal.ts'

const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/
const QUOTE_IT = 'write it in double quotes: Idempotency-Key: "order-17"'

/** The key that a header gives. */
export function readKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  // Node reads it as Latin-1, and its sender wrote UTF-8: it would be another key than in JSON.
  if (/[^\t\x20-\x7e]/.test(text)) throw bad('is not ASCII', 'say it as "key" in the JSON')
  if (!text.startsWith('"')) {
    if (text === '') throw bad('is empty')
    return text
  }
  const inner = QUOTED.exec(text)?.[1]
  if (inner === undefined) throw bad('is no string of RFC 8941')
  const key = inner.replace(/\\(.)/g, '$1')
  if (key === '') throw bad('is empty')
  return key
}

function bad(why: string, hint = QUOTE_IT): Refusal {
  return new Refusal(400, 'invalid', `idempotency-key: ${why}`, { field: 'key', hint })
}
