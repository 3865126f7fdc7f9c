/**
 * agenda - what waits in incoming/ and deferred/: the nearest entries of each lane, in memory.
 *
 * A cache that readdir rebuilds. Of a lane with more than MOST entries only the nearest are kept
 * and `horizon` says from where on the folder knows more; once they are used up the folder is
 * read again, and what lay beyond is not given out before the reading is over: readdir knows no
 * order. Entries leave lazily: the one that `#byId` does not name is dead. Of a chain (chains.ts)
 * only the first that waits stands in its lane's heap, and nothing while one of it is out.
 */
import TinyQueue from 'tinyqueue'

import type { State } from '../../message/state.ts'
import type { Chain } from './chain.ts'
import { Chains } from './chains.ts'
import { formatDue, idIn, parseName } from './name.ts'

/** A message that waits, as its file's name tells. */
export interface Waiting {
  readonly state: Extract<State, 'incoming' | 'deferred'>
  readonly file: string
  readonly id: string
  readonly lane: string
  readonly due: number
  /** As in its name. */
  readonly chain?: string
}

/** The entry of a file that waits; undefined for one whose name is none of a waiting message. */
export function waitingIn(state: Waiting['state'], file: string): Waiting | undefined {
  const name = parseName(file)
  if (name === undefined || name.claim !== undefined) return undefined
  const { id, lane, due, chain } = name
  const waiting = { state, file, id, lane, due }
  return chain === undefined ? waiting : { ...waiting, chain }
}

/** How many of one lane are kept; the heap may grow to twice that before it is cut. */
const MOST = 20_000
/**
 * A lane that still gives out reads the folder for chains of which it kept too little, so often
 * (ms); one that stands still reads it at once.
 */
const PATIENCE = 60_000

interface LaneAgenda {
  heap: TinyQueue<Waiting>
  /** The folder knows entries of this lane from this due on; Infinity: it knows no more. */
  horizon: number
  /** The same as names carry it, once somebody asked. */
  horizonText?: { readonly of: number; readonly text: string }
  /** While the folder is read: from here on there may be nearer ones than those seen so far. */
  unsure: number
  /** When something was last taken out of it. */
  takenAt: number
  /** Absent while nothing in the lane has an order. */
  chains?: Chains
  /** When the folder was read last for them. */
  readAt: number
}

/** A message that is out, as its chain is to know it. */
export interface Out {
  readonly id: string
  readonly lane: string
  readonly chain?: string
}

export class Agenda {
  readonly #lanes = new Map<string, LaneAgenda>()
  readonly #byId = new Map<string, Waiting>()
  readonly #most: number
  readonly #isLive = (waiting: Waiting) => this.#byId.get(waiting.id) === waiting
  /** What was taken out of a chain, or is in other hands, and holds it back. */
  readonly #out = new Map<string, { readonly lane: string; readonly chain: Chain }>()
  /** Some lanes may be one chain. */
  #someWhole = false
  #incoming = 0
  #turn = 0
  /** When something was last taken out of it. */
  takenAt = -Infinity

  constructor(most = MOST) {
    this.#most = most
  }

  get size(): number {
    return this.#byId.size
  }

  /** How many of them stand on the doorstep. */
  get incoming(): number {
    return this.#incoming
  }

  get(id: string): Waiting | undefined {
    return this.#byId.get(id)
  }

