/**
 * order - for how long a message that fails holds back those behind it. Pure.
 *
 * While it waits for its next try its chain waits too (queue.ts), so it is never given a later
 * try than its chain has patience. Once that is over and it fails again it is passed: it leaves
 * its chain, which goes on, and is tried alone. Nothing is passed while the receiver is out: what is
 * behind it would fare no better, and an outage would shuffle the conversation. That it is out is
 * said by the attempt, or known of a lane that is closed or probed; such an attempt says so in its
 * trail. Patience is what the message itself took of it: the waits that it was given and its
 * attempts, without those of an outage, and without what came on top of them because its lane was
 * suspended or closed, or nobody served.
 */
import { formatDuration } from '../base/duration.ts'
import { LOOSE } from '../message/chain.ts'
import { isAttempt, renewedAt } from '../message/trail.ts'
import type { AttemptLine, TrailLine } from '../message/trail.ts'
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

/** An attempt that failed: when it ended, and what it told beside that. */
interface Failure {
  readonly now: number
  /** Its receiver wants no other one before. */
  readonly wished?: number | undefined
  /** Its receiver is out for everybody. */
  readonly isOutage?: boolean
}

/** What becomes of a message of a chain that failed. */
export function keepOrder(
  { trail }: Lease,
  settlement: Settlement,
  { wait, mayPass }: OrderRule,
  { now, wished = 0, isOutage = false }: Failure,
): Settlement {
  if (settlement.to !== 'deferred' || wait === Infinity) return settlement
  const { line } = settlement
  const told = (due: number, more: Partial<AttemptLine> = {}) => {
    // It is looked at then, whatever its receiver wishes: it goes out no earlier (passEarly).
    const said = wished > due ? settlement.due : due
    return { ...settlement, due, line: { ...line, ...more, due: iso(said) } }
  }
  if (isOutage || !mayPass) {
    const look = now + Math.max(wait, SHORTEST)
    return told(Math.min(settlement.due, Math.max(look, wished)), { outage: true })
  }
  const left = wait - heldUp([...trail, line], now)
  if (left > 0) return told(Math.min(settlement.due, now + left))
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
  if (!(due > now) || heldUp(trail, now) < wait) return undefined
  const at = iso(now)
  if (!mayPass)
    return { to: 'postponed', due: Math.min(due, now + Math.max(wait, SHORTEST)) }
  const line = { at, act: 'postponed', reason: passedText(wait) } as const
  return { to: 'postponed', due, line, passed: true }
}

/** Between two looks at a message that may not be passed yet (ms). */
const SHORTEST = 60_000

/** How long it has held up its chain by itself (ms), since it was sent or somebody brought it back. */
function heldUp(trail: readonly TrailLine[], now: number): number {
  const renewed = renewedAt(trail) ?? -Infinity
  const attempts = trail
    .filter(isAttempt)
    .filter(({ at }) => Date.parse(at) >= renewed)
    .map(({ at, due, outage }) => ({
      at: Date.parse(at),
      due: Date.parse(due ?? ''),
      outage,
    }))
  let held = 0
  for (const [n, { at, due, outage }] of attempts.entries()) {
    if (outage === true) continue
    const next = attempts[n + 1]?.at ?? now
    held += Math.max(0, (due < next ? due : next) - at)
  }
  return held
}

function passedText(wait: number): string {
  return `held up its order for ${formatDuration(wait)}: those behind it go on`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
