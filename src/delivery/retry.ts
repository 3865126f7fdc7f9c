/**
 * retry - when to try again, and when no more. Pure; the clock and the dice are passed in.
 */
import type { RetryOptions } from '../config/config.ts'
import type { Envelope } from '../message/envelope.ts'
import { renewedAt } from '../message/trail.ts'
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
