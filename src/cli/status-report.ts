/**
 * status-report - what `msgq status --json` prints. The names of the members are public.
 */
import type { SuspensionStatus } from '../delivery/status.ts'
import type { State } from '../message/state.ts'

export interface StatusReport {
  readonly daemon: DaemonReport
  readonly spool: {
    readonly path: string
    /** Bytes of the file system, and those of them that are free for its users. */
    readonly total: number
    readonly free: number
    /** Absent on file systems that make them as they go. */
    readonly freeInodes?: number
  }
  readonly states: Readonly<Record<State, number>>
  /** Acceptance of the oldest that waits. */
  readonly oldestAt?: string
  /** How the attempts of the last minutes ended; absent while no daemon tells. */
  readonly rates?: Readonly<Record<string, number>>
  readonly lanes: readonly LaneReport[]
  /** Absent while the clock is believed, or while no daemon tells. */
  readonly clock?: { readonly doubtedSince: string; readonly stepMs: number }
  readonly troubles: readonly { readonly at: string; readonly message: string }[]
  readonly advice: readonly Advice[]
}

export interface DaemonReport {
  readonly up: boolean
  readonly version?: string
  readonly pid?: number
  readonly host?: string
  readonly startedAt?: string
  readonly configAt?: string
  readonly configFiles?: readonly string[]
  readonly inFlight?: number
  /** False where it serves without a control socket, as `msgqd --once` does. */
  readonly socket?: boolean
  /** Why it could not be asked. */
  readonly trouble?: string
}

export interface LaneReport {
  readonly lane: string
  /** `unknown`: the configuration has no such destination. Absent while nobody can tell. */
  readonly state?: 'open' | 'closed' | 'probing' | 'suspended' | 'disabled' | 'unknown'
  /** How many may be under way now, and how many at most. */
  readonly window?: number
  readonly limit?: number
  readonly rate?: string
  readonly active: number
  readonly waiting: number
  /** When it has something due next, but for what is in flight. */
  readonly due?: string
  /** When a closed one opens. */
  readonly until?: string
  /** What its receiver said, where it is closed or probing. */
  readonly why?: string
  /** Who suspended it and why; told with no daemon too. */
  readonly suspended?: SuspensionStatus
}

/** What an operator should do. */
export interface Advice {
  readonly what: string
  readonly command: string
}
