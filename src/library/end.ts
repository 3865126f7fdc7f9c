/**
 * end - how a message ended, as far as its sender is concerned, and how the journal tells it. Pure.
 */
import type { JournalLine } from '../message/journal-line.ts'
import type { State } from '../message/state.ts'
import type { Suspension } from '../message/suspension.ts'
import type { TrailLine } from '../message/trail.ts'

/** How it ended, and how bad that is. */
const KINDS = {
  delivered: 'delivered',
  dropped: 'delivered',
  waiting: 'late',
  unknown: 'late',
  held: 'held',
  suspended: 'held',
  bounced: 'failed',
  corrupt: 'failed',
  deleted: 'failed',
  expired: 'failed',
} as const

export type Outcome = keyof typeof KINDS
export type Kind = (typeof KINDS)[Outcome]

/** From the best to the worst. */
export const WORSE: readonly Kind[] = ['delivered', 'late', 'held', 'failed']

export interface End {
  /** `waiting`: time is over, and it goes on. `unknown`: it is gone, and nobody knows how. */
  readonly outcome: Outcome
  /** Where the queue has it; absent where the journal told. */
  readonly state?: State
  readonly due?: number
  /** Of one that is in the queue. */
  readonly trail?: readonly TrailLine[]
  readonly by?: string
  readonly reason?: string
  /** Why its lane stands still. */
  readonly suspension?: Suspension
  /** It happened to another: what the message became, or the one that it repeats. */
  readonly instead?: { readonly id: string; readonly as: 'child' | 'first' }
}

export function kindOf({ outcome }: End): Kind {
  return KINDS[outcome]
}

/** True where the one is worse than the other. */
export function isWorse(one: End, other: End): boolean {
  return WORSE.indexOf(kindOf(one)) > WORSE.indexOf(kindOf(other))
}

/** With these it begins anew. */
const AGAIN: ReadonlySet<string> = new Set(['released', 'requeued'])

/** How the journal says that a message ended; undefined where it does not. */
export function endIn(lines: readonly JournalLine[]): End | undefined {
  let end: End | undefined
  for (const line of lines) end = AGAIN.has(line.event) ? undefined : (endOf(line) ?? end)
  return end
}

/** What a line of the journal says; undefined where it goes on. */
export function endOf({ event, reason, by }: JournalLine): End | undefined {
  const why = {
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
  }
  switch (event) {
    case 'delivered':
      return { outcome: event }
    case 'dropped':
    case 'bounced':
    case 'corrupt':
    case 'deleted':
    case 'expired':
    case 'held':
      return { outcome: event, ...why }
    default:
      return undefined
  }
}
