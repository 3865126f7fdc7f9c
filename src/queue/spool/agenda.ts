/**
 * agenda - what waits in incoming/ and deferred/: the nearest entries of each lane, in memory.
 *
 * A cache that readdir rebuilds. Of a lane with more than MOST entries only the nearest are kept
 * and `horizon` says from where on the folder knows more; once they are used up the folder is
 * read again, and what lay beyond is not given out before the reading is over: readdir knows no
 * order. Entries leave lazily: the one that `#byId` does not name is dead.
 */
import TinyQueue from 'tinyqueue'

import type { State } from '../../message/state.ts'
import { parseName } from './name.ts'

/** A message that waits, as its file's name tells. */
export interface Waiting {
  readonly state: Extract<State, 'incoming' | 'deferred'>
  readonly file: string
  readonly id: string
  readonly lane: string
  readonly due: number
}

/** The entry of a file that waits; undefined for one whose name is none of a waiting message. */
export function waitingIn(state: Waiting['state'], file: string): Waiting | undefined {
  const name = parseName(file)
  if (name === undefined || name.claim !== undefined) return undefined
  const { id, lane, due } = name
  return { state, file, id, lane, due }
}

/** How many of one lane are kept; the heap may grow to twice that before it is cut. */
const MOST = 20_000

interface LaneAgenda {
  heap: TinyQueue<Waiting>
  /** The folder knows entries of this lane from this due on; Infinity: it knows no more. */
  horizon: number
  /** While the folder is read: from here on there may be nearer ones than those seen so far. */
  unsure: number
  /** When something was last taken out of it. */
  takenAt: number
}

export class Agenda {
  readonly #lanes = new Map<string, LaneAgenda>()
  readonly #byId = new Map<string, Waiting>()
  readonly #most: number
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
    const lane = this.#lane(waiting.lane)
    if (waiting.due >= lane.horizon) return false
    this.#byId.set(waiting.id, waiting)
    if (waiting.state === 'incoming') this.#incoming++
    lane.heap.push(waiting)
    if (lane.heap.length > 2 * this.#most) this.#cut(lane)
    return this.#byId.has(waiting.id)
  }

  forget(id: string): void {
    const known = this.#byId.get(id)
    if (known !== undefined) this.#drop(known)
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
      const due = Math.min(first, lane.horizon, lane.unsure)
      if (due < next && room(name) > 0) next = due
    }
    return next === Infinity ? undefined : next
  }

  /** True when a lane has used up its entries while the folder has due ones that it forgot. */
  starving(now: number): boolean {
    for (const [name, lane] of this.#lanes)
      if (lane.horizon <= now && this.#first(name) === undefined) return true
    return false
  }

  /** The folder is about to be read: all that it knows will be added. */
  beginReading(): void {
    for (const lane of this.#lanes.values()) {
      lane.unsure = Math.min(lane.horizon, lane.unsure)
      lane.horizon = Infinity
    }
  }

  /** The folder was read, to its end or not. */
  endReading(complete: boolean): void {
    for (const lane of this.#lanes.values()) {
      if (!complete) lane.horizon = Math.min(lane.horizon, lane.unsure)
      lane.unsure = Infinity
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
      lane = { heap, horizon: Infinity, unsure: Infinity, takenAt: -Infinity }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  /** The nearest live entry of a lane; a lane with nothing left is forgotten. */
  #first(name: string): Waiting | undefined {
    const lane = this.#lanes.get(name)
    if (lane === undefined) return undefined
    for (let top = lane.heap.peek(); top !== undefined; top = lane.heap.peek()) {
      if (this.#byId.get(top.id) === top) return top
      lane.heap.pop()
    }
    if (lane.horizon === Infinity && lane.unsure === Infinity) this.#lanes.delete(name)
    return undefined
  }

  /** Keeps the nearest; the rest stays on disk beyond the horizon. */
  #cut(lane: LaneAgenda): void {
    const live = lane.heap.data.filter((entry) => this.#byId.get(entry.id) === entry)
    live.sort(byDue)
    const beyond = live.splice(this.#most)
    for (const entry of beyond) this.forget(entry.id)
    lane.horizon = Math.min(lane.horizon, beyond[0]?.due ?? Infinity)
    lane.heap = new TinyQueue(live, byDue)
  }
}

function byDue(a: Waiting, b: Waiting): number {
  return a.due - b.due || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
