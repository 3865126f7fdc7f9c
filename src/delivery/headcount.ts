/**
 * headcount - how many messages there are, by state and destination, for who asks often.
 *
 * Counted by names, a piece at a time beside the deliveries, and only when somebody asks: one
 * who asks sooner than the last count allows, or whose count takes long, gets the last one with
 * its time. A state that nothing came into or left is not counted again. What moves meanwhile
 * may be missed or counted twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from '../base/clock.ts'
import { idTime } from '../message/id.ts'
import { STATES } from '../message/state.ts'
import type { State } from '../message/state.ts'
import type { Rounds } from '../queue/queue.ts'
import { labelOf } from './lane-label.ts'

/** A count is as good as new for so long (ms), and for so many times what it took. */
const FRESH = 2_000
const FRESH_TIMES = 20
/** So long who asks waits for a count (ms). */
const PATIENCE = 500

export interface Heads {
  readonly count: number
  /** Acceptance of the oldest (epoch ms). */
  readonly oldestAt: number
}

export interface Counted {
  /** When it was counted (monotonic). */
  readonly at: number
  /** By state and label (lane-label.ts); those that have none are absent. */
  readonly states: ReadonlyMap<State, ReadonlyMap<string, Heads>>
}

interface Deps {
  readonly rounds: Pick<Rounds, 'meet' | 'stamp'>
  readonly clock: Clock
  /** Another object after a reload. */
  readonly destinations: () => { has(name: string): boolean }
}

interface Piece {
  readonly stamp: string | undefined
  readonly destinations: object
  readonly heads: ReadonlyMap<string, Heads>
}

export class Headcount {
  readonly #deps: Deps
  readonly #pieces = new Map<State, Piece>()
  #last: Counted | undefined
  #took = 0
  #counting: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The last count, made anew where that is due; undefined while there is none. */
  async look(patience = PATIENCE): Promise<Counted | undefined> {
    const age = this.#deps.clock.monotonic() - (this.#last?.at ?? -Infinity)
    if (age < Math.max(FRESH, FRESH_TIMES * this.#took)) return this.#last
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined
    })
    const over = new AbortController()
    const waited = sleep(patience, undefined, { signal: over.signal, ref: false })
    // What cannot be counted is told by the age of the last count, and by whoever works there.
    await Promise.race([this.#counting, waited]).catch(() => {})
    over.abort()
    await waited.catch(() => {})
    return this.#last
  }

  /** Resolves once nothing is counted any more. */
  async rest(): Promise<void> {
    await this.#counting?.catch(() => {})
  }

  async #count(): Promise<void> {
    const { clock, destinations, rounds } = this.#deps
    const began = clock.monotonic()
    const known = destinations()
    const states = new Map<State, ReadonlyMap<string, Heads>>()
    for (const state of STATES) {
      // Before it is read: what comes while it is read changes the next one.
      const stamp = rounds.stamp(state)
      let piece = this.#pieces.get(state)
      const isOld = stamp === undefined || piece?.stamp !== stamp
      if (piece === undefined || isOld || piece.destinations !== known) {
        piece = { stamp, destinations: known, heads: await this.#headsIn(state, known) }
        this.#pieces.set(state, piece)
      }
      states.set(state, piece.heads)
    }
    this.#last = { at: clock.monotonic(), states }
    this.#took = this.#last.at - began
  }

  async #headsIn(
    state: State,
    known: { has(name: string): boolean },
  ): Promise<ReadonlyMap<string, Heads>> {
    const heads = new Map<string, { count: number; oldestAt: number }>()
    for await (const { entry } of this.#deps.rounds.meet([state])) {
      const label = labelOf(entry.lane, known)
      const at = idTime(entry.id)
      const before = heads.get(label)
      if (before === undefined) heads.set(label, { count: 1, oldestAt: at })
      else {
        before.count++
        if (at < before.oldestAt) before.oldestAt = at
      }
    }
    return heads
  }
}
