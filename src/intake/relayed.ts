/**
 * relayed - the id that a message has already, because another msgq had it before.
 *
 * Only who shows a token may say one: an id is what receivers drop repeats by. It comes with a key,
 * and both together are what a repeat is known by here. One of a later time than the clock
 * allows for is refused: it would sort behind all that comes.
 */
import { isId, idTime } from '../message/id.ts'
import type { Asked } from './asked.ts'
import { Refusal } from './refusal.ts'

/** The header that says it. */
const HEADER = 'msgq-id'
/** How far the clock of another machine may be ahead (ms). */
const AHEAD = 86_400_000

/** The id, where one was said. Throws a Refusal for one that cannot be. */
export function relayedId(asked: Asked, now: number): string | undefined {
  const id = asked.header(HEADER)
  if (id === undefined) return undefined
  if (asked.caller.token === undefined)
    throw new Refusal(403, 'scope', `${HEADER}: is taken only with a token`, {
      hint: 'msgq token add NAME --scope send',
    })
  if (!isId(id)) throw bad('is no id')
  if (idTime(id) > now + AHEAD)
    throw bad('is of a time to come', 'set the clock of the machine that made it')
  return id
}

/** Throws for an id without a key: a repeat of it could not be told. */
export function checkRelayedKey(id: string | undefined, key: string | undefined): void {
  if (id !== undefined && key === undefined)
    throw bad('comes without a key', 'send its key, or the id as Idempotency-Key')
}

function bad(why: string, hint?: string): Refusal {
  return new Refusal(400, 'invalid', `${HEADER}: ${why}`, { field: 'id', hint })
}
