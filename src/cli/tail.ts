/**
 * tail - the last bytes of an output of any length, as text.
 *
 * Holds no more than these. Where it begins in the middle it begins with a whole line, if there
 * is one, and never with half a character.
 */
import { stripVTControlCharacters } from 'node:util'

const NEWLINE = 0x0a

export class Tail {
  readonly #limit: number
  #last = Buffer.alloc(0)
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** All bytes that came. */
  get total(): number {
    return this.#total
  }

  add(chunk: Uint8Array): void {
    this.#total += chunk.length
    const both = Buffer.concat([this.#last, chunk.subarray(-this.#limit)])
    this.#last = both.subarray(-this.#limit)
  }

  /** The last of it, without colours and what else moves a terminal; and how much is not in it. */
  text(): { readonly text: string; readonly cut: number } {
    const start = this.#total > this.#last.length ? lineStart(this.#last) : 0
    const text = stripVTControlCharacters(this.#last.toString('utf8', start))
    return { text, cut: this.#total - this.#last.length + start }
  }
}

/** Where the first whole line begins; the first whole character, where the line is a long one. */
function lineStart(bytes: Buffer): number {
  const line = bytes.indexOf(NEWLINE) + 1
  if (line > 0 && line <= bytes.length / 2) return line
  let start = 0
  while (start < 3 && (bytes[start]! & 0xc0) === 0x80) start++
  return start
}
