/**
 * clock-guard - says whether the wall clock can be believed where messages would expire.
 *
 * The wall clock is compared with the monotonic one. After a step of more than five minutes
 * either way, or at a start more than a day away from the newest time that is known, it is in
 * doubt: until it has been consistent for an hour, or somebody confirms it. A machine that slept
 * looks the same, and does no harm. Only expiry asks; deliveries go on. What the newest known
 * time is, and where it is kept, is left to the caller.
 */
import type { Clock } from '../base/clock.ts'

/** What is known of the clock from before: kept by whoever serves the queue. */
export interface ClockWitness {
  /** The newest time at which the clock was believed (epoch ms). */
  readonly at: number
  /** Since when it is in doubt, by itself (epoch ms). */
  readonly doubtedAt?: number
}

export interface Doubt {
  /** When it began, by the clock that is doubted (epoch ms). */
  readonly since: number
  /** How far the clock went (ms): forward, or back where it is negative. */
  readonly step: number
}

export type ClockEvent =
  | { readonly kind: 'doubted'; readonly doubt: Doubt }
  | { readonly kind: 'believed'; readonly by: 'time' | 'operator' }

/** A larger step between two looks is no drift (ms). */
const STEP = 300_000
/** A start farther away from the newest known time is in doubt (ms). */
const AWAY = 86_400_000
/** So long without a step, and the clock is believed again (ms). */
const CONSISTENT = 3_600_000

export class ClockGuard {
  readonly #clock: Clock
  readonly #onChange: (event: ClockEvent) => void
  #offset: number
  /** When the last step was seen (ms of the monotonic clock). */
  #steppedAt = 0
  #believedAt: number
  #doubt: Doubt | undefined

  /** A doubt at the start is not called back: it stands in `doubt`. */
  constructor(
    clock: Clock,
    known: ClockWitness | undefined,
    onChange: (event: ClockEvent) => void,
  ) {
    const now = clock.now()
    this.#clock = clock
    this.#onChange = onChange
    this.#offset = now - clock.monotonic()
    this.#believedAt = now
    if (known === undefined || Math.abs(now - known.at) <= AWAY) return
    // Doubted an hour ago already: as good as an hour of ours, for `msgqd --once` by cron.
    if (now - (known.doubtedAt ?? Infinity) >= CONSISTENT) return
    this.#believedAt = known.at
    this.#steppedAt = clock.monotonic()
    const resumed = known.doubtedAt !== undefined && known.doubtedAt <= now
    this.#doubt = { since: resumed ? known.doubtedAt : now, step: now - known.at }
  }

  /** Undefined while the clock is believed. */
  get doubt(): Doubt | undefined {
    return this.#doubt
  }

  /** What has to be known at the next start. */
  get witness(): ClockWitness {
    const at = this.#believedAt
    return this.#doubt === undefined ? { at } : { at, doubtedAt: this.#doubt.since }
  }

  /** Looks at both clocks. */
  look(): void {
    const now = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    const offset = now - monotonic
    const step = offset - this.#offset
    this.#offset = offset
    if (Math.abs(step) > STEP) {
      this.#steppedAt = monotonic
      this.#doubt = { since: now, step }
      this.#onChange({ kind: 'doubted', doubt: this.#doubt })
    } else if (this.#doubt === undefined) this.#believedAt = now
    else if (monotonic - this.#steppedAt >= CONSISTENT) this.#believe('time')
  }

  /** Looks, and says whether anything may expire now. */
  mayExpire(): boolean {
    this.look()
    return this.#doubt === undefined
  }

  /** Somebody says that the clock is right; false: nobody doubted it. */
  confirm(): boolean {
    this.look()
    const doubted = this.#doubt !== undefined
    if (doubted) this.#believe('operator')
    return doubted
  }

  #believe(by: 'time' | 'operator'): void {
    this.#doubt = undefined
    this.#believedAt = this.#clock.now()
    this.#onChange({ kind: 'believed', by })
  }
}
