/**
 * chains - the chains of one lane in the agenda: what of each waits, and what of it may go.
 *
 * Of a chain only the first by id may go, and nothing while another of it is out. So the first
 * must be known, however many wait: what is kept of a chain is its beginning, and `cut` says
 * from which id on the folder knows more. A chain of which nothing is kept is `dropped`, and no
 * message of it counts as its first before the folder was read whole. A few false ones among the
 * dropped cost a reading and never the order.
 */
import { chainWithin } from '../../message/chain.ts'
import { Chain, HIGH, LOW } from './chain.ts'
import { Dropped } from './dropped.ts'
import type { Waiting } from './waiting.ts'

export class Chains {
  /** The lane is one chain. */
  readonly whole: boolean
  readonly #isLive: (waiting: Waiting) => boolean
  readonly #chains = new Map<string, Chain>()
  readonly #tally = { size: 0 }
  #dropped: Dropped | undefined
  /** Dropped before the reading that is under way: not sure of their beginnings. */
  #unsure: Dropped | undefined
  #reading = false
  /** Those of which the folder alone knows what comes next. */
  readonly #starved = new Set<Chain>()
  /** One was refused that may be the first of its chain. */
  #refused = false
  /** Where the look for chains that stand still goes on. */
  #rounds: IterableIterator<Chain> | undefined

  constructor(whole: boolean, isLive: (waiting: Waiting) => boolean) {
    this.whole = whole
    this.#isLive = isLive
  }

  /** How many are kept, with those that are dead. */
  get size(): number {
    return this.#tally.size
  }

  /** Nothing is known here that the folder does not tell at once. */
  isIdle(): boolean {
    if (this.#dropped !== undefined || this.#unsure !== undefined) return false
    for (const chain of this.#chains.values()) if (!chain.isIdle()) return false
    return true
  }

  /** The chain's name within the lane; undefined for what goes in no order. */
  keyOf({ chain }: Pick<Waiting, 'chain'>): string | undefined {
    return chainWithin(chain, this.whole)
  }

  get(key: string): Chain | undefined {
    return this.#chains.get(key)
  }

  /** The chain for one that came; undefined where it may not be kept. */
  admit(key: string, waiting: Waiting, horizon: number): Chain | undefined {
    const known = this.#chains.get(key)
    if (known !== undefined) return waiting.id < known.cut ? known : undefined
    const isDropped = this.#dropped?.has(key) === true
    if (this.whole) return this.make(key)
    if (!isDropped && waiting.due < horizon) return this.make(key)
    if (!this.#reading) this.#refused ||= isDropped
    this.#drop(key)
    return undefined
  }

  /** The chain, whatever is kept of it. */
  open(key: string): Chain {
    return this.#chains.get(key) ?? this.make(key)
  }

  make(key: string): Chain {
    const chain = new Chain(key, this.#isLive, this.#tally)
    if (this.#unsure?.has(key)) chain.sure = LOW
    this.#chains.set(key, chain)
    return chain
  }

  /** Its next one changed: true where the folder has to be asked. */
  note(chain: Chain): void {
    if (chain.isStarved()) this.#starved.add(chain)
    else if (chain.isIdle()) this.#chains.delete(chain.key)
  }

  /** The folder knows more that may go now. */
  isHungry(): boolean {
    return this.#refused || this.#starved.size > 0
  }

  isStarved(): boolean {
    return this.#starved.size > 0
  }

  /** The folder knows more of some of them. */
  isPartial(): boolean {
    if (this.#dropped !== undefined || this.#unsure !== undefined) return true
    for (const chain of this.#chains.values()) if (chain.isPartial()) return true
    return false
  }

  /** True while what may go waits for the end of a reading. */
  isUnsure(): boolean {
    return this.#reading
  }

  /** Nothing that is kept can be believed: the folder knows better. */
  doubt(): void {
    if (this.whole) {
      const chain = this.make(WHOLE_KEY)
      chain.cut = LOW
      this.#starved.add(chain)
      return
    }
    this.#dropped = new Dropped()
    this.#dropped.addAll()
  }

  beginReading(): void {
    this.#reading = true
    this.#refused = false
    this.#starved.clear()
    this.#unsure = this.#unsure ?? this.#dropped
    this.#dropped = undefined
    for (const chain of this.#chains.values()) {
      if (chain.cut < chain.sure) chain.sure = chain.cut
      chain.cut = HIGH
    }
  }

  /** The chains of which the next one may go now; without those that a reading left unknown. */
  endReading(complete: boolean, forget: (id: string) => void): Chain[] {
    this.#reading = false
    if (!complete) this.#unread(forget)
    this.#unsure = undefined
    for (const chain of this.#chains.values()) {
      chain.sure = HIGH
      this.note(chain)
    }
    return [...this.#chains.values()]
  }

  /** Takes back what a reading added that did not come to its end. */
  #unread(forget: (id: string) => void): void {
    for (const chain of this.#chains.values()) {
      if (chain.sure === HIGH) continue
      const [kept, rest] = [[] as Waiting[], [] as Waiting[]]
      for (const waiting of chain.all())
        (waiting.id < chain.sure ? kept : rest).push(waiting)
      const cut = chain.sure < chain.cut ? chain.sure : chain.cut
      chain.keep(kept, cut)
      if (chain.sure === LOW && chain.out.size === 0 && !this.whole)
        this.#chains.delete(chain.key)
      for (const { id } of rest) forget(id)
    }
    if (this.#unsure === undefined) return
    // What was dropped before, and what was meanwhile: to take all for it costs a reading.
    if (this.#dropped === undefined) this.#dropped = this.#unsure
    else this.#dropped.addAll()
  }

  /** Each that is kept, with its place in its chain. */
  *ranked(): Generator<{ waiting: Waiting; rank: number; chain: Chain }> {
    for (const chain of this.#chains.values())
      for (const [rank, waiting] of chain.all().entries()) yield { waiting, rank, chain }
  }

  /** Keeps of each chain what is named, and drops those of which nothing is. */
  keepOnly(kept: ReadonlyMap<Chain, Waiting[]>): void {
    for (const chain of this.#chains.values()) {
      const first = chain.first()
      const some = kept.get(chain) ?? []
      const all = chain.all()
      const cut = all[some.length]?.id
      chain.scheduled = undefined
      if (some.length > 0 || first === undefined || chain.out.size > 0)
        chain.keep(some, cut === undefined || cut > chain.cut ? chain.cut : cut)
      else {
        this.#chains.delete(chain.key)
        this.#drop(chain.key)
      }
    }
  }

  /** Some of those whose first is not due while others wait behind it; another some each time. */
  standing(now: number, most: number): Waiting[] {
    const found: Waiting[] = []
    this.#rounds ??= this.#chains.values()
    for (let looks = 0; looks < 16 * most && found.length < most; looks++) {
      const { value: chain, done } = this.#rounds.next()
      if (done) {
        this.#rounds = undefined
        break
      }
      const first = chain.first()
      if (chain.length > 1 && first !== undefined && first.due > now) found.push(first)
    }
    return found
  }

  /** Each chain that is kept. */
  chains(): Iterable<Chain> {
    return this.#chains.values()
  }

  #drop(key: string): void {
    if (this.whole) return
    this.#dropped ??= new Dropped()
    this.#dropped.add(key)
  }
}

/** The chain of a lane that is one. */
const WHOLE_KEY = chainWithin(undefined, true)!
