/**
 * fallback-book - which messages have had their copy, and which may have.
 *
 * Over restarts it knows the ids of copies that a killed run may have made, and up to when
 * bounce/ was looked through; in memory who has had his. Whoever is forgotten there is read once
 * more, and says it himself.
 */
import { isId } from '../message/id.ts'
import type { Rounds } from '../queue/queue.ts'
import { Kept } from './kept.ts'

/** Ids of messages that have had their copy, so that they are not read again. */
const MOST = 50_000
/** Ids that are kept in place of lines that could not be written. */
const MOST_DOUBTS = 1_000
const VERSION = 1

export class FallbackBook {
  readonly #kept: Kept
  #done = new Set<string>()
  /** Copies that a killed run may have made: their ids by those of the originals. */
  readonly doubts = new Map<string, string>()
  /** Up to when bounce/ was looked through; undefined until the book is open. */
  bouncedUpTo: number | undefined
  /** When it was first asked for; a time that nobody kept begins there. */
  #began: number | undefined
  /** When it was last known that nobody wants copies. */
  #restedAt = -Infinity

  constructor(rounds: Rounds) {
    this.#kept = new Kept(rounds, 'fallback')
  }

  /** Reads what was kept; where that is nothing, copies are made from the first `now` on. */
  async open(now: number): Promise<void> {
    if (this.bouncedUpTo !== undefined) return
    // Of the first look, also where the disk does not tell: what bounces meanwhile has its copy.
    this.#began ??= now - 1
    const known = await this.#kept.read()
    const { v, upTo, making } = (known ?? {}) as Record<string, unknown>
    const time = Date.parse(String(upTo))
    for (const [parent, id] of Object.entries((making ?? {}) as object))
      if (isId(parent) && isId(String(id))) this.doubts.set(parent, String(id))
    const isKnown = v === VERSION && !Number.isNaN(time)
    // What bounced before anybody wanted a copy of it gets none.
    const since = isKnown ? time : this.#began
    this.bouncedUpTo = Math.max(since, this.#restedAt)
    if (!isKnown || since < this.#restedAt) await this.keep()
  }

  /** Nobody wants copies now: what bounces until somebody does gets none. */
  rest(now: number): void {
    this.#restedAt = now
    if (this.bouncedUpTo !== undefined) this.bouncedUpTo = Math.max(this.bouncedUpTo, now)
  }

  /** Keeps what the next start has to know, also where only an earlier one wanted copies. */
  async close(): Promise<void> {
    const isResting = this.bouncedUpTo === undefined && this.#restedAt > -Infinity
    if (isResting && (await this.#kept.read()) !== undefined)
      await this.open(this.#restedAt)
    await this.keep()
  }

  hasHad(id: string): boolean {
    return this.#done.has(id)
  }

  /** It has had its copy. */
  remember(id: string): void {
    if (this.#done.size >= MOST) this.#done = new Set()
    this.#done.add(id)
  }

  /** Keeps what has to be known after a restart, durably. */
  async keep(): Promise<void> {
    if (this.bouncedUpTo === undefined) return
    for (const id of this.doubts.keys()) {
      if (this.doubts.size <= MOST_DOUBTS) break
      this.doubts.delete(id)
    }
    const making = Object.fromEntries(this.doubts)
    await this.#kept.write({
      v: VERSION,
      upTo: new Date(this.bouncedUpTo).toISOString(),
      ...(this.doubts.size === 0 ? {} : { making }),
    })
  }
}
