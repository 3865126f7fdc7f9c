/**
 * status - what the daemon answers to GET /v1/status on its control socket. Public names.
 */
import type { Counts } from './tally.ts'

export interface LaneStatus {
  readonly lane: string
  readonly window: number
  readonly active: number
  /** ISO 8601; absent while the lane is open. */
  readonly closedUntil?: string
  readonly why?: string
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
  readonly troubles: readonly { readonly at: string; readonly message: string }[]
}
