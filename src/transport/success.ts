/**
 * success - the statuses that mean delivered, where a destination names its own.
 *
 * A status that is named is delivered, whatever the table says of it. Another one of 2xx is
 * deferred: the receiver took something, and the operator says that it was not this.
 */
import type { Judged } from './answer.ts'

/** The outcome of an answer, by the list of its destination. */
export function bySuccess(outcome: Judged, success: readonly number[]): Judged {
  const { status, reason } = outcome
  if (status === undefined) return outcome
  if (success.includes(status)) {
    const { answer, laneUntil } = outcome
    return {
      kind: 'delivered',
      reason,
      status,
      ...(answer === undefined ? {} : { answer }),
      ...(laneUntil === undefined ? {} : { laneUntil }),
    }
  }
  if (outcome.kind !== 'delivered') return outcome
  return {
    ...outcome,
    kind: 'deferred',
    fault: 'receiver',
    reason: `${reason} is not among success = [${success.join(', ')}]`,
  }
}
