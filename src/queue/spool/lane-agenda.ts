/**
 * lane-agenda - what waits for one lane: its nearest entries, in memory.
 *
 * Of more than `most` only the nearest are kept, and the horizon says from which due on the
 * folder knows more. While the folder is read anew, what lay beyond is `unsure`: readdir knows no
 * order. Entries leave lazily: the one that is not known any more is dead. Of a chain (chains.ts)
 * only the first that waits stands in the heap, and nothing while one of it is out.
 */
import TinyQueue from 'tinyqueue'

import type { Chain } from './chain.ts'
import { Chains } from './chains.ts'
import { formatDue } from './name.ts'
import { byDue } from './waiting.ts'
import type { Known, Waiting } from './waiting.ts'

/**
 * A lane that still gives out reads the folder for chains of which it kept too little, so often
 * (ms); one that stands still reads it at once.
 */
const PATIENCE = 60_000
/** A message of a chain of which only the folder knows the first. */
const REFUSED = Symbol('refused')

/** A message that is out, as its chain is to know it. */
export interface Out {
  readonly id: string
  readonly lane: string
  readonly chain?: string
}

export class LaneAgenda {
  readonly #known: Known
  readonly #most: number
  #heap = new TinyQueue<Waiting>([], byDue)
  /** The folder knows entries of this lane from this due on; Infinity: it knows no more. */
  #horizon = Infinity
  /** The same as names carry it, once somebody asked. */
  #horizonText = { of: Infinity, text: '' }
  /** While the folder is read: from here on there may be nearer ones than those seen so far. */
  #unsure = Infinity
  /** Absent while nothing in the lane has an order. */
  #chains: Chains | undefined
  /** When the folder was read last for them. */
  #readAt = 0
  /** When something was last taken out of it. */
  takenAt = -Infinity

  /** The heap may grow to twice of `most` before it is cut. */
  constructor(known: Known, most: number) {
    this.#known = known
    this.#most = most
  }

  /** True for a lane that is one chain. */
  get isWhole(): boolean {
    return this.#chains?.whole === true
  }

