/**
 * journal-line - one line of the delivery journal: what happened to a message, and when.
 *
 * Plain data. The names of the members and of the events are public (docs/journal.md): they are
 * added to, never renamed. Absent is absent, never null. A line that cannot be read is none.
 */
import type { Fault } from './outcome.ts'

/** What can happen. An attempt is the line of what came of it, and has a `try`. */
export const EVENTS = [
  'queued',
  'adopted',
  'expanded',
  'dropped',
  'delivered',
  'deferred',
  'postponed',
  'bounced',
  'held',
  'repeat',
  'corrupt',
  'interrupted',
  'lost',
  'flushed',
  'released',
  'requeued',
  'redirected',
  'noticed',
  'expired',
  'deleted',
  'removed',
] as const

export type JournalEvent = (typeof EVENTS)[number]

export interface JournalLine {
  /** When it was noted: the clock of the writer. */
  readonly at: string
  readonly event: JournalEvent
  readonly id: string
  readonly lane?: string
  /** A destination's name, or a URL as people may see it. */
  readonly to?: string
  /** Which attempt; absent for what was none. */
  readonly try?: number
  readonly fault?: Fault
  readonly status?: number
  /** What the attempt took. */
  readonly ms?: number
  /** Since the message was accepted. */
  readonly ageMs?: number
  readonly reason?: string
  readonly due?: string
  /** Who sent it, or which operator acted; absent where the daemon did. */
  readonly by?: string
  /** The sender's idempotency key. */
  readonly key?: string
  /** The message of which this one was a repeat. */
  readonly of?: string
  /** The new message as which this one was sent on, or which tells of it. */
  readonly as?: string
  /** The event that this one was made of. */
  readonly parent?: string
  /** The messages that this event became. */
  readonly children?: readonly string[]
}

let lastAt = Number.NaN
let lastText = ''

/** A time as a line has it: many lines are of the same millisecond. */
export function atText(ms: number): string {
  if (ms !== lastAt) {
    lastAt = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}

const DAY = /^\d{4}-\d\d-\d\d$/

/** The day of a time in UTC, as the files of the journal are named. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** True for what `dayOf` gives. */
export function isDay(text: string): boolean {
  return DAY.test(text) && !Number.isNaN(Date.parse(text))
}

/** The line that a text is; undefined for one that was torn, or is none. */
export function parseJournalLine(text: string): JournalLine | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const line = JSON.parse(text) as Record<string, unknown>
    const { at, event, id } = line
    const known = typeof event === 'string' && typeof id === 'string'
    if (!known || typeof at !== 'string' || Number.isNaN(Date.parse(at))) return undefined
    return line as unknown as JournalLine
  } catch {
    return undefined
  }
}
