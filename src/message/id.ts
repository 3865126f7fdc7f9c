/**
 * id - the identity of a message for life: a ULID (https://github.com/ulid/spec).
 *
 * 48 bits of milliseconds, 80 random bits, 26 characters of Crockford's base 32, so that names
 * sort by time. Within one process ids strictly increase, also when the clock steps back.
 * Our own 30 lines and not the ulid package, whose import costs `msgq send` a fifth of a bare
 * Node start; see docs/decisions/0003-ulid.md.
 */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Fills a buffer with random bytes: crypto.randomFillSync, or a fixed source in tests. */
export type Randomness = (bytes: Uint8Array) => Uint8Array

/** A maker of ids, each greater than the one before. */
export function idMaker(now: () => number, fill: Randomness): () => string {
  let last = -1n
  return () => {
    const random = fill(new Uint8Array(10)).reduce(
      (n, byte) => (n << 8n) | BigInt(byte),
      0n,
    )
    const fresh = (BigInt(Math.max(0, Math.floor(now()))) << 80n) | random
    last = fresh >> 80n > last >> 80n ? fresh : last + 1n
    return encode(last)
  }
}

function encode(value: bigint): string {
  let text = ''
  for (let shift = 125n; shift >= 0n; shift -= 5n)
    text += ALPHABET[Number((value >> shift) & 31n)]
  return text
}

/** True for a whole, well-formed id. */
export function isId(text: string): boolean {
  return ID.test(text)
}

/** Milliseconds since the epoch at which an id was made. */
export function idTime(id: string): number {
  let ms = 0
  for (const char of id.slice(0, 10)) ms = ms * 32 + ALPHABET.indexOf(char)
  return ms
}

/** True for what a person may type for an id: the whole one, or an ending of 6 or more. */
export function isIdEnding(text: string): boolean {
  return /^[0-9A-HJKMNP-TV-Z]{6,26}$/.test(text.toUpperCase())
}

/** The last 8 characters: random, and found by grep in the whole one. */
export function shortId(id: string): string {
  return id.slice(-8)
}
