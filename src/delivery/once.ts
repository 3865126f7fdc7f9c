/**
 * once - what must not go out twice: on_timeout = "hold" or "bounce" of a destination.
 *
 * Before each attempt at such a message a line `sending` is written into its trail, durably, and
 * without it nothing is sent. So an attempt whose end nobody noted is known by it, whatever ended
 * us: kill -9, a power cut, a full disk. Such a message is held or bounced with that reason, and goes
 * out again only if a person says so. Messages of other destinations are not touched here.
 */
import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'
import type { Destination } from '../config/config.ts'
import type { Outcome } from '../message/outcome.ts'
import { unendedSince } from '../message/trail.ts'
import type { Claims, Lease, Settlement } from '../queue/queue.ts'
import type { Ended } from './settle.ts'

/**
 * The end of an earlier attempt of which nothing was noted; undefined where there was none, or
 * where the destination now says "retry". One without a destination is held.
 */
export function unended(
  lease: Lease,
  destinationOf: (lease: Lease) => Destination | undefined,
  now: number,
): Ended | undefined {
  if (lease.trail.length === 0) return undefined
  const since = unendedSince(lease.trail, lease.tries)
  if (since === undefined) return undefined
  const destination = destinationOf(lease)
  const policy = destination === undefined ? 'hold' : destination.onTimeout
  if (policy === undefined) return undefined
  const reason = 'msgqd ended before an answer came'
  return { startedAt: Date.parse(since), endedAt: now, outcome: inDoubt(reason, policy) }
}

/** The end of an attempt, where its request may have arrived and must not go out twice. */
export function once(ended: Ended, { onTimeout }: Destination): Ended {
  const { outcome } = ended
  if (onTimeout === undefined || outcome.kind !== 'deferred') return ended
  if (outcome.mayHaveArrived !== true) return ended
  const { reason, fault } = outcome
  return { ...ended, outcome: { ...inDoubt(reason, onTimeout), fault } }
}

function inDoubt(reason: string, policy: 'hold' | 'bounce') {
  const kind = policy === 'hold' ? 'held' : 'bounced'
  return {
    kind,
    fault: 'configuration',
    reason: printable(`${reason}: it may have arrived (on_timeout = "${policy}")`),
  } as const
}

/** Notes that an attempt begins; an outcome where that cannot be, undefined where it is lost. */
export async function noteSending(
  lease: Lease,
  claims: Pick<Claims, 'record'>,
  clock: Clock,
): Promise<'ok' | Outcome | undefined> {
  const at = new Date(clock.now()).toISOString()
  try {
    const line = { at, act: 'sending', try: lease.tries + 1 } as const
    return (await claims.record(lease, line)) === 'ok' ? 'ok' : undefined
  } catch (error) {
    const reason = printable(`not sent, for that cannot be noted: ${plainError(error)}`)
    return { kind: 'deferred', fault: 'configuration', reason, uncharged: true }
  }
}

/** The same settlement with a line that ends the attempt, where it would leave none. */
export function returned(
  lease: Lease,
  settlement: Settlement,
  { outcome, endedAt }: Ended,
): Settlement {
  if (settlement.to !== 'released' && settlement.to !== 'postponed') return settlement
  const due = settlement.to === 'released' ? lease.due : settlement.due
  const at = new Date(endedAt).toISOString()
  return { to: 'postponed', due, line: { at, act: 'returned', reason: outcome.reason } }
}
