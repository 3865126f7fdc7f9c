/**
 * lane - one lane: what is under way, and what keeps more of it from going out.
 *
 * Its window, its rate, its breaker, and the pause that its receiver asked for. Each of them
 * can only take room away.
 */
import type { LaneOptions, RetryOptions } from '../config/config.ts'
import { formatRate } from '../config/rate.ts'
import type { Suspension } from '../message/suspension.ts'
import { Breaker } from './breaker.ts'
import { Bucket } from './bucket.ts'
import { Window } from './window.ts'

/** What the configuration says of a lane. */
export interface LaneRule {
  readonly lane: LaneOptions
  readonly retry: Pick<RetryOptions, 'min' | 'max'>
}

/** What `msgq status` shows of a lane. */
export interface LaneState {
  readonly lane: string
  /** `probing`: the pause is over, and one message at a time finds out whether it helped. */
  readonly state: 'open' | 'closed' | 'probing' | 'suspended'
  /** How many may be under way now, and how many at most. */
  readonly window: number
  readonly limit: number
  readonly active: number
  readonly rate?: string
  readonly closedUntil?: number
  readonly why?: string
  readonly suspended?: Suspension
}

/** Now, by both clocks. */
export interface Now {
  readonly wall: number
  readonly monotonic: number
}

export class Lane {
  readonly window = new Window()
  readonly breaker = new Breaker()
  readonly bucket = new Bucket()
  /** Those under way that have not been sent: each has a token promised. */
  readonly promised = new Set<string>()
  active = 0
  /** The receiver asked for a pause until then (epoch ms). */
  askedUntil = 0
  /** Why it is closed, or was the last time. */
  why = ''
  /** When something happened here for the last time, by the monotonic clock. */
  usedAt = 0

  closedUntil(): number {
    return Math.max(this.askedUntil, this.breaker.until)
  }

  /** How many more attempts may begin now. */
  room({ lane }: LaneRule, now: Now): number {
    const room = this.roomBesideRate(lane, now.wall)
    if (room === 0 || lane.rate === undefined) return room
    const tokens = this.bucket.room(lane.rate, now.monotonic) - this.promised.size
    return Math.max(0, Math.min(room, tokens))
  }

  /** The same, were it not for the rate. */
  roomBesideRate(options: LaneOptions, wall: number): number {
    if (this.closedUntil() > wall) return 0
    if (this.breaker.tripped) return this.active === 0 ? 1 : 0
    return Math.max(0, this.window.size(options) - this.active)
  }

  /** When there is room again without anybody's doing (epoch ms); Infinity: that takes an end. */
  opensAt({ lane }: LaneRule, now: Now): number {
    const closedUntil = this.closedUntil()
    if (closedUntil > now.wall) return closedUntil
    if (lane.rate === undefined || this.roomBesideRate(lane, now.wall) === 0)
      return Infinity
    const at = this.bucket.opensAt(lane.rate, now.monotonic, this.promised.size)
    return at > now.monotonic ? now.wall + Math.ceil(at - now.monotonic) : Infinity
  }

  /** It is as it was before its first message. */
  isPlain({ lane }: LaneRule, now: Now): boolean {
    const grown = lane.first !== undefined && this.window.size(lane) !== lane.first
    return this.hasRested(0, now) && this.breaker.failures === 0 && !grown
  }

  /** Unused for so long (ms), and neither closed nor in debt to its rate. */
  hasRested(ms: number, { wall, monotonic }: Now): boolean {
    return (
      this.active === 0 &&
      monotonic - this.usedAt >= ms &&
      this.closedUntil() <= wall &&
      this.bucket.isFull(monotonic)
    )
  }

  state(name: string, { lane }: LaneRule, wall: number, suspended?: Suspension): LaneState {
    const closedUntil = this.closedUntil()
    const isClosed = closedUntil > wall
    const { tripped, failures } = this.breaker
    const why = tripped ? `${this.why}, ${failures} in a row` : this.why
    const isOpen = !isClosed && suspended === undefined
    const state = isClosed ? 'closed' : tripped ? 'probing' : 'open'
    return {
      lane: name,
      state: suspended === undefined ? state : 'suspended',
      window: !isOpen ? 0 : tripped ? 1 : this.window.size(lane),
      limit: lane.window,
      active: this.active,
      ...(lane.rate === undefined ? {} : { rate: formatRate(lane.rate) }),
      ...(isClosed ? { closedUntil } : {}),
      ...(isClosed || tripped ? { why } : {}),
      ...(suspended === undefined ? {} : { suspended }),
    }
  }
}
