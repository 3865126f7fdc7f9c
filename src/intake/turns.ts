/**
 * turns - at most so many at once; who comes later waits for his turn.
 *
 * In the order in which they came. Who has gone meanwhile has none. How many wait is bounded by
 * the connections and what each may ask at once (line.ts).
 */
export class Turns {
  readonly #most: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Does something in its turn; rejects with the signal's reason where that comes first. */
  async take<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    if (this.#running < this.#most) this.#running++
    else await this.#mine(signal)
    try {
      return await act()
    } finally {
      const [next] = this.#waiting
      // The next one has it at once: nobody comes in between.
      if (next === undefined) this.#running--
      else next()
    }
  }

  #mine(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        this.#waiting.delete(begin)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.delete(begin)
        reject(signal.reason as Error)
      }
      this.#waiting.add(begin)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}