  /** Nothing is known of it that the folder would not tell; asked once it has no first. */
  get isIdle(): boolean {
    if (this.#horizon !== Infinity || this.#unsure !== Infinity) return false
    return this.#chains === undefined || this.#chains.isIdle()
  }

  /** Only the folder knows all of it. */
  get isPartial(): boolean {
    return this.#horizon !== Infinity || this.#chains?.isPartial() === true
  }

  /** Adds an entry whose id is new; false: too far off to be kept. */
  add(waiting: Waiting): boolean {
    const chain =
      waiting.chain === undefined && this.#chains === undefined
        ? undefined
        : this.#chainFor(waiting)
    if (chain === REFUSED || (chain === undefined && waiting.due >= this.#horizon))
      return false
    this.#known.add(waiting)
    if (chain === undefined) this.#heap.push(waiting)
    else {
      chain.push(waiting)
      this.schedule(chain)
    }
    if (this.#heap.length > 2 * this.#most || chain !== undefined) this.#trim()
    return this.#known.has(waiting.id)
  }

  /** True for a file that `add` would refuse, told by its name alone. */
  isBeyond(file: string): boolean {
    if (this.#horizon === Infinity || this.#chains !== undefined) return false
    if (this.#horizonText.of !== this.#horizon)
      this.#horizonText = { of: this.#horizon, text: formatDue(this.#horizon) }
    return file >= this.#horizonText.text
  }

  /** Drops an entry that is known; what stood behind it in its chain may go. */
  forget(waiting: Waiting): void {
    this.#known.drop(waiting)
    const chain = this.#chains && chainOf(this.#chains, waiting)
    if (chain !== undefined) this.schedule(chain)
  }

  /** It waits no more and may come back: until then its chain, if it has one, stands still. */
  leaves(out: Out): Chain | undefined {
    if (out.chain !== undefined) this.#chains ??= new Chains(false, this.#known.isLive)
    const key = this.#chains?.keyOf(out)
    if (key === undefined) return undefined
    const chain = this.#chains!.open(key)
    chain.out.add(out.id)
    chain.scheduled = undefined
    // What is dead at its beginning goes, so that it may come back.
    chain.first()
    return chain
  }

  /** Puts into the heap what of a chain may go next. */
  schedule(chain: Chain): void {
    const head = chain.head()
    if (head === undefined) this.#chains?.note(chain)
    else if (chain.scheduled !== head) {
      chain.scheduled = head
      this.#heap.push(head)
    }
  }

  /** Begins anew, empty, as one chain or not. */
  restart(whole: boolean): void {
    this.#chains = new Chains(whole, this.#known.isLive)
    this.#heap = new TinyQueue<Waiting>([], byDue)
  }

  /** What was kept was chosen by another order: the folder knows better. */
  doubt(): void {
    this.#horizon = -Infinity
    this.#chains!.doubt()
  }

  /** The nearest live entry. */
  first(): Waiting | undefined {
    for (let top = this.#heap.peek(); top !== undefined; top = this.#heap.peek()) {
      if (this.#known.isLive(top) && this.#mayGo(top)) return top
      this.#heap.pop()
    }
    return undefined
  }

  /** False for one of a chain that stood first and does no more. */
  #mayGo(top: Waiting): boolean {
    const chain = this.#chains && chainOf(this.#chains, top)
    if (chain === undefined || chain.head() === top) return true
    if (chain.scheduled === top) chain.scheduled = undefined
    return false
  }

  /** True for a due of which nothing nearer may come to light. */
  isSure(due: number): boolean {
    return due < this.#unsure
  }

  /** Takes out the first, and says whether it may hold back others. */
  take(first: Waiting, now: number): boolean {
    this.#heap.pop()
    this.#known.drop(first)
    this.takenAt = now
    return this.#chains !== undefined
  }

  /** The earliest due, be it in memory or only in the folder; `first` is what first() says. */
  nextDue(first: Waiting | undefined): number {
    const sure = this.#chains?.isUnsure() === true ? 0 : (first?.due ?? Infinity)
    return Math.min(sure, this.#horizon, this.#unsure)
  }

  /** True when the folder has due ones that are not in memory, and are wanted. */
  isStarving(now: number): boolean {
    const chains = this.#chains
    if (this.#horizon <= now && this.first() === undefined) return true
    if (chains === undefined || !chains.isHungry()) return false
    if (Math.abs(now - this.#readAt) >= PATIENCE) return true
    return chains.isStarved() && (this.first()?.due ?? Infinity) > now
  }

  /** Some that are not due and hold back others, another some each time. */
  standing(now: number, most: number): Waiting[] {
    return this.#chains?.standing(now, most) ?? []
  }

  /** The folder is about to be read: all that it knows will be added. */
  beginReading(): void {
    this.#unsure = Math.min(this.#horizon, this.#unsure)
    this.#horizon = Infinity
    this.#chains?.beginReading()
  }

  /** The folder was read, to its end or not. */
  endReading(complete: boolean, now: number): void {
    if (!complete) this.#horizon = Math.min(this.#horizon, this.#unsure)
    this.#unsure = Infinity
    this.#readAt = now
    const forget = (id: string) => {
      const waiting = this.#known.get(id)
      if (waiting !== undefined) this.forget(waiting)
    }
    for (const chain of this.#chains?.endReading(complete, forget) ?? [])
      this.schedule(chain)
  }

  /** Its chain; undefined for one in no order. */
  #chainFor(waiting: Waiting): Chain | undefined | typeof REFUSED {
    this.#chains ??= new Chains(false, this.#known.isLive)
    const key = this.#chains.keyOf(waiting)
    if (key === undefined) return undefined
    return this.#chains.admit(key, waiting, this.#horizon) ?? REFUSED
  }

  /** Keeps the nearest where there are too many; the rest stays on disk beyond the horizon. */
  #trim(): void {
    const chains = this.#chains
    if (chains === undefined) return this.#cut()
    const isLong = this.#heap.length > 4 * this.#most
    if (isLong || chains.size > 2 * this.#most) this.#cutChains(chains)
  }

  #cut(): void {
    const live = this.#heap.data.filter(this.#known.isLive)
    live.sort(byDue)
    const beyond = live.splice(this.#most)
    for (const entry of beyond) this.forget(entry)
    this.#horizon = Math.min(this.#horizon, beyond[0]?.due ?? Infinity)
    this.#heap = new TinyQueue(live, byDue)
  }

  /** Of chains the first of each before the second of any; their ends have no horizon. */
  #cutChains(chains: Chains): void {
    const heap = new Set(this.#heap.data)
    this.#heap = new TinyQueue(
      [...heap].filter((one) => chains.keyOf(one) === undefined),
      byDue,
    )
    this.#cut()
    const all = [...chains.ranked()].toSorted(
      (a, b) => a.rank - b.rank || byDue(a.waiting, b.waiting),
    )
    const beyond = all.splice(this.#most)
    const kept = new Map<Chain, Waiting[]>()
    for (const { waiting, chain } of all) {
      const some = kept.get(chain)
      if (some === undefined) kept.set(chain, [waiting])
      else some.push(waiting)
    }
    chains.keepOnly(kept)
    for (const { waiting } of beyond) this.#known.drop(waiting)
    const first = beyond.find(({ rank }) => rank === 0)
    this.#horizon = Math.min(this.#horizon, first?.waiting.due ?? Infinity)
    for (const chain of chains.chains()) this.schedule(chain)
  }
}

function chainOf(chains: Chains, waiting: Waiting): Chain | undefined {
  const key = chains.keyOf(waiting)
  return key === undefined ? undefined : chains.get(key)
}
