/**
 * pace - whether a call to the disk is quick enough to wait for, by how long the last ones took.
 *
 * To hand one call to the thread pool costs two wake-ups of a thread, more than a quick call
 * takes (measured: 45 us of CPU for an unlink of 18). A slow one would hold up everything else:
 * then calls go aside, and a few of them are tried here again from time to time.
 */

/** Calls that take longer than this on average are slow (ms). */
const SLOW = 0.1
/** What one call counts in the average, and as how long at most: it may be we who were held up. */
const WEIGHT = 1 / 16
const MOST = 4 * SLOW
/** So many go aside before the next is tried here. */
const ASIDE = 256

export class Pace {
  #mean = 0
  #aside = 0

  /** Asked once for each call: true, and it is made here and now. */
  isQuick(): boolean {
    if (this.#aside === 0) return true
    this.#aside--
    if (this.#aside === 0) this.#mean = 0
    return false
  }

  /** How long a call took that was made here (ms). */
  took(ms: number): void {
    this.#mean += (Math.min(ms, MOST) - this.#mean) * WEIGHT
    if (this.#mean > SLOW) this.#aside = ASIDE
  }
}
