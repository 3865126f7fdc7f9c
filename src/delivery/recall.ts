/**
 * recall - what becomes of a message under way that an operator wants back. Pure.
 *
 * What came in time counts: a message that was delivered is delivered, one that bounced has
 * bounced. What we cut off is not charged; a failure of the receiver's is.
 */
import { printable } from '../base/text.ts'
import type { ActLine, AttemptLine } from '../message/trail.ts'
import type { Lease, Settlement } from '../queue/queue.ts'
import type { Recall } from './recalls.ts'
import { attemptLine } from './settle.ts'
import type { Ended } from './settle.ts'

/** The settlement that was asked for, and the attempt as it is logged. */
interface RecalledAs {
  readonly settlement: Settlement
  readonly ended: Ended
}

/** For the trail, which has no other line of it. */
const ARRIVED = 'its attempt was cut off, and may have arrived'
const WORDS = { delete: 'deleted', expire: 'expired', hold: 'held' } as const

/** What an operator's wish makes of an ended attempt; undefined where it came too late. */
export function recalledAs(
  lease: Lease,
  ended: Ended,
  recall: Recall,
  cut: boolean,
): RecalledAs | undefined {
  const { outcome, endedAt } = ended
  const { act, by, reason } = recall
  if (outcome.kind === 'delivered') return undefined
  const word = `${WORDS[act]} by ${by}${reason === undefined ? '' : `: ${reason}`}`
  const told = printable(cut ? word : `${outcome.reason}; ${word}`)
  const logged = { ...ended, outcome: { ...outcome, reason: told } }
  if (act === 'delete') return { settlement: { to: 'deleted' }, ended: logged }
  if (outcome.kind !== 'deferred') return undefined
  const end = act === 'hold' ? 'held' : 'bounced'
  const isTried = !cut && outcome.uncharged !== true
  const sent = cut && outcome.uncharged !== true
  const why = sent
    ? [...(reason === undefined ? [] : [reason]), ARRIVED].join('; ')
    : reason
  const line: AttemptLine | ActLine = isTried
    ? { ...attemptLine(lease, logged), outcome: end }
    : {
        at: new Date(endedAt).toISOString(),
        act: act === 'hold' ? 'held' : 'expired',
        by,
        ...(why === undefined ? {} : { reason: why }),
      }
  return { settlement: { to: end, line }, ended: logged }
}
