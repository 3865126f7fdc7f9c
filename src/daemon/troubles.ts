/**
 * troubles - the last things that went wrong below the seam, for whoever asks for the status.
 */
import type { Report } from '../queue/queue.ts'

/** So many are kept. */
const MOST = 10

export interface Told {
  readonly at: string
  readonly message: string
}

export class Troubles {
  readonly #told = new Map<string, Told>()

  /** Remembers a report; what is told again counts as the newest. */
  add({ level, message }: Report, now: number): void {
    if (level === 'info') return
    this.#told.delete(message)
    this.#told.set(message, { at: new Date(now).toISOString(), message })
    const [oldest] = this.#told.keys()
    if (this.#told.size > MOST && oldest !== undefined) this.#told.delete(oldest)
  }

  /** All of them, the oldest first. */
  list(): Told[] {
    return [...this.#told.values()]
  }
}
