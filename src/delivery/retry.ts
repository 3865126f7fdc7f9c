/**
 * retry - when to try again, and when no more. Pure; the clock and the dice are passed in.
 */
import type { RetryOptions } from '../config/config.ts'
import type { Envelope } from '../message/envelope.ts'
import { isAttempt, renewedAt } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'

/**
 * The delay before the next attempt in ms: min * factor^(tries-1), at most max, varied by
 * jitter either way. `tries` counts the attempts made, `dice` is in [0, 1).
 */
export function backoff(tries: number, retry: RetryOptions, dice: number): number {
  const plain = Math.min(retry.max, retry.min * retry.factor ** (Math.max(1, tries) - 1))
  return Math.round(plain * (1 + retry.jitter * (2 * dice - 1)))
}

/**
 * When the house gives a message up (epoch ms, or Infinity): its lifetime, counted from the
 * latest of accepted, the sender's own earliest time, released and requeued.
 */
export function lifetimeEnd(
  envelope: Envelope,
  trail: readonly TrailLine[],
  retry: RetryOptions,
): number {
  const begins = [envelope.createdAt, envelope.notBefore]
    .filter((time) => time !== undefined)
    .map((time) => Date.parse(time))
  return Math.max(...begins, renewedAt(trail) ?? 0) + retry.lifetime
}

/** The sender's own last moment (epoch ms, or Infinity), which nothing extends. */
export function expiryOf(envelope: Envelope): number {
  return envelope.expiresAt === undefined ? Infinity : Date.parse(envelope.expiresAt)
}

/** The longest that the house itself lets a message wait between two attempts (ms). */
export function longestWait(retry: RetryOptions): number {
  return retry.max * (1 + retry.jitter)
}

/** A receiver's own wish is capped at this when it is heard (ms). */
const LONGEST_WISH = 86_400_000

/**
 * When a message is due after the clock went back: the wait that its last attempt was given
 * begins now. Never later than it was, and never before its sender's own time.
 */
export function dueAfterStep(
  waiting: {
    readonly due: number
    readonly tries: number
    readonly envelope: Envelope
    readonly trail: readonly TrailLine[]
  },
  now: number,
  retry: RetryOptions,
): number {
  const { due, envelope } = waiting
  const earliest = envelope.notBefore === undefined ? now : Date.parse(envelope.notBefore)
  return Math.min(due, Math.max(now + waitOf(waiting, retry), earliest))
}

function waitOf(
  { tries, trail }: { readonly tries: number; readonly trail: readonly TrailLine[] },
  retry: RetryOptions,
): number {
  if (tries === 0) return 0
  const { at, ms = 0, due } = trail.findLast(isAttempt) ?? {}
  const given = Date.parse(due ?? '') - Date.parse(at ?? '') - ms
  const most = Math.max(longestWait(retry), LONGEST_WISH)
  return given >= 0 && given <= most ? given : backoff(tries, { ...retry, jitter: 0 }, 0)
}
