/**
 * feedback - what an attempt tells of its lane, and the line when that changes something.
 *
 * Only receiver and network speak for a lane: what the message, the configuration or we
 * ourselves did wrong says nothing of it, but an answer is an answer. A lane is logged when it
 * closes and when its breaker opens it, and never once a message.
 */
import type { RetryOptions } from '../config/config.ts'
import type { Outcome } from '../message/outcome.ts'
import type { Judged } from '../transport/answer.ts'
import type { Lanes } from './lanes.ts'
import type { Log, LogLevel } from './log.ts'
import type { Ended } from './settle.ts'

interface Options {
  readonly lanes: Lanes
  readonly log: Log
}

/** A receiver that took the message is not believed for longer that it takes no more (ms). */
const LONGEST_ASIDE = 600_000

/** Tells the lane of a message how an attempt at it ended. */
export function tellLane(
  { id, lane }: { readonly id: string; readonly lane: string },
  { endedAt, outcome }: Ended,
  retry: RetryOptions,
  { lanes, log }: Options,
): void {
  const say = (level: LogLevel, until: number | undefined, reason: string) => {
    const state = until === undefined ? 'open' : 'closed'
    const time = until === undefined ? {} : { until: new Date(until).toISOString() }
    log.write(level, { event: 'lane', lane, state, ...time, reason }, `${lane} ${state}`)
  }
  const { reason } = outcome
  const wish = wishOf(outcome, endedAt, retry)
  if (wish !== undefined && lanes.close(lane, wish.until, wish.reason))
    say(isRefusal(outcome) ? 'warn' : 'info', wish.until, wish.reason)
  switch (verdictOf(outcome)) {
    case 'good':
      if (lanes.succeeded(lane)) say('info', undefined, reason)
      return
    case 'bad': {
      const until = lanes.failed(lane, id, reason)
      if (until !== undefined) say('warn', until, reason)
    }
  }
}

/** Whether the receiver is there; undefined where the attempt does not tell. */
export function verdictOf(outcome: Outcome): 'good' | 'bad' | undefined {
  if (outcome.kind === 'delivered') return 'good'
  if (outcome.kind === 'deferred') {
    const { fault, uncharged } = outcome
    const isTheirs = fault === 'receiver' || fault === 'network'
    return isTheirs && uncharged !== true ? 'bad' : undefined
  }
  return outcome.status === undefined ? undefined : 'good'
}

/**
 * True where no other message would fare better: nothing was sent, or the receiver said so of itself.
 * A timeout and a 5xx that says no more may be this one's own fault.
 */
export function isOutage(outcome: Outcome): boolean {
  if (outcome.kind !== 'deferred') return false
  const { fault, mayHaveArrived, wholeLane, status } = outcome
  if (fault === 'network') return mayHaveArrived !== true
  return fault === 'receiver' && (wholeLane === true || status === 429)
}

/** Until when the receiver wants nothing at all, by its own word, within bounds. */
function wishOf(
  outcome: Judged,
  endedAt: number,
  { max }: RetryOptions,
): { until: number; reason: string } | undefined {
  const { reason, laneUntil } = outcome
  if (outcome.kind === 'deferred' && outcome.wholeLane === true)
    return { until: Math.min(outcome.notBefore ?? 0, endedAt + max), reason }
  if (laneUntil === undefined) return undefined
  const longest = isRefusal(outcome) ? max : Math.min(max, LONGEST_ASIDE)
  return {
    until: Math.min(laneUntil, endedAt + longest),
    reason: `${reason} (its rate limit is used up)`,
  }
}

function isRefusal({ kind, status }: Outcome): boolean {
  return kind === 'deferred' && (status === 429 || status === 503)
}
