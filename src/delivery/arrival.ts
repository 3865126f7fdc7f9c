/**
 * arrival - how it is seen that something expected came. Pure.
 */
import type { Expectation } from '../config/expect.ts'
import type { Envelope } from '../message/envelope.ts'
import { globFits } from '../message/glob.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { EVENT_LANE, laneOf } from '../message/lane.ts'

/** True for a line of the journal that says that it came. */
export function saysItCame(line: JournalLine, expected: Expectation): boolean {
  const { event, key, when } = expected
  if (line.event !== (when === 'accepted' ? 'queued' : 'delivered')) return false
  const isEvent = line.lane === EVENT_LANE
  if (event !== undefined && !(isEvent && globFits(event, line.to ?? ''))) return false
  if (key !== undefined && !globFits(key, line.key ?? '')) return false
  return isMeantFor(line.lane ?? '', expected)
}

/** True for a lane in which it may come. */
export function isMeantFor(lane: string, { to }: Expectation): boolean {
  if (to === undefined || globFits(to, lane)) return true
  // What has a star in it is no URL.
  return !to.includes('*') && lane === laneOf(to)
}

/** True for the envelope of one that came, in such a lane. */
export function isExpected(envelope: Envelope, { event, key }: Expectation): boolean {
  return fits(event, envelope.event) && fits(key, envelope.key)
}

function fits(pattern: string | undefined, text: string | undefined): boolean {
  return pattern === undefined || (text !== undefined && globFits(pattern, text))
}
