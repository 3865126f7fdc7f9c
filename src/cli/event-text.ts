/**
 * event-text - a line of the journal as a person reads it, in Postfix's order.
 *
 *   12:00:03 9V0A1P2C deferred to=crm try=4 status=503 age=2h ms=28 next=14m (503 ...)
 *
 * The id stands by its last eight characters, which grep finds in the whole one. What strangers
 * wrote is made printable.
 */
import { briefDuration } from '../base/duration.ts'
import { printable } from '../base/text.ts'
import { shortId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { exactTime } from './clock-text.ts'

/** Longest text of one line. */
const LONGEST = 2_000

/** One line, without its newline; days are told from today's. */
export function eventText(line: JournalLine, now: number): string {
  const { id, event, reason } = line
  const at = Date.parse(line.at)
  const why = reason === undefined ? [] : [`(${printable(String(reason), 500)})`]
  const parts = [exactTime(at, now), shortId(id), event, ...membersOf(line, at), ...why]
  return printable(parts.join(' '), LONGEST)
}

function membersOf(line: JournalLine, at: number): string[] {
  const { to = line.lane, status, ageMs, ms, due, by, key, of, as } = line
  const members: [string, unknown][] = [
    ['to', to],
    ['try', line.try],
    ['status', status],
    ['age', ageMs === undefined ? undefined : briefDuration(ageMs)],
    ['ms', ms],
    ['next', due === undefined ? undefined : briefDuration(Date.parse(due) - at)],
    ['by', by],
    ['key', key],
    ['of', of === undefined ? undefined : shortId(of)],
    ['as', as === undefined ? undefined : shortId(as)],
  ]
  return members.flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`))
}
