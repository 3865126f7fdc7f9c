/**
 * breaker - leaves a receiver alone that only fails, and finds out when it is back.
 *
 * It trips after a whole window of failures in a row, and after five at least: Postfix's
 * `destination_concurrency_failed_cohort_limit` of 1, with a floor for narrow lanes. One message
 * that fails again and again counts once, until another one has failed as well: that may be its own
 * fault. The pause begins with the
 * first retry; then one message goes out as a probe. When that fails the pause doubles, up to
 * five minutes, Postfix's minimal backoff, within which a receiver that is back is noticed. A
 * success ends it, whoever has it.
 */
import type { RetryOptions } from '../config/config.ts'

/** So many failures in a row are a sign, however narrow the lane is. */
const FEWEST = 5
/** The pause is never shorter, nor longer; a retry.max that is shorter counts (ms). */
const SHORTEST = 1_000
const LONGEST = 300_000
/** Shares of a window add up to 1 only nearly. */
const WHOLE = 1 - 1e-9

export class Breaker {
  #failures = 0
  /** Failures in a row, each as a share of the window at its time. */
  #cohorts = 0
  #pause = 0
  #lastId = ''
  /** Not one message alone failed in a row. */
  #several = false
  /** Nothing goes out before (epoch ms). */
  until = 0
  /** The probe is under way. */
  probing = false

  /** How many failures in a row there were. */
  get failures(): number {
    return this.#failures
  }

  /** It has tripped, and no success came since. */
  get tripped(): boolean {
    return this.#pause > 0
  }

  /** Counts the failure of a message in a window of this size; true when that trips it. */
  failed(
    id: string,
    size: number,
    retry: Pick<RetryOptions, 'min' | 'max'>,
    now: number,
  ): boolean {
    const { tripped } = this
    this.#several ||= this.#lastId !== '' && id !== this.#lastId
    if (id !== this.#lastId || tripped || this.#several) {
      this.#failures++
      this.#cohorts += 1 / size
    }
    this.#lastId = id
    // What was under way when it tripped says nothing new.
    const isNews = tripped ? this.probing : this.#isEnough()
    if (!isNews) return false
    const most = Math.min(LONGEST, Math.max(1, retry.max))
    const first = Math.max(SHORTEST, retry.min)
    this.#pause = Math.min(most, tripped ? 2 * this.#pause : first)
    this.until = now + this.#pause
    this.probing = false
    return !tripped
  }

  /** As at the beginning; true when it had tripped. */
  reset(): boolean {
    const { tripped } = this
    this.#failures = this.#cohorts = this.#pause = this.until = 0
    this.#lastId = ''
    this.#several = false
    this.probing = false
    return tripped
  }

  #isEnough(): boolean {
    return this.#failures >= FEWEST && this.#cohorts >= WHOLE
  }
}
