/**
 * relayed - the id that a message has already, because another msgq had it before.
 *
 * Only who shows a token may say one: an id is what receivers drop repeats by. It comes with a key,
 * and both together are what a repeat is known by here. One of a later time than the clock
 * allows for is refused: it would sort behind all that comes. With it comes over how many msgqs it
 * went: what was here before is known by that (queue.ts), and an event, which is another message after
 * each of them, by their number alone.
 */
import { isId, idTime } from '../message/id.ts'
import type { Asked } from './asked.ts'
import { loop, Refusal } from './refusal.ts'

/** The header that says it. */
const HEADER = 'msgq-id'
const HOPS = 'msgq-hops'
/** Nobody has so many in a row: they are a circle. */
const MOST_HOPS = 10
/** How far the clock of another machine may be ahead (ms). */
const AHEAD = 86_400_000

/** What a msgq says of a message that it hands on. */
export interface Relayed {
  readonly id: string
  /** Absent where it does not count them. */
  readonly hops?: number
}

/** What was said, if anything was. Throws a Refusal for what cannot be. */
export function relayedAs(asked: Asked, now: number): Relayed | undefined {
  const id = asked.header(HEADER)
  if (id === undefined) return undefined
  if (asked.caller.token === undefined)
    throw new Refusal(403, 'scope', `${HEADER}: is taken only with a token`, {
      hint: 'msgq token add NAME --scope send',
    })
  if (!isId(id)) throw bad('is no id')
  if (idTime(id) > now + AHEAD)
    throw bad('is of a time to come', 'set the clock of the machine that made it')
  const hops = /^[1-9]\d{0,8}$/.exec(asked.header(HOPS) ?? '')?.[0]
  if (hops === undefined) return { id }
  if (Number(hops) > MOST_HOPS) throw loop(`${HOPS}: ${id} came over ${hops} msgqs: a loop`)
  return { id, hops: Number(hops) }
}

/** Throws for an id without a key: a repeat of it could not be told. */
export function checkRelayedKey(
  relayed: Relayed | undefined,
  key: string | undefined,
): void {
  if (relayed !== undefined && key === undefined)
    throw bad('comes without a key', 'send its key, or the id as Idempotency-Key')
}

/** Throws for an id beside many messages. */
export function checkNotRelayed(relayed: Relayed | undefined): void {
  if (relayed !== undefined) throw bad('comes with one message, and these are lines')
}

function bad(why: string, hint?: string): Refusal {
  return new Refusal(400, 'invalid', `${HEADER}: ${why}`, { field: 'id', hint })
}
