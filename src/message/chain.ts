/**
 * chain - messages that go out one after the other, and what a name says of them.
 *
 * Messages of one lane with one ordering key are a chain. A name has 8 hex of the key and not
 * the key: two keys that share them are one chain, which costs time and never the order. A
 * message that goes out in no order, though it has a key or its lane is ordered, is LOOSE.
 */
import { hash } from 'node:crypto'

import type { Draft } from './draft.ts'

/** In a name: was passed by its chain, or has a time of its own. */
export const LOOSE = '00000000'

/** The chain of an ordering key, as names carry it. */
export function chainOf(order: string): string {
  const digits = hash('sha256', order).slice(0, 8)
  return digits === LOOSE ? '00000001' : digits
}

/**
 * The chain that the name of a new message has, as part of a name; nothing without a key. What
 * is not to go out before a time of its own goes out then, whatever was accepted before or after.
 */
export function chainPart(
  { order }: Pick<Draft, 'order'>,
  isScheduled: boolean,
): { readonly chain?: string } {
  if (order === undefined) return {}
  return { chain: isScheduled ? LOOSE : chainOf(order) }
}

/**
 * The chain that a message belongs to within its lane; undefined for one in no order. `whole`
 * says that the lane is one chain.
 */
export function chainWithin(chain: string | undefined, whole: boolean): string | undefined {
  if (chain === LOOSE) return undefined
  return whole ? WHOLE : chain
}

/** The chain of a lane that is one. */
const WHOLE = 'all'
