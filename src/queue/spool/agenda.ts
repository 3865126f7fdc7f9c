/**
 * agenda - what waits in incoming/ and deferred/, lane by lane, in memory.
 *
 * A cache that readdir rebuilds. Of each lane the nearest are kept (lane-agenda.ts); once they
 * are used up the folder is read again, and what lay beyond is not given out before the reading
 * is over.
 */
import type { Chain } from './chain.ts'
import { LaneAgenda } from './lane-agenda.ts'
import type { Out } from './lane-agenda.ts'
import { idIn } from './name.ts'
import { Known, byDue } from './waiting.ts'
import type { Waiting } from './waiting.ts'

/** How many of one lane are kept. */
const MOST = 20_000

export class Agenda {
  readonly #lanes = new Map<string, LaneAgenda>()
  readonly #known = new Known()
  readonly #most: number
  /** What was taken out of a chain, or is in other hands, and holds it back. */
  readonly #out = new Map<string, { readonly lane: string; readonly chain: Chain }>()
  /** Some lanes may be one chain. */
  #someWhole = false
  #turn = 0
  /** When something was last taken out of it. */
  takenAt = -Infinity

  constructor(most = MOST) {
    this.#most = most
  }

  get size(): number {
    return this.#known.size
  }

  /** How many of them stand on the doorstep. */
  get incoming(): number {
    return this.#known.incoming
  }

  get(id: string): Waiting | undefined {
    return this.#known.get(id)
  }

  /** Adds an entry, in place of the one with its id; false: too far off to be kept. */
  add(waiting: Waiting): boolean {
    this.forget(waiting.id)
    if (this.#out.size > 0) this.back(waiting.id)
    return this.#lane(waiting.lane).add(waiting)
  }

  /**
   * True for the file of a waiting message that `add` would refuse, told by its name alone. A start
   * meets a million of them.
   */
  isBeyond(file: string): boolean {
    const lane = this.#lanes.get(file.slice(file.indexOf('@') + 1))
    if (lane === undefined || !lane.isBeyond(file)) return false
    return this.#out.size === 0 && !this.#known.has(idIn(file))
  }

  forget(id: string): void {
    const waiting = this.#known.get(id)
    if (waiting !== undefined) this.#lane(waiting.lane).forget(waiting)
  }

  /** It waits no more and may come back: until it is `back` its chain stands still. */
  leaves(out: Out): void {
    const chain = this.#lane(out.lane).leaves(out)
    if (chain !== undefined) this.#out.set(out.id, { lane: out.lane, chain })
  }

  /** It is in nobody's hands any more: its chain goes on. */
  back(id: string): void {
    const out = this.#out.get(id)
    if (out === undefined) return
    this.#out.delete(id)
    out.chain.out.delete(id)
    this.#lanes.get(out.lane)?.schedule(out.chain)
  }

  /** Lets the chains go on of which nobody has anything in hand any more. */
  reconcile(isOut: (id: string) => boolean): void {
    for (const id of this.#out.keys()) if (!isOut(id)) this.back(id)
  }

  /** True for one that holds back its chain while it is out. */
  isOut(id: string): boolean {
    return this.#out.has(id)
  }

  /** Some that are not due and hold back others, another some each time. */
  standing(now: number, most: number): Waiting[] {
    const found: Waiting[] = []
    for (const lane of this.#lanes.values())
      if (found.length < most) found.push(...lane.standing(now, most - found.length))
    return found
  }

  /** True when one may be a chain, also of those in which nothing waits. */
  get someWhole(): boolean {
    return this.#someWhole
  }

  /** True for a lane that is one chain. */
  isWhole(lane: string): boolean {
    return this.#someWhole && this.#lanes.get(lane)?.isWhole === true
  }

  /** Which lanes are one chain, from now on; `outIn` are those of a lane that are out. */
  order(
    isWhole: ((lane: string) => boolean) | undefined,
    outIn: (lane: string) => readonly Out[],
  ): void {
    if (isWhole === undefined && !this.#someWhole) return
    this.#someWhole = isWhole !== undefined
    for (const [name, lane] of this.#lanes) {
      const whole = isWhole?.(name) ?? false
      if (whole !== lane.isWhole) this.#turnInto(name, lane, whole, outIn(name))
    }
  }

  #turnInto(name: string, lane: LaneAgenda, whole: boolean, out: readonly Out[]): void {
    const { isPartial } = lane
    const kept = this.#known.filter((waiting) => waiting.lane === name)
    for (const [id, { lane: of }] of this.#out) if (of === name) this.#out.delete(id)
    lane.restart(whole)
    for (const one of out) this.leaves(one)
    if (isPartial) lane.doubt()
    for (const waiting of kept) this.add(waiting)
  }

  /** Takes out what is due: lanes in turn, in a lane by due, then id. */
  take(now: number, room: (lane: string) => number, max: number): Waiting[] {
    const names = [...this.#lanes.keys()]
    const left = new Map<string, number>()
    const taken: Waiting[] = []
    let idle = 0
    while (taken.length < max && idle < names.length) {
      const name = names[this.#turn++ % names.length]!
      const first = this.#first(name)
      idle++
      if (first === undefined || first.due > now) continue
      const lane = this.#lane(name)
      if (!lane.isSure(first.due)) continue
      const places = left.get(name) ?? room(name)
      if (places <= 0) continue
      left.set(name, places - 1)
      if (lane.take(first, now)) this.leaves(first)
      taken.push(first)
      idle = 0
    }
    this.#turn %= names.length || 1
    if (taken.length > 0) this.takenAt = now
    return taken
  }

  /** The earliest due of all lanes with room, be it in memory or only in the folder. */
  nextDue(room: (lane: string) => number): number | undefined {
    let next = Infinity
    for (const [name, lane] of this.#lanes) {
      const due = lane.nextDue(this.#first(name))
      if (due < next && room(name) > 0) next = due
    }
    return next === Infinity ? undefined : next
  }

  /** True when a lane has used up its entries while the folder has due ones that it forgot. */
  starving(now: number): boolean {
    for (const lane of this.#lanes.values()) if (lane.isStarving(now)) return true
    return false
  }

  /** The folder is about to be read: all that it knows will be added. */
  beginReading(): void {
    for (const lane of this.#lanes.values()) lane.beginReading()
  }

  /** The folder was read, to its end or not. */
  endReading(complete: boolean, now = 0): void {
    for (const lane of this.#lanes.values()) lane.endReading(complete, now)
  }

  /**
   * Those that stand on the doorstep beyond the first `keep`, the latest first; without the
   * lanes from which something was taken since `since`.
   */
  excess(keep: number, since = Infinity): Waiting[] {
    if (this.incoming <= keep) return []
    const idle = new Set<string>()
    for (const [name, { takenAt }] of this.#lanes) if (takenAt < since) idle.add(name)
    const waiting = this.#known.filter(
      ({ state, lane }) => state === 'incoming' && idle.has(lane),
    )
    return waiting.toSorted(byDue).slice(keep).toReversed()
  }

  #lane(name: string): LaneAgenda {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = new LaneAgenda(this.#known, this.#most)
      this.#lanes.set(name, lane)
    }
    return lane
  }

  /** The nearest live entry of a lane; a lane with nothing left is forgotten. */
  #first(name: string): Waiting | undefined {
    const lane = this.#lanes.get(name)
    const first = lane?.first()
    if (first === undefined && lane?.isIdle) this.#lanes.delete(name)
    return first
  }
}
