/**
 * chain - one chain of a lane in the agenda: its beginning, as far as it is kept, and what of it
 * may go.
 *
 * `cut` says from which id on the folder knows more, `sure` up to which nothing is missing while
 * the folder is read. Entries leave lazily: the dead are passed over.
 */
import TinyQueue from 'tinyqueue'

import type { Waiting } from './waiting.ts'

/** Greater and smaller than each id. */
export const HIGH = '~'
export const LOW = ''

/** A chain, as far as it is kept. */
export class Chain {
  readonly key: string
  readonly #isLive: (waiting: Waiting) => boolean
  readonly #tally: { size: number }
  #queue = new TinyQueue<Waiting>([], byId)
  /** In somebody's hands: nothing else of it may go. */
  readonly out = new Set<string>()
  /** The folder may know more of it from this id on; those in memory are before it. */
  cut = HIGH
  /** While the folder is read: what is kept before this id is all that there is. */
  sure = HIGH
  /** The one that stands in the lane's heap. */
  scheduled: Waiting | undefined

  /** `tally` counts what is kept in all the chains of a lane. */
  constructor(key: string, isLive: (waiting: Waiting) => boolean, tally: { size: number }) {
    this.key = key
    this.#isLive = isLive
    this.#tally = tally
  }

  /** With those that are dead. */
  get length(): number {
    return this.#queue.length
  }

  push(waiting: Waiting): void {
    this.#queue.push(waiting)
    this.#tally.size++
  }

  /** The first that waits, whether it may go or not. */
  first(): Waiting | undefined {
    for (let top = this.#queue.peek(); top !== undefined; top = this.#queue.peek()) {
      if (this.#isLive(top)) return top
      this.#queue.pop()
      this.#tally.size--
    }
    return undefined
  }

  /** The one that may go. */
  head(): Waiting | undefined {
    if (this.out.size > 0) return undefined
    const first = this.first()
    return first !== undefined && first.id < this.sure ? first : undefined
  }

  /** Nothing of it is here, and the folder knows more. */
  isStarved(): boolean {
    return this.out.size === 0 && this.first() === undefined && this.cut !== HIGH
  }

  isPartial(): boolean {
    return this.cut !== HIGH || this.sure !== HIGH
  }

  /** Nothing is known of it that the folder would not tell. */
  isIdle(): boolean {
    return !this.isPartial() && this.out.size === 0 && this.first() === undefined
  }

  /** All that wait, by id. */
  all(): Waiting[] {
    return [...new Set(this.#queue.data.filter(this.#isLive))].toSorted(byId)
  }

  /** Keeps the first so many. */
  keep(kept: Waiting[], cut: string): void {
    this.#tally.size += kept.length - this.#queue.length
    this.#queue = new TinyQueue(kept, byId)
    this.cut = cut
  }
}

function byId(a: Waiting, b: Waiting): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
