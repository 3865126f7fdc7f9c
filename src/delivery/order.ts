/**
 * order - for how long a message that fails holds back those behind it. Pure.
 *
 * While it waits for its next try its chain waits too (queue.ts), so it is never given a later
 * try than its chain has patience. Once that is over and it fails again it is passed: it leaves
 * its chain, which goes on, and is tried alone. Nothing is passed in a lane that is closed or
 * probed: what is behind it would fare no better, and an outage would shuffle the conversation.
 */
import { formatDuration } from '../base/duration.ts'
import { LOOSE } from '../message/chain.ts'
import { isAttempt, renewedAt } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'
import type { Lease, Settlement } from '../queue/queue.ts'

/** What counts for the order of one lane. */
export interface OrderRule {
  /** How long one that fails holds back the others (ms), or Infinity. */
  readonly wait: number
  /** Something else may get through where this one does not. */
  readonly mayPass: boolean
}

/** True for a message that may hold back others. */
export function isInOrder({ chain }: Lease, ordered: boolean): boolean {
  return chain === undefined ? ordered : chain !== LOOSE
}

/** What becomes of a message of a chain that failed; `wished` is its receiver's own wish. */
export function keepOrder(
  { trail }: Lease,
  settlement: Settlement,
  { wait, mayPass }: OrderRule,
  { now, wished = 0 }: { readonly now: number; readonly wished?: number | undefined },
): Settlement {
  if (settlement.to !== 'deferred' || wait === Infinity) return settlement
  const { line } = settlement
  const since = failedSince([...trail, line]) ?? now
  const end = Math.min(since, now) + wait
  if (now < end || !mayPass) {
    // It is looked at then, whatever its receiver wishes: it goes out no earlier (isEarly).
    const due = Math.min(settlement.due, now < end ? end : now + Math.max(wait, SHORTEST))
    const told = wished > due ? settlement.due : due
    return { ...settlement, due, line: { ...line, due: iso(told) } }
  }
  const reason = `${line.reason}; ${passedText(wait)}`
  return { ...settlement, passed: true, line: { ...line, reason } }
}

/**
 * What becomes of a message whose chain has no more patience while its receiver asked for a later
 * try: it is passed, and put back untried until then. Undefined for any other.
 */
export function passEarly(
  { trail }: Lease,
  { wait, mayPass }: OrderRule,
  now: number,
): Settlement | undefined {
  const last = trail.at(-1)
  if (last === undefined || !isAttempt(last) || last.due === undefined) return undefined
  const due = Date.parse(last.due)
  const since = failedSince(trail)
  if (!(due > now) || since === undefined || now < since + wait) return undefined
  const at = iso(now)
  if (!mayPass)
    return { to: 'postponed', due: Math.min(due, now + Math.max(wait, SHORTEST)) }
  const line = { at, act: 'postponed', reason: passedText(wait) } as const
  return { to: 'postponed', due, line, passed: true }
}

/** Between two looks at a message that may not be passed yet (ms). */
const SHORTEST = 60_000

/** When it began to fail, since it was sent or somebody brought it back (epoch ms). */
function failedSince(trail: readonly TrailLine[]): number | undefined {
  const renewed = renewedAt(trail) ?? -Infinity
  const first = trail.find((line) => isAttempt(line) && Date.parse(line.at) >= renewed)
  return first === undefined ? undefined : Date.parse(first.at)
}

function passedText(wait: number): string {
  return `held up its order for ${formatDuration(wait)}: those behind it go on`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
