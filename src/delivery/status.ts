/**
 * status - what the daemon answers to GET /v1/status on its control socket. Public names.
 */
import type { Counts } from './tally.ts'

export interface LaneStatus {
  readonly lane: string
  /** `probing`: its pause is over, and one message at a time finds out whether it helped. */
  readonly state?: 'open' | 'closed' | 'probing'
  /** How many may be under way now: 0 while closed, 1 while probing. */
  readonly window: number
  /** How many at most. */
  readonly limit?: number
  readonly active: number
  /** As in msgq.toml; absent where there is none. */
  readonly rate?: string
  /** ISO 8601; absent while the lane is open. */
  readonly closedUntil?: string
  readonly why?: string
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
  readonly inFlight: number
  /** Attempts of the last five minutes by how they ended. */
  readonly recent: Counts
  readonly total: Counts
  readonly lanes: readonly LaneStatus[]
  /** Absent while the clock is believed. */
  readonly clock?: ClockStatus
  readonly troubles: readonly { readonly at: string; readonly message: string }[]
}
