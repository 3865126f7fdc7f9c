/**
 * troubles - what the engine reports: said in the log, and the last that went wrong is kept for
 * whoever asks for the status.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../delivery/log.ts'
import type { Report } from '../queue/queue.ts'

/** So many are kept. */
const MOST = 10

export interface Told {
  readonly at: string
  readonly message: string
}

export class Troubles {
  readonly #log: Log
  readonly #clock: Clock
  readonly #told = new Map<string, Told>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Says a report, and remembers it; what is told again counts as the newest. */
  hear({ level, event, id, message }: Report): void {
    this.#log.write(level, { event, ...(id === undefined ? {} : { id }) }, message)
    if (level === 'info') return
    this.#told.delete(message)
    this.#told.set(message, { at: new Date(this.#clock.now()).toISOString(), message })
    const [oldest] = this.#told.keys()
    if (this.#told.size > MOST && oldest !== undefined) this.#told.delete(oldest)
  }

  /** All of them, the oldest first. */
  list(): Told[] {
    return [...this.#told.values()]
  }
}
