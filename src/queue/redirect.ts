/**
 * redirect - what becomes of a message that is sent on to another destination: the rules that
 * all engines share. Pure.
 *
 * A new message with the old one for a parent: all that its sender said but where to, who sent
 * it, how old it is. Its trail begins with the act that links the two, which also lets it pass
 * where its key or its own `hold` would stop it. How it is made durable before the old one goes
 * is the engine's.
 */
import { chainPart } from '../message/chain.ts'
import { childId } from '../message/child.ts'
import { seal } from '../message/envelope.ts'
import type { Envelope } from '../message/envelope.ts'
import { laneOf } from '../message/lane.ts'
import { shownTo } from '../message/mask.ts'
import type { Entry } from '../message/selector.ts'
import type { ActLine } from '../message/trail.ts'
import { dueAfter, notBeforeOf } from './states.ts'
import type { ActContext } from './states.ts'

/** The child of a message, without its body. */
export interface Child {
  readonly entry: Entry
  readonly envelope: Envelope
  /** The first line of its trail. */
  readonly line: ActLine
}

/**
 * The id of the child. `size` is that of the parent: a kept one has grown when it is sent on
 * again, so that the next child is another message.
 */
export function redirectedId(parent: string, to: string, size: number): string {
  return childId(parent, to, String(size))
}

/** Why a message in this state is not sent on; undefined where it is. */
export function cannotRedirect({ state }: Entry): string | undefined {
  if (state === 'active') return 'in flight'
  // The daemon could take the old one while the new one is made.
  if (state === 'deferred') return 'in deferred: hold it first'
  return state === 'hold' || state === 'bounce' ? undefined : `in ${state}`
}

/** The child of a message that was proven. */
export function planRedirect(
  parent: { readonly entry: Entry; readonly envelope: Envelope; readonly body: Uint8Array },
  to: string,
  id: string,
  context: Omit<ActContext, 'notBefore'>,
): Child {
  const { entry, envelope: from, body } = parent
  const { now, named, by, reason } = context
  const { event: _, ...said } = from
  const accepted = {
    id,
    now: Date.parse(from.createdAt),
    sender: from.sender,
    parent: from.id,
  }
  const envelope = seal({ ...said, to }, body, accepted)
  const due = dueAfter('requeue', {
    now,
    due: entry.due,
    notBefore: notBeforeOf(envelope),
    named,
  })
  const was = `was ${from.id} to ${from.to === undefined ? `event ${from.event}` : shownTo(from.to)}`
  return {
    entry: {
      id,
      state: 'incoming',
      lane: laneOf(to),
      due,
      tries: 0,
      ...chainPart(envelope, due > now),
    },
    envelope,
    line: {
      at: new Date(now).toISOString(),
      act: 'requeued',
      by,
      reason: reason === undefined ? was : `${reason}; ${was}`,
    },
  }
}

/** What a parent that is kept says of it. */
export function keptLine(child: Child): ActLine {
  const { line, entry, envelope } = child
  const reason = `to ${shownTo(envelope.to ?? '')} as ${entry.id}`
  return { ...line, act: 'redirected', reason }
}
