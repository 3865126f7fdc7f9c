/**
 * fan-out - what an event becomes: a message for each destination. The rules that all engines
 * share. Pure.
 *
 * A child says what its parent says, and its event beside where it goes. Not its key, which
 * stands for the event, nor its hold, which is over; its own id is its idempotency key. It is
 * as old as its parent. Its id follows from parent and destination, so that what is made again
 * is the same message, and children of one destination are in the order of their parents. How it is made durable before the parent goes is the engine's.
 */
import { chainPart } from '../message/chain.ts'
import { orderlyChildId } from '../message/child.ts'
import { seal } from '../message/envelope.ts'
import type { Envelope } from '../message/envelope.ts'
import type { Entry } from '../message/selector.ts'
import { firstDue } from './states.ts'

/** A message for one destination, without its body, which is that of its parent. */
export interface Offspring {
  readonly entry: Entry
  readonly envelope: Envelope
}

/** The id of the child of an event that goes to a destination. */
export function offspringId(parent: string, destination: string): string {
  return orderlyChildId(parent, destination)
}

const NO_BODY = new Uint8Array(0)

/** The children of an event. */
export function planFanOut(parent: Envelope, destinations: readonly string[]): Offspring[] {
  const { hold: _, key: _key, ...said } = parent
  const accepted = Date.parse(parent.createdAt)
  return destinations.map((to) => {
    const id = offspringId(parent.id, to)
    const sealed = seal({ ...said, to }, NO_BODY, {
      id,
      now: accepted,
      sender: parent.sender,
      parent: parent.id,
      sha256: parent.sha256,
    })
    const envelope = { ...sealed, bytes: parent.bytes }
    const due = firstDue(envelope, accepted)
    const order = chainPart(envelope, due > accepted)
    const entry = { id, state: 'incoming', lane: to, due, tries: 0, ...order } as const
    return { entry, envelope }
  })
}
