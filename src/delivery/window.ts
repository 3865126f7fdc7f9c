/**
 * window - how many attempts a lane may have under way: Postfix's concurrency feedback.
 *
 * Each success is worth 1/window, so that a whole window of them makes room for one more, up to
 * the most. Failures take it down alike, never below 1. Half of the feedback is the hysteresis:
 * a receiver that fails now and then does not make it swing. It grows only while it is used. A
 * window of one number stands still. Where the queue manager of Postfix is silent, so is this.
 */
import type { LaneOptions } from '../config/config.ts'

export class Window {
  #size: number | undefined
  #success = 0
  #failure = 0

  /** The size now; options that a reload changed count at once. */
  size({ window, first }: LaneOptions): number {
    return first === undefined ? window : Math.min(this.#size ?? first, window)
  }

  /** `active` counts the one that succeeded. */
  succeeded(options: LaneOptions, active: number): void {
    const { window, first } = options
    const size = this.size(options)
    // Far above what is under way it could not be taken down in time.
    if (first === undefined || size >= window || size >= active + first) return
    const feedback = 1 / size
    this.#success += feedback
    if (this.#success + feedback / 2 < 1) return
    this.#success -= 1
    this.#failure = 0
    this.#size = size + 1
  }

  failed(options: LaneOptions): void {
    if (options.first === undefined) return
    const size = this.size(options)
    const feedback = 1 / size
    // At 1 it goes on counting, so that as many successes are needed to leave it.
    this.#failure -= feedback
    if (this.#failure - feedback / 2 >= 0) return
    this.#failure += 1
    this.#success = 0
    this.#size = Math.max(1, size - 1)
  }

  /** As at the beginning. */
  reset(): void {
    this.#size = undefined
    this.#success = this.#failure = 0
  }
}
