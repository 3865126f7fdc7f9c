/**
 * child - the id of a message that is made of another one.
 *
 * It follows from the parent, from where the child goes and from the parent's state of things:
 * who is killed between making the child and removing the parent makes the same child again, and
 * no second one. It is as old as its parent, unless it is made of something that happened later.
 * Those that events become are in the order of the events at each place.
 */
import { createHash } from 'node:crypto'

import { idMaker, idTime, shiftedId } from './id.ts'

/**
 * The id of the child that goes to `to`; `state` changes where a second one is meant, and `at`
 * (epoch ms) is when what it is made of happened.
 */
export function childId(
  parent: string,
  to: string,
  state: string,
  at = idTime(parent),
): string {
  const digest = createHash('sha256').update(`${parent}\n${to}\n${state}`).digest()
  const fill = (bytes: Uint8Array) => {
    bytes.set(digest.subarray(0, bytes.length))
    return bytes
  }
  return idMaker(() => at, fill)()
}

/** The id of what an event becomes for `to`. Of two events of one moment the order is kept. */
export function orderlyChildId(parent: string, to: string): string {
  const digest = createHash('sha256').update(`event\n${to}`).digest('hex')
  return shiftedId(parent, BigInt(`0x${digest.slice(0, 20)}`))
}
