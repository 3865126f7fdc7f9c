/**
 * journal - which lines an engine itself adds to the delivery journal. Pure, for all engines.
 *
 * What became of an attempt is known above the seam, and noted there (delivery/journal.ts).
 */
import { senderName } from '../message/envelope.ts'
import type { Envelope } from '../message/envelope.ts'
import { atText } from '../message/journal-line.ts'
import type { JournalEvent, JournalLine } from '../message/journal-line.ts'
import { shownTo } from '../message/mask.ts'
import type { Entry } from '../message/selector.ts'
import { isAttempt } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'
import type { Act, ActOptions, Report } from './queue.ts'
import { firstDue } from './states.ts'

/**
 * The line of a message that leaves the doorstep for the first time; undefined for one that was
 * there before. Seen by the daemon, which is not when it was accepted.
 */
export function queuedLine(
  envelope: Envelope,
  { lane, due, tries }: Pick<Entry, 'lane' | 'due' | 'tries'>,
  now: number,
  trail: readonly TrailLine[] = [],
): JournalLine | undefined {
  const { id, to, event, key, sender, createdAt, parent } = envelope
  if (trail.some((line) => isAttempt(line) || line.act !== 'adopted')) return undefined
  const accepted = Date.parse(createdAt)
  // Without its trail: most acts, and every attempt, give it another due.
  if (tries > 0 || due !== firstDue(envelope, accepted)) return undefined
  const shown = to === undefined ? event : shownTo(to)
  return {
    at: atText(now),
    event: 'queued',
    id,
    lane,
    ...(shown === undefined ? {} : { to: shown }),
    ageMs: Math.max(0, now - accepted),
    ...(due > now ? { due: new Date(due).toISOString() } : {}),
    by: senderName(sender),
    ...(key === undefined ? {} : { key }),
    ...(parent === undefined ? {} : { parent }),
  }
}

const DONE: Readonly<Record<Act, JournalEvent>> = {
  flush: 'flushed',
  hold: 'held',
  release: 'released',
  requeue: 'requeued',
  delete: 'deleted',
  expire: 'expired',
}

/** What an operator did to a message. */
export function actLine(
  act: Act,
  { id, lane }: Pick<Entry, 'id' | 'lane'>,
  { by, reason }: ActOptions,
  now: number,
): JournalLine {
  const at = atText(now)
  return { at, event: DONE[act], id, lane, by, ...(reason === undefined ? {} : { reason }) }
}

/** A message that an operator sent on as a new one. */
export function redirectedLine(
  old: Pick<Entry, 'id' | 'lane'>,
  as: string,
  options: ActOptions,
  now: number,
): JournalLine {
  return { ...actLine('requeue', old, options, now), event: 'redirected', as }
}

/** Something happened to it that is neither an attempt nor an operator's act. */
export function plainLine(
  event: JournalEvent,
  { id, lane }: Pick<Entry, 'id' | 'lane'>,
  now: number,
  reason?: string,
): JournalLine {
  const at = atText(now)
  return { at, event, id, lane, ...(reason === undefined ? {} : { reason }) }
}

/** An event that became these messages. */
export function expandedLine(
  { id, lane }: Pick<Entry, 'id' | 'lane'>,
  children: readonly string[],
  now: number,
  event?: string,
): JournalLine {
  const to = event === undefined ? {} : { to: event }
  return { at: atText(now), event: 'expanded', id, lane, ...to, children }
}

const REPORTED: Readonly<Partial<Record<Report['event'], JournalEvent>>> = {
  adopted: 'adopted',
  conflict: 'bounced',
  corrupt: 'corrupt',
  repeat: 'repeat',
}

/** The line of a report; undefined for one that is of no message, or changes nothing. */
export function reportLine(report: Report, now: number): JournalLine | undefined {
  const { id, lane, of, message } = report
  const event = REPORTED[report.event]
  if (event === undefined || id === undefined) return undefined
  return {
    at: atText(now),
    event,
    id,
    ...(lane === undefined ? {} : { lane }),
    ...(of === undefined ? {} : { of }),
    // The event says already what became of it.
    reason: message.replace(/^(?:bounced|dropped|put into corrupt\/): /, ''),
  }
}
