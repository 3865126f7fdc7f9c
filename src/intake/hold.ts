/**
 * hold - how many bytes all requests together may keep in memory.
 *
 * What has come counts, and not what was announced: a client that says much and sends nothing
 * keeps nobody out. The first bytes of each request are free, so that a small message is taken
 * however full it is; how many those are is bounded by the connections, and by line.ts.
 */

/** So many bytes of each request are not counted. */
const FREE = 64 * 1024

export class Hold {
  readonly #most: number
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** False when there is no room beside what others than `mine` have; one alone has always some. */
  take(bytes: number, mine: number): boolean {
    if (!this.hasRoom(bytes, mine)) return false
    this.#bytes += bytes
    return true
  }

  hasRoom(bytes: number, mine: number): boolean {
    return this.#bytes === mine || this.#bytes + bytes <= this.#most
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** What one request has in memory. */
export class Share {
  readonly #hold: Hold
  #bytes = 0
  #counted = 0
  #isOver = false

  constructor(hold: Hold) {
    this.#hold = hold
  }

  /** Whether there would be room for so many more. */
  hasRoom(bytes: number): boolean {
    const more = this.#bytes + bytes - FREE - this.#counted
    return more <= 0 || this.#hold.hasRoom(more, this.#counted)
  }

  /** False when there is no room for them; then none of them is held. */
  take(bytes: number): boolean {
    const more = this.#bytes + bytes - FREE - this.#counted
    if (more > 0) {
      if (!this.#hold.take(more, this.#counted)) return false
      this.#counted += more
    }
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
    const less = this.#counted - Math.max(0, this.#bytes - FREE)
    if (this.#isOver || less <= 0) return
    this.#counted -= less
    this.#hold.give(less)
  }

  /** Lets go of all of it. */
  end(): void {
    this.#hold.give(this.#counted)
    this.#counted = 0
    this.#isOver = true
  }
}