  /** Adds an entry, in place of the one with its id; false: too far off to be kept. */
  add(waiting: Waiting): boolean {
    this.forget(waiting.id)
    if (this.#out.size > 0) this.back(waiting.id)
    const lane = this.#lane(waiting.lane)
    const chain =
      waiting.chain === undefined && lane.chains === undefined
        ? undefined
        : this.#chainFor(lane, waiting)
    if (chain === REFUSED || (chain === undefined && waiting.due >= lane.horizon))
      return false
    this.#byId.set(waiting.id, waiting)
    if (waiting.state === 'incoming') this.#incoming++
    if (chain === undefined) lane.heap.push(waiting)
    else {
      chain.push(waiting)
      this.#schedule(lane, chain)
    }
    if (lane.heap.length > 2 * this.#most || chain !== undefined) this.#trim(lane)
    return this.#byId.has(waiting.id)
  }

  /**
   * True for the file of a waiting message that `add` would refuse, told by its name alone. A start
   * meets a million of them.
   */
  isBeyond(file: string): boolean {
    const lane = this.#lanes.get(file.slice(file.indexOf('@') + 1))
    if (lane === undefined || lane.chains !== undefined || lane.horizon === Infinity)
      return false
    if (lane.horizonText?.of !== lane.horizon)
      lane.horizonText = { of: lane.horizon, text: formatDue(lane.horizon) }
    return (
      file >= lane.horizonText.text && this.#out.size === 0 && !this.#byId.has(idIn(file))
    )
  }

  forget(id: string): void {
    const known = this.#byId.get(id)
    if (known === undefined) return
    this.#drop(known)
    const lane = this.#lanes.get(known.lane)
    const chain = lane?.chains && this.#chainOf(lane.chains, known)
    if (chain !== undefined) this.#schedule(lane!, chain)
  }

  /** It waits no more and may come back: until it is `back` its chain stands still. */
  leaves(out: Out): void {
    const lane = this.#lane(out.lane)
    if (out.chain !== undefined) lane.chains ??= new Chains(false, this.#isLive)
    const key = lane.chains?.keyOf(out)
    if (key === undefined) return
    const chain = lane.chains!.open(key)
    chain.out.add(out.id)
    chain.scheduled = undefined
    // What is dead at its beginning goes, so that it may come back.
    chain.first()
    this.#out.set(out.id, { lane: out.lane, chain })
  }

  /** It is in nobody's hands any more: its chain goes on. */
  back(id: string): void {
    const out = this.#out.get(id)
    if (out === undefined) return
    this.#out.delete(id)
    out.chain.out.delete(id)
    const lane = this.#lanes.get(out.lane)
    if (lane !== undefined) this.#schedule(lane, out.chain)
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
    for (const { chains } of this.#lanes.values())
      if (chains !== undefined && found.length < most)
        found.push(...chains.standing(now, most - found.length))
    return found
  }

  /** True when one may be a chain, also of those in which nothing waits. */
  get someWhole(): boolean {
    return this.#someWhole
  }

  /** True for a lane that is one chain. */
  isWhole(lane: string): boolean {
    return this.#someWhole && this.#lanes.get(lane)?.chains?.whole === true
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
      if (whole !== (lane.chains?.whole ?? false))
        this.#turnInto(name, lane, whole, outIn(name))
    }
  }

  #turnInto(name: string, lane: LaneAgenda, whole: boolean, out: readonly Out[]): void {
    const isPartial = lane.horizon !== Infinity || lane.chains?.isPartial() === true
    const known = [...this.#byId.values()].filter((waiting) => waiting.lane === name)
    for (const [id, { lane: of }] of this.#out) if (of === name) this.#out.delete(id)
    lane.chains = new Chains(whole, this.#isLive)
    lane.heap = new TinyQueue<Waiting>([], byDue)
    for (const one of out) this.leaves(one)
    if (isPartial) {
      // What is kept was chosen by another order.
      lane.horizon = -Infinity
      lane.chains.doubt()
    }
    for (const waiting of known) this.add(waiting)
  }

  /** Its chain; undefined for one in no order. */
  #chainFor(lane: LaneAgenda, waiting: Waiting): Chain | undefined | typeof REFUSED {
    lane.chains ??= new Chains(false, this.#isLive)
    const key = lane.chains.keyOf(waiting)
    if (key === undefined) return undefined
    return lane.chains.admit(key, waiting, lane.horizon) ?? REFUSED
  }

  #chainOf(chains: Chains, waiting: Waiting): Chain | undefined {
    const key = chains.keyOf(waiting)
    return key === undefined ? undefined : chains.get(key)
  }

  /** Puts into the heap what of a chain may go next. */
  #schedule(lane: LaneAgenda, chain: Chain): void {
    const head = chain.head()
    if (head === undefined) lane.chains?.note(chain)
    else if (chain.scheduled !== head) {
      chain.scheduled = head
      lane.heap.push(head)
    }
  }

  #drop({ id, state }: Waiting): void {
    this.#byId.delete(id)
    if (state === 'incoming') this.#incoming--
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
      if (first.due >= lane.unsure) continue
      const places = left.get(name) ?? room(name)
      if (places <= 0) continue
      left.set(name, places - 1)
      lane.heap.pop()
      this.#drop(first)
      if (lane.chains !== undefined) this.leaves(first)
      lane.takenAt = now
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
      const first = this.#first(name)?.due ?? Infinity
      const sure = lane.chains?.isUnsure() === true ? 0 : first
      const due = Math.min(sure, lane.horizon, lane.unsure)
      if (due < next && room(name) > 0) next = due
    }
    return next === Infinity ? undefined : next
  }

  /** True when a lane has used up its entries while the folder has due ones that it forgot. */
  starving(now: number): boolean {
    for (const [name, lane] of this.#lanes) {
      const { horizon, chains, readAt } = lane
      if (horizon <= now && this.#first(name) === undefined) return true
      if (chains === undefined || !chains.isHungry()) continue
      if (Math.abs(now - readAt) >= PATIENCE) return true
      if (chains.isStarved() && (this.#first(name)?.due ?? Infinity) > now) return true
    }
    return false
  }

  /** The folder is about to be read: all that it knows will be added. */
  beginReading(): void {
    for (const lane of this.#lanes.values()) {
      lane.unsure = Math.min(lane.horizon, lane.unsure)
      lane.horizon = Infinity
      lane.chains?.beginReading()
    }
  }

  /** The folder was read, to its end or not. */
  endReading(complete: boolean, now = 0): void {
    for (const lane of this.#lanes.values()) {
      if (!complete) lane.horizon = Math.min(lane.horizon, lane.unsure)
      lane.unsure = Infinity
      lane.readAt = now
      for (const chain of lane.chains?.endReading(complete, (id) => this.forget(id)) ?? [])
        this.#schedule(lane, chain)
    }
  }

  /**
   * Those that stand on the doorstep beyond the first `keep`, the latest first; without the
   * lanes from which something was taken since `since`.
   */
  excess(keep: number, since = Infinity): Waiting[] {
    if (this.#incoming <= keep) return []
    const idle = new Set<string>()
    for (const [name, { takenAt }] of this.#lanes) if (takenAt < since) idle.add(name)
    const waiting = [...this.#byId.values()].filter(
      ({ state, lane }) => state === 'incoming' && idle.has(lane),
    )
    return waiting.toSorted(byDue).slice(keep).toReversed()
  }

  #lane(name: string): LaneAgenda {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      const heap = new TinyQueue<Waiting>([], byDue)
      lane = { heap, horizon: Infinity, unsure: Infinity, takenAt: -Infinity, readAt: 0 }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  /** The nearest live entry of a lane; a lane with nothing left is forgotten. */
  #first(name: string): Waiting | undefined {
    const lane = this.#lanes.get(name)
    if (lane === undefined) return undefined
    for (let top = lane.heap.peek(); top !== undefined; top = lane.heap.peek()) {
      if (this.#byId.get(top.id) === top && this.#mayGo(lane, top)) return top
      lane.heap.pop()
    }
    if (lane.horizon !== Infinity || lane.unsure !== Infinity) return undefined
    if (lane.chains === undefined || lane.chains.isIdle()) this.#lanes.delete(name)
    return undefined
  }

  /** False for one of a chain that stood first and does no more. */
  #mayGo({ chains }: LaneAgenda, top: Waiting): boolean {
    const chain = chains && this.#chainOf(chains, top)
    if (chain === undefined || chain.head() === top) return true
    if (chain.scheduled === top) chain.scheduled = undefined
    return false
  }

  /** Keeps the nearest where there are too many; the rest stays on disk beyond the horizon. */
  #trim(lane: LaneAgenda): void {
    const { chains } = lane
    if (chains === undefined) return this.#cut(lane)
    const isLong = lane.heap.length > 4 * this.#most
    if (isLong || chains.size > 2 * this.#most) this.#cutChains(lane, chains)
  }

  #cut(lane: LaneAgenda): void {
    const live = lane.heap.data.filter((entry) => this.#byId.get(entry.id) === entry)
    live.sort(byDue)
    const beyond = live.splice(this.#most)
    for (const entry of beyond) this.forget(entry.id)
    lane.horizon = Math.min(lane.horizon, beyond[0]?.due ?? Infinity)
    lane.heap = new TinyQueue(live, byDue)
  }

  /** Of chains the first of each before the second of any; their ends have no horizon. */
  #cutChains(lane: LaneAgenda, chains: Chains): void {
    const heap = new Set(lane.heap.data)
    lane.heap = new TinyQueue(
      [...heap].filter((one) => chains.keyOf(one) === undefined),
      byDue,
    )
    this.#cut(lane)
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
    for (const { waiting } of beyond) this.#drop(waiting)
    const first = beyond.find(({ rank }) => rank === 0)
    lane.horizon = Math.min(lane.horizon, first?.waiting.due ?? Infinity)
    for (const chain of chains.chains()) this.#schedule(lane, chain)
  }
}

/** A message of a chain of which only the folder knows the first. */
const REFUSED = Symbol('refused')

function byDue(a: Waiting, b: Waiting): number {
  return a.due - b.due || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
