/**
 * states - what an act or a settlement makes of a message: the rules that all engines share.
 *
 * Pure: an entry goes in, a move or the reason why not comes out. How the move is made whole
 * and durable is the engine's. Moves that no rule here knows (claim, recovery, corruption) are
 * the engine's as well; spool/README.md has the table of all of them.
 */
import type { Envelope } from '../message/envelope.ts'
import type { Entry, Selector } from '../message/selector.ts'
import { STATES } from '../message/state.ts'
import type { State } from '../message/state.ts'
import { isAttempt, renewedAt } from '../message/trail.ts'
import type { ActLine, TrailLine } from '../message/trail.ts'
import type { Act, Settlement } from './queue.ts'

export interface ActRule {
  /** States that the act may take a message from. */
  readonly from: readonly State[]
  /** States that it means where the selector names none. */
  readonly default: readonly State[]
  readonly to: State | 'gone'
  /** What it leaves in the trail. */
  readonly line?: ActLine['act']
}

/** Why the desk does not act on a message: only the daemon that has it can. */
export const IN_FLIGHT = 'in flight'

/** Each act at the desk. A message in `active` is on the wire and belongs to the daemon. */
export const ACT_TABLE: Readonly<Record<Act, ActRule>> = {
  flush: {
    from: ['deferred'],
    default: ['deferred'],
    to: 'incoming',
    line: 'flushed',
  },
  hold: {
    from: ['incoming', 'deferred'],
    default: ['incoming', 'active', 'deferred'],
    to: 'hold',
    line: 'held',
  },
  release: {
    from: ['hold'],
    default: ['hold'],
    to: 'incoming',
    line: 'released',
  },
  requeue: {
    from: ['deferred', 'hold', 'bounce', 'corrupt'],
    default: ['bounce'],
    to: 'incoming',
    line: 'requeued',
  },
  delete: {
    from: ['incoming', 'deferred', 'hold', 'bounce', 'corrupt'],
    default: ['incoming', 'active', 'deferred', 'hold', 'bounce'],
    to: 'gone',
  },
  expire: {
    from: ['incoming', 'deferred', 'hold'],
    default: ['deferred', 'hold'],
    to: 'bounce',
    line: 'expired',
  },
}

/**
 * The states that an act means with this selector: those that it names, else all for messages
 * named by id (who names one wants to hear why it was skipped), else the act's own.
 */
export function statesMeant(act: Act, selector: Selector): readonly State[] {
  if (selector.states !== undefined) return selector.states
  return selector.ids === undefined ? ACT_TABLE[act].default : STATES
}

/** What becomes of a message. `line` is for its trail. */
export interface Move {
  readonly to: State | 'gone'
  readonly due: number
  readonly tries: number
  readonly line?: TrailLine
  /** It leaves its chain, which goes on past it. */
  readonly passed?: boolean
}

/** What an act needs to know beside the entry. */
export interface ActContext {
  readonly now: number
  /** The sender's own earliest time, epoch ms. */
  readonly notBefore?: number | undefined
  /** True when the message was named by id. */
  readonly named: boolean
  readonly by: string
  readonly reason?: string | undefined
}

/** The move that an act makes of a message, or why it makes none. */
export function planAct(act: Act, entry: Entry, context: ActContext): Move | string {
  const { from, to, line } = ACT_TABLE[act]
  const { now, notBefore, named, by, reason } = context
  if (entry.state === 'active') return IN_FLIGHT
  if (!from.includes(entry.state)) return `in ${entry.state}`
  if (act === 'flush' && !named && notBefore !== undefined && notBefore > now)
    return `not before ${new Date(notBefore).toISOString()}`
  const move = {
    to,
    due: dueAfter(act, { now, due: entry.due, notBefore, named }),
    tries: act === 'requeue' ? 0 : entry.tries,
  }
  if (line === undefined) return move
  const told = { at: new Date(now).toISOString(), act: line, by }
  return { ...move, line: reason === undefined ? told : { ...told, reason } }
}

/**
 * The due time after an act. Flush and requeue mean now, but never before `notBefore` unless
 * the message was named by id; flush never makes a message wait longer than it would have.
 */
export function dueAfter(
  act: Act,
  at: { now: number; due: number; notBefore: number | undefined; named: boolean },
): number {
  const soonest = at.named ? at.now : Math.max(at.now, at.notBefore ?? at.now)
  if (act === 'flush') return Math.min(at.due, soonest)
  if (act === 'requeue') return soonest
  return act === 'expire' ? at.now : at.due
}

/** The move that a settlement makes of a leased message. `tries` counts recorded attempts. */
export function planSettlement(entry: Entry, settlement: Settlement, now: number): Move {
  const { due, tries } = entry
  switch (settlement.to) {
    case 'delivered':
    case 'expanded':
    case 'deleted':
      return { to: 'gone', due, tries }
    case 'released':
      return { to: 'incoming', due, tries }
    case 'postponed': {
      const { passed } = settlement
      const plain = { to: 'deferred', due: settlement.due, tries } as const
      const move = passed === undefined ? plain : { ...plain, passed }
      return settlement.line === undefined ? move : { ...move, line: settlement.line }
    }
    case 'deferred': {
      const { passed, line } = settlement
      const move = { to: 'deferred', due: settlement.due, tries: tries + 1, line } as const
      return passed === undefined ? move : { ...move, passed }
    }
    case 'bounced':
    case 'held': {
      const { line } = settlement
      const charged = isAttempt(line) ? tries + 1 : tries
      return settlement.to === 'held'
        ? { to: 'hold', due, tries: charged, line }
        : { to: 'bounce', due: now, tries: charged, line }
    }
  }
}

/** When a message may first be tried: at once, or at the sender's own time. */
export function firstDue(envelope: Envelope, now: number): number {
  return Math.max(now, notBeforeOf(envelope) ?? now)
}

/** The sender's own earliest time in epoch ms, where there is one. */
export function notBeforeOf(envelope: Envelope | undefined): number | undefined {
  return envelope?.notBefore === undefined ? undefined : Date.parse(envelope.notBefore)
}

/** True for a message that its sender wants held, until somebody released or requeued it. */
export function holdsAtDoor(envelope: Envelope, trail: readonly TrailLine[]): boolean {
  return envelope.hold === true && renewedAt(trail) === undefined
}
