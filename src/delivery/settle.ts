/**
 * settle - turns the outcome of an attempt into what becomes of the message. Pure.
 *
 * The one place where retry, lifetime, limits and the receiver's own wishes meet. While the
 * clock is in doubt nothing expires: what would have is put back, or tried again.
 */
import { formatDuration } from '../base/duration.ts'
import { printable } from '../base/text.ts'
import type { RetryOptions } from '../config/config.ts'
import type { Outcome } from '../message/outcome.ts'
import type { ActLine, AttemptLine } from '../message/trail.ts'
import type { Lease, Settlement } from '../queue/queue.ts'
import { backoff, expiryOf, lifetimeEnd } from './retry.ts'

/** An attempt that ended: at which times (epoch ms), and how. */
export interface Ended {
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: Outcome
}

/** What waits for the machine or the configuration is not charged and not hurried (ms). */
const UNCHARGED_PAUSE = 60_000
/** A message without a destination; a reload that knows it makes it due at once (ms). */
const UNKNOWN_PAUSE = 300_000
const EXPIRED = 'it expired, as its sender said'
/** What may have expired is looked at again so much later (ms). */
const DOUBT_PAUSE = 300_000
const DOUBTED = 'the clock is in doubt, and it may not have expired yet'

/**
 * What becomes of a leased message after an attempt. `dice` is in [0, 1); `mayExpire` is false
 * while the clock is in doubt.
 */
export function settlementOf(
  lease: Lease,
  ended: Ended,
  retry: RetryOptions,
  dice: number,
  mayExpire = true,
): Settlement {
  const { outcome, endedAt } = ended
  if (outcome.kind === 'delivered') return { to: 'delivered' }
  const line = attemptLine(lease, ended)
  if (outcome.kind === 'held') return { to: 'held', line }
  if (outcome.kind === 'bounced') return { to: 'bounced', line }

  const wished = outcome.notBefore ?? 0
  if (outcome.suspends === true)
    // It is due as soon as its lane goes on.
    return postponement(lease, outcome.reason, endedAt, Math.max(endedAt, wished))
  if (outcome.uncharged === true) {
    if (
      outcome.nowhere &&
      mayExpire &&
      endedAt >= lifetimeEnd(lease.envelope, lease.trail, retry)
    )
      return expired(endedAt, `${outcome.reason}; ${givenUpText(retry)}`)
    const pause = backoff(1, { ...retry, min: UNCHARGED_PAUSE }, dice)
    return postponement(lease, outcome.reason, endedAt, Math.max(endedAt + pause, wished))
  }
  const end = giveUp(lease, endedAt, retry, mayExpire)
  if (end !== undefined)
    return {
      to: 'bounced',
      line: { ...line, outcome: 'bounced', reason: `${line.reason}; ${end}` },
    }
  const pause = backoff(lease.tries + 1, retry, dice)
  const due = dueBy(lease, endedAt, Math.max(endedAt + pause, wished))
  return { to: 'deferred', due, line: { ...line, due: new Date(due).toISOString() } }
}

/** What becomes of one that is not tried: its time is over, or nobody knows where it goes. */
export function untried(
  lease: Lease,
  now: number,
  retry: RetryOptions,
  mayExpire = true,
): Settlement {
  const { envelope, trail } = lease
  if (now >= expiryOf(envelope))
    return mayExpire
      ? expired(now, EXPIRED)
      : { ...postponement(lease, DOUBTED, now, now), due: now + DOUBT_PAUSE }
  const reason = printable(`no such destination "${envelope.to}"`)
  if (mayExpire && now >= lifetimeEnd(envelope, trail, retry))
    return expired(now, `${reason}; ${givenUpText(retry)}`)
  return postponement(lease, reason, now, now + UNKNOWN_PAUSE)
}

function expired(now: number, reason: string): Settlement {
  return {
    to: 'bounced',
    line: { at: new Date(now).toISOString(), act: 'expired', reason },
  }
}

/** Puts a message back untried; the reason is written once and not each time anew. */
export function postponement(
  lease: Lease,
  reason: string,
  now: number,
  wished: number,
): Settlement & { readonly to: 'postponed' } {
  const due = dueBy(lease, now, wished)
  const last = lease.trail.at(-1)
  const line: ActLine = { at: new Date(now).toISOString(), act: 'postponed', reason }
  const known = last !== undefined && 'act' in last && last.act === 'postponed'
  return known && last.reason === reason
    ? { to: 'postponed', due }
    : { to: 'postponed', due, line }
}

/** Why a message that failed now is not tried again, or undefined if it is. */
function giveUp(
  lease: Lease,
  now: number,
  retry: RetryOptions,
  mayExpire: boolean,
): string | undefined {
  if (mayExpire && now >= expiryOf(lease.envelope)) return EXPIRED
  if (retry.tries > 0 && lease.tries + 1 >= retry.tries)
    return `given up after ${retry.tries} ${retry.tries === 1 ? 'try' : 'tries'}`
  if (!mayExpire || now < lifetimeEnd(lease.envelope, lease.trail, retry)) return undefined
  return givenUpText(retry)
}

function givenUpText({ lifetime }: RetryOptions): string {
  return `given up after ${formatDuration(lifetime)}`
}

/** At its expiry a message is looked at once more, and bounces untried. */
function dueBy(lease: Lease, now: number, wished: number): number {
  return Math.min(wished, Math.max(now, expiryOf(lease.envelope)))
}

/** The line of an attempt. */
export function attemptLine(
  lease: Lease,
  { startedAt, endedAt, outcome }: Ended,
): AttemptLine {
  return {
    at: new Date(startedAt).toISOString(),
    try: lease.tries + 1,
    outcome: outcome.kind,
    reason: outcome.reason,
    ...('fault' in outcome ? { fault: outcome.fault } : {}),
    ...(outcome.status === undefined ? {} : { status: outcome.status }),
    ...(outcome.answer === undefined ? {} : { answer: outcome.answer }),
    ...('taken' in outcome ? { taken: outcome.taken } : {}),
    ms: Math.max(0, Math.round(endedAt - startedAt)),
  }
}
