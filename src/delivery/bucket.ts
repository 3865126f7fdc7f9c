/**
 * bucket - keeps a lane to its rate: a token for each request, and when there is the next.
 *
 * In any span of t ms at most `burst + count * t / per` are taken. One number is all that it
 * remembers, so that it costs the same at every rate, and that another rate counts at once.
 * Times are of the monotonic clock. Whoever takes looks first whether there is room.
 */
import type { Rate } from '../config/rate.ts'

/** By less than this a sum of many gaps may be wrong (ms). */
const ROUNDING = 1e-3

export class Bucket {
  /** When it is full again. */
  #fullAt = -Infinity

  /** How many may be taken now. */
  room(rate: Rate, now: number): number {
    const opensAt = this.opensAt(rate, now)
    if (opensAt > now) return 0
    return Math.min(rate.burst, 1 + Math.floor((now - opensAt) / gap(rate)))
  }

  take(rate: Rate, now: number): void {
    this.#fullAt = Math.max(this.#fullBy(rate, now), now) + gap(rate)
  }

  /** When there is room for one more once the promised ones are taken; past: there is now. */
  opensAt(rate: Rate, now: number, promised = 0): number {
    const fullAt = this.#fullBy(rate, now)
    const then = promised === 0 ? fullAt : Math.max(fullAt, now) + promised * gap(rate)
    return then - (rate.burst - 1) * gap(rate)
  }

  isFull(now: number): boolean {
    return this.#fullAt <= now
  }

  /** A rate that a reload made faster does not wait for what the old one owed. */
  #fullBy(rate: Rate, now: number): number {
    const most = now + rate.burst * gap(rate)
    return this.#fullAt > most + ROUNDING ? most : this.#fullAt
  }
}

function gap({ count, per }: Rate): number {
  return per / count
}
