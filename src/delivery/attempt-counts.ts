/**
 * attempt-counts - the attempts since the start, by destination: how they ended and what they
 * took.
 *
 * A log through which deliveries speak: the line of an attempt has all of it already, and
 * counting it allocates nothing. What a destination that is gone from the configuration had is
 * kept, as a counter never goes back.
 */
import { Histogram } from '../base/histogram.ts'
import { labelOf } from './lane-label.ts'
import type { AttemptFields, Fields, Log, LogLevel } from './log.ts'

/** What an attempt takes (s): a call on this machine, up to the longest timeouts. */
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** From its acceptance to its delivery (s): at once, up to days of retries. */
const AGES = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 21_600, 86_400]

type Outcome = AttemptFields['outcome']

export interface AttemptCount {
  readonly outcomes: Map<Outcome, number>
  readonly durations: Histogram
  /** Of those that were delivered. */
  readonly ages: Histogram
}

export class AttemptCounts implements Log {
  readonly #log: Log
  readonly #destinations: () => { has(name: string): boolean }
  readonly #counts = new Map<string, AttemptCount>()

  constructor(log: Log, destinations: () => { has(name: string): boolean }) {
    this.#log = log
    this.#destinations = destinations
  }

  write(level: LogLevel, fields: Fields, message: string): void {
    if (fields['event'] === 'attempt') this.#count(fields as AttemptFields)
    this.#log.write(level, fields, message)
  }

  /** By label (lane-label.ts). */
  get counts(): ReadonlyMap<string, AttemptCount> {
    return this.#counts
  }

  #count({ lane, outcome, ms, ageMs }: AttemptFields): void {
    const label = labelOf(lane, this.#destinations())
    let count = this.#counts.get(label)
    if (count === undefined) {
      count = {
        outcomes: new Map(),
        durations: new Histogram(DURATIONS),
        ages: new Histogram(AGES),
      }
      this.#counts.set(label, count)
    }
    count.outcomes.set(outcome, (count.outcomes.get(outcome) ?? 0) + 1)
    count.durations.observe(ms / 1000)
    if (outcome === 'delivered') count.ages.observe(ageMs / 1000)
  }
}
