/**
 * last-attempts - the last few attempts, as the log has them: for who watches. Lost at the end.
 */
import type { AttemptFields, Fields, Log, LogLevel } from './log.ts'

/** An attempt, with when it ended (ISO 8601). Public names. */
export type LastAttempt = AttemptFields & { readonly at: string }

/** So many are kept. */
const KEPT = 20

/** A log that keeps the attempts that go through it. */
export class LastAttempts implements Log {
  readonly #log: Log
  readonly #now: () => number
  readonly #ring: { readonly at: number; readonly fields: Fields }[] = []
  #next = 0

  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
  }

  write(level: LogLevel, fields: Fields, message: string): void {
    if (fields['event'] === 'attempt') {
      this.#ring[this.#next] = { at: this.#now(), fields }
      this.#next = (this.#next + 1) % KEPT
    }
    this.#log.write(level, fields, message)
  }

  /** The last one first. */
  list(): LastAttempt[] {
    const inOrder = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
    return inOrder
      .toReversed()
      .map(({ at, fields }) => ({ ...(fields as AttemptFields), at: iso(at) }))
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
