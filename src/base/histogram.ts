/**
 * histogram - how often a value was at most so large, for fixed bounds.
 *
 * Counts and no more: to observe costs a few comparisons and no allocation.
 */
export class Histogram {
  /** From small to large; what is above the last has a place of its own. */
  readonly bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    this.#counts[at] = this.#counts[at]! + 1
    this.#sum += value
  }

  get sum(): number {
    return this.#sum
  }

  /** How many were at most as large as each bound, and at last how many there were. */
  cumulative(): number[] {
    let seen = 0
    return Array.from(this.#counts, (count) => (seen += count))
  }
}
