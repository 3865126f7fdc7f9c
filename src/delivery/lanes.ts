/**
 * lanes - how much may go to each destination at once, and when not at all.
 *
 * A lane has a window that grows with success and shrinks with failure, perhaps a rate, and a
 * breaker that closes it while it only fails. A receiver that asks for a pause closes its lane
 * until then, for the whole of it. What is closed is not claimed, and nothing is charged. A
 * lane that has rested is forgotten. Which lanes are suspended it is told (suspender.ts).
 */
import type { Clock } from '../base/clock.ts'
import { isInForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import { Lane } from './lane.ts'
import type { LaneRule, LaneState, Now } from './lane.ts'

/** A lane with a past is kept for so long after its last use (ms). */
const KEPT = 3_600_000

export class Lanes {
  readonly #clock: Clock
  readonly #ruleOf: (lane: string) => LaneRule
  readonly #orderedLanes: () => ((lane: string) => boolean) | undefined
  readonly #lanes = new Map<string, Lane>()
  #suspended: ReadonlyMap<string, Suspension> = new Map()

  /** Both are asked anew each time, so that a reload counts at once. */
  constructor(
    clock: Clock,
    ruleOf: (lane: string) => LaneRule,
    ordered: () => ((lane: string) => boolean) | undefined = () => undefined,
  ) {
    this.#clock = clock
    this.#ruleOf = ruleOf
    this.#orderedLanes = ordered
  }

  /** How many more attempts the lane may begin now. */
  room(name: string): number {
    if (this.#isSuspended(name)) return 0
    const lane = this.#lanes.get(name)
    const rule = this.#ruleOf(name)
    return (lane ?? UNUSED).room(rule, this.#now())
  }

  /** True when only the rate keeps the lane from going on. */
  isPaced(name: string): boolean {
    const lane = this.#lanes.get(name)
    if (lane === undefined || this.#isSuspended(name)) return false
    const rule = this.#ruleOf(name)
    const now = this.#now()
    return lane.roomBesideRate(rule.lane, now.wall) > 0 && lane.room(rule, now) === 0
  }

  /** True for one that is closed, or of which nobody knows yet whether it is back. */
  isFailing(name: string): boolean {
    const lane = this.#lanes.get(name)
    return (
      lane !== undefined && (lane.breaker.tripped || lane.closedUntil() > this.#clock.now())
    )
  }

  /** Which lanes are one chain each; undefined where none is. */
  get ordered(): ((lane: string) => boolean) | undefined {
    return this.#orderedLanes()
  }

  /** Lanes of which nothing goes out, in place of those before; what is in hand goes on. */
  suspend(suspended: ReadonlyMap<string, Suspension>): void {
    this.#suspended = suspended
  }

  /** A message is in hand, and one place taken. */
  begin(name: string, id: string): void {
    const lane = this.#lane(name)
    lane.active++
    // What was claimed before the lane closed is no probe.
    const { breaker } = lane
    if (breaker.tripped && lane.closedUntil() <= this.#clock.now()) breaker.probing = true
    if (this.#ruleOf(name).lane.rate !== undefined) lane.promised.add(id)
  }

  /** It goes on the wire now: that is what a rate counts. */
  send(name: string, id: string): void {
    const lane = this.#lane(name)
    const { rate } = this.#ruleOf(name).lane
    lane.promised.delete(id)
    if (rate !== undefined) lane.bucket.take(rate, this.#clock.monotonic())
  }

  /** The receiver answered; true when that opens a lane that its breaker had closed. */
  succeeded(name: string): boolean {
    const lane = this.#lane(name)
    if (lane.breaker.reset()) {
      lane.window.reset()
      return lane.closedUntil() <= this.#clock.now()
    }
    lane.window.succeeded(this.#ruleOf(name).lane, lane.active)
    return false
  }

  /** Receiver or network failed; gives back until when (epoch ms), when that closes the lane. */
  failed(name: string, id: string, why: string): number | undefined {
    const lane = this.#lane(name)
    const { breaker, window } = lane
    const { lane: options, retry } = this.#ruleOf(name)
    const size = window.size(options)
    const wasOpen = lane.closedUntil() <= this.#clock.now()
    window.failed(options)
    const trips = breaker.failed(id, size, retry, this.#clock.now())
    if (breaker.tripped) lane.why = why
    return trips && wasOpen ? lane.closedUntil() : undefined
  }

  /** It is not in hand any more. */
  end(name: string, id: string): void {
    const lane = this.#lane(name)
    lane.active--
    lane.promised.delete(id)
    // A probe that told nothing leaves its place to the next.
    if (lane.active === 0) lane.breaker.probing = false
    lane.usedAt = this.#clock.monotonic()
  }

  /** Closes a lane until a time (epoch ms), never for shorter; true when it was open. */
  close(name: string, until: number, why: string): boolean {
    const now = this.#clock.now()
    const lane = this.#lane(name)
    const closedUntil = lane.closedUntil()
    if (until <= Math.max(now, closedUntil)) return false
    lane.askedUntil = until
    lane.why = why
    return closedUntil <= now
  }

  /** Opens a lane, or all of them, as at the beginning; how many were closed. */
  open(names?: readonly string[]): number {
    const now = this.#clock.now()
    const wanted = names === undefined ? undefined : new Set(names)
    let opened = 0
    for (const [name, lane] of this.#lanes) {
      if (wanted !== undefined && !wanted.has(name)) continue
      const isClosed = lane.closedUntil() > now
      lane.askedUntil = 0
      const hadTripped = lane.breaker.reset()
      if (hadTripped) lane.window.reset()
      if (isClosed || hadTripped) opened++
    }
    return opened
  }

  /** When a closed or paced lane has room by itself (epoch ms), if one is. */
  nextOpening(): number | undefined {
    const now = this.#now()
    let next = Infinity
    for (const [name, lane] of this.#lanes) {
      const rule = this.#ruleOf(name)
      if (lane.isPlain(rule, now) || lane.hasRested(KEPT, now)) this.#lanes.delete(name)
      else next = Math.min(next, lane.opensAt(rule, now))
    }
    for (const suspension of this.#suspended.values())
      if (isInForce(suspension, now.wall))
        next = Math.min(next, suspension.until ?? Infinity)
    return next === Infinity ? undefined : next
  }

  /** Every lane that does something or has a past. */
  states(): LaneState[] {
    const now = this.#now()
    const states: LaneState[] = []
    for (const [name, lane] of this.#lanes) {
      const rule = this.#ruleOf(name)
      const suspended = this.#suspensionOf(name, now.wall)
      if (suspended !== undefined || !lane.isPlain(rule, now))
        states.push(lane.state(name, rule, now.wall, suspended))
    }
    for (const name of this.#suspended.keys()) {
      const suspended = this.#suspensionOf(name, now.wall)
      if (suspended !== undefined && !this.#lanes.has(name))
        states.push(UNUSED.state(name, this.#ruleOf(name), now.wall, suspended))
    }
    return states
  }

  #isSuspended(name: string): boolean {
    return (
      this.#suspended.size > 0 && this.#suspensionOf(name, this.#clock.now()) !== undefined
    )
  }

  #suspensionOf(name: string, wall: number): Suspension | undefined {
    const suspension = this.#suspended.get(name)
    return suspension !== undefined && isInForce(suspension, wall) ? suspension : undefined
  }

  #now(): Now {
    return { wall: this.#clock.now(), monotonic: this.#clock.monotonic() }
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = new Lane()
      lane.usedAt = this.#clock.monotonic()
      this.#lanes.set(name, lane)
    }
    return lane
  }
}

/** A lane before its first message; nobody writes to it. */
const UNUSED = new Lane()
