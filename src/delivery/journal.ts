/**
 * journal - what the daemon says of a message in its log, it says in the journal as well.
 *
 * A log through which deliveries speak: each line of an attempt, of what was not tried, of what
 * was held or lost becomes a line of the journal. What is not worth a line of the log by default
 * (debug: put back for the same reason as before) is none of the journal either.
 */
import type { Clock } from '../base/clock.ts'
import { atText } from '../message/journal-line.ts'
import type { JournalEvent, JournalLine } from '../message/journal-line.ts'
import type { Journal } from '../queue/queue.ts'
import type { AttemptFields, Fields, Log } from './log.ts'

/** What a message that was not tried became, by the event of its log line. */
const UNTRIED: Readonly<Record<string, JournalEvent>> = {
  dropped: 'dropped',
  expired: 'bounced',
  held: 'held',
  lost: 'lost',
  postponed: 'postponed',
  refused: 'bounced',
}

/** The same log, whose lines about messages also go into the journal. */
export function journaled(log: Log, journal: Pick<Journal, 'note'>, clock: Clock): Log {
  return {
    write: (level, fields, message) => {
      log.write(level, fields, message)
      if (level === 'debug') return
      const line = lineOf(fields, message, clock.now())
      if (line !== undefined) journal.note(line)
    },
  }
}

function lineOf(fields: Fields, message: string, now: number): JournalLine | undefined {
  const { event, id } = fields
  if (typeof id !== 'string') return undefined
  const at = atText(now)
  if (event === 'attempt') return attemptLine(at, fields as AttemptFields)
  const known = UNTRIED[String(event)]
  if (known === undefined) return undefined
  return { at, reason: message, ...fields, event: known, id }
}

/** Each member by its name: of all lines these are the most, and this is the fastest. */
function attemptLine(at: string, fields: AttemptFields): JournalLine {
  const {
    id,
    to,
    lane,
    outcome,
    try: number,
    fault,
    status,
    reason,
    ageMs,
    ms,
    due,
  } = fields
  // What is undefined is no member of the line that is written.
  return {
    at,
    event: outcome,
    id,
    lane,
    to,
    try: number,
    fault,
    status,
    ms,
    ageMs,
    reason,
    due,
  } as JournalLine
}
