/**
 * lanes - how much may go to each destination at once, and when not at all.
 *
 * A lane has a fixed window of attempts. A receiver that says 429 or 503 with Retry-After
 * closes its lane until then, for the whole of it.
 */
import type { Clock } from '../base/clock.ts'

interface Lane {
  active: number
  closedUntil: number
  why: string
}

/** What `msgq status` shows of a lane. */
export interface LaneState {
  readonly lane: string
  readonly window: number
  readonly active: number
  readonly closedUntil?: number
  readonly why?: string
}

export class Lanes {
  readonly #clock: Clock
  readonly #windowOf: (lane: string) => number
  readonly #lanes = new Map<string, Lane>()

  /** `windowOf` is asked anew each time, so that a reload counts at once. */
  constructor(clock: Clock, windowOf: (lane: string) => number) {
    this.#clock = clock
    this.#windowOf = windowOf
  }

  /** How many more attempts the lane may begin now. */
  room(name: string): number {
    const lane = this.#lanes.get(name)
    if (lane === undefined) return this.#windowOf(name)
    if (lane.closedUntil > this.#clock.now()) return 0
    return Math.max(0, this.#windowOf(name) - lane.active)
  }

  begin(name: string): void {
    this.#lane(name).active++
  }

  end(name: string): void {
    this.#lane(name).active--
  }

  /** Closes a lane until a time (epoch ms), never for shorter; true when it was open. */
  close(name: string, until: number, why: string): boolean {
    const now = this.#clock.now()
    const lane = this.#lane(name)
    if (until <= Math.max(now, lane.closedUntil)) return false
    const wasOpen = lane.closedUntil <= now
    lane.closedUntil = until
    lane.why = why
    return wasOpen
  }

  /** Opens a lane, or all of them; how many were closed. */
  open(names?: readonly string[]): number {
    let opened = 0
    for (const [name, lane] of this.#lanes) {
      if (names !== undefined && !names.includes(name)) continue
      if (lane.closedUntil > this.#clock.now()) opened++
      lane.closedUntil = 0
    }
    return opened
  }

  /** When the first closed lane opens (epoch ms), if one is closed. */
  nextOpening(): number | undefined {
    const now = this.#clock.now()
    let next = Infinity
    for (const [name, { active, closedUntil }] of this.#lanes)
      if (closedUntil > now) next = Math.min(next, closedUntil)
      else if (active === 0) this.#lanes.delete(name)
    return next === Infinity ? undefined : next
  }

  /** Every lane that does something or is closed. */
  states(): LaneState[] {
    const now = this.#clock.now()
    return [...this.#lanes]
      .filter(([, { active, closedUntil }]) => active > 0 || closedUntil > now)
      .map(([lane, { active, closedUntil, why }]) => ({
        lane,
        window: this.#windowOf(lane),
        active,
        ...(closedUntil > now ? { closedUntil, why } : {}),
      }))
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { active: 0, closedUntil: 0, why: '' }
      this.#lanes.set(name, lane)
    }
    return lane
  }
}
