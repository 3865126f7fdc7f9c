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

/** Random characters of an id, and ids for which random bytes are drawn at once. */
const RANDOM = 16
const AT_ONCE = 64

/** A maker of ids, each greater than the one before. */
export function idMaker(now: () => number, fill: Randomness): () => string {
  const pool = new Uint8Array(AT_ONCE * RANDOM)
  let drawn = pool.length
  let time = -1
  let digits = new Uint8Array(RANDOM)
  return () => {
    const ms = Math.max(0, Math.floor(now()))
    if (ms > time) {
      if (drawn === pool.length) {
        fill(pool)
        drawn = 0
      }
      time = ms
      digits = pool.subarray(drawn, (drawn += RANDOM)).map((byte) => byte & 31)
    } else if (!increment(digits)) time++
    let text = ''
    for (const digit of digits) text += ALPHABET[digit]
    return timeText(time) + text
  }
}

/** Adds one to a number in base 32; false when it began anew at zero. */
function increment(digits: Uint8Array): boolean {
  for (let at = digits.length - 1; at >= 0; at--) {
    digits[at] = (digits[at]! + 1) & 31
    if (digits[at] !== 0) return true
  }
  return false
}

function timeText(ms: number): string {
  let text = ''
  for (let rest = ms, n = 0; n < 10; n++) {
    text = ALPHABET[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/**
 * The id of the same time whose random part is greater by so much, round the corner of 80 bits: with
 * one offset ids keep the order that they had.
 */
export function shiftedId(id: string, offset: bigint): string {
  let random = 0n
  for (const char of id.slice(-RANDOM))
    random = random * 32n + BigInt(ALPHABET.indexOf(char))
  random += offset
  let text = ''
  for (let n = 0; n < RANDOM; n++) {
    text = ALPHABET[Number(random & 31n)]! + text
    random >>= 5n
  }
  return id.slice(0, -RANDOM) + text
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
