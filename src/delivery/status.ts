/**
 * status - what the daemon answers to GET /v1/status on its control socket. Public names.
 */
import type { Suspension } from '../message/suspension.ts'
import type { LaneState } from './lane.ts'
import type { LastAttempt } from './last-attempts.ts'
import type { Counts } from './tally.ts'

export interface LaneStatus {
  readonly lane: string
  /** `probing`: its pause is over, and one message at a time finds out whether it helped. */
  readonly state?: 'open' | 'closed' | 'probing' | 'suspended'
  /** How many may be under way now: 0 while closed or suspended, 1 while probing. */
  readonly window: number
  /** How many at most. */
  readonly limit?: number
  readonly active: number
  /** As in msgq.toml; absent where there is none. */
  readonly rate?: string
  /** ISO 8601; absent while the lane is open. */
  readonly closedUntil?: string
  readonly why?: string
  /** Who suspended it, when, and until when; absent unless it is. */
  readonly suspended?: SuspensionStatus
}

/** A suspension as programs read it. */
export interface SuspensionStatus {
  /** ISO 8601. */
  readonly at: string
  readonly by?: string
  readonly why?: string
  /** ISO 8601; absent: until somebody resumes the lane. */
  readonly until?: string
  /** The configuration says so: `enabled = false`. */
  readonly disabled?: true
}

/** A suspension, with its times as text. */
export function suspensionStatus({
  at,
  by,
  why,
  until,
  disabled,
}: Suspension): SuspensionStatus {
  return {
    at: new Date(at).toISOString(),
    ...(by === undefined ? {} : { by }),
    ...(why === undefined ? {} : { why }),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    ...(disabled === undefined ? {} : { disabled }),
  }
}

/** A doubt of the clock, while nothing expires. */
export interface ClockStatus {
  /** ISO 8601, by the clock that is doubted. */
  readonly doubtedSince: string
  /** How far it went: forward, or back where it is negative. */
  readonly stepMs: number
}

export interface DaemonStatus {
  readonly version: string
  readonly pid: number
  readonly spool: string
  readonly startedAt: string
  readonly configAt: string
  readonly configFiles: readonly string[]
  readonly destinations: readonly string[]
  /** Those whose messages are one chain; absent where there are none. */
  readonly ordered?: readonly string[]
  readonly inFlight: number
  /** Attempts of the last five minutes by how they ended. */
  readonly recent: Counts
  readonly total: Counts
  readonly lanes: readonly LaneStatus[]
  /** The last one first; absent where an older daemon tells. */
  readonly lastAttempts?: readonly LastAttempt[]
  /** Absent while the clock is believed. */
  readonly clock?: ClockStatus
  readonly troubles: readonly { readonly at: string; readonly message: string }[]
}

/** A lane, with its times as text. */
export function laneStatus({ closedUntil, suspended, ...state }: LaneState): LaneStatus {
  return {
    ...state,
    ...(closedUntil === undefined
      ? {}
      : { closedUntil: new Date(closedUntil).toISOString() }),
    ...(suspended === undefined ? {} : { suspended: suspensionStatus(suspended) }),
  }
}
