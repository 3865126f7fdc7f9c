/**
 * engine-counts - what the engine says of itself since the start: lines of the journal by what
 * happened, messages that came in by destination, and what its syncs took.
 */
import { Histogram } from '../base/histogram.ts'
import type { JournalEvent, JournalLine } from '../message/journal-line.ts'
import { labelOf } from './lane-label.ts'

/** What a sync takes (s): a disk with a cache that keeps its word, up to one in trouble. */
const SYNCS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export class EngineCounts {
  readonly #destinations: () => { has(name: string): boolean }
  readonly events = new Map<JournalEvent, number>()
  /** By label (lane-label.ts). */
  readonly accepted = new Map<string, number>()
  /** Of messages that came in here, and of what was moved. */
  readonly syncs = { accepted: new Histogram(SYNCS), moved: new Histogram(SYNCS) }

  constructor(destinations: () => { has(name: string): boolean }) {
    this.#destinations = destinations
  }

  note({ event, lane }: JournalLine): void {
    this.events.set(event, (this.events.get(event) ?? 0) + 1)
    if ((event !== 'queued' && event !== 'adopted') || lane === undefined) return
    const label = labelOf(lane, this.#destinations())
    this.accepted.set(label, (this.accepted.get(label) ?? 0) + 1)
  }

  synced(what: 'accepted' | 'moved', ms: number): void {
    this.syncs[what].observe(ms / 1000)
  }
}
