/**
 * message-view - a message as a program sees it: what it is, where it is, what became of it.
 *
 * Secrets that a sender wrote into a URL or a header are masked, as on every screen. Who may
 * only send sees the state and no more.
 */
import { isId, idTime } from '../message/id.ts'
import type { Envelope } from '../message/envelope.ts'
import { shownHeader, shownTo } from '../message/mask.ts'
import type { Entry } from '../message/selector.ts'
import type { Desk, Message } from '../queue/queue.ts'
import type { Caller } from './caller.ts'
import { maySee } from './caller.ts'
import { Refusal } from './refusal.ts'

/** A message by its name. */
export function entryView({ id, state, lane, due, tries }: Entry) {
  return { ...stateView({ id, state, due, tries }), lane }
}

function stateView({ id, state, due, tries }: Omit<Entry, 'lane'>) {
  const acceptedAt = new Date(idTime(id)).toISOString()
  return { id, state, tries, due: new Date(due).toISOString(), acceptedAt }
}

export function messageView({ entry, size, envelope, trail, defect }: Message) {
  return {
    ...entryView(entry),
    size,
    ...(envelope === undefined ? {} : { envelope: envelopeView(envelope) }),
    trail,
    ...(defect === undefined ? {} : { defect }),
  }
}

function envelopeView(envelope: Envelope) {
  const { to, headers } = envelope
  const shown = Object.entries(headers ?? {}).map(([name, value]) => [
    name,
    shownHeader(name, value),
  ])
  return {
    ...envelope,
    ...(to === undefined ? {} : { to: shownTo(to) }),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(shown) }),
  }
}

/** Throws (404) for what is no whole id. */
export function checkId(id: string): string {
  if (isId(id)) return id
  throw absent(id)
}

export function absent(id: string): Refusal {
  return new Refusal(404, 'not-found', `there is no message ${id.slice(0, 40)}`)
}

/** What there is to know of an id; throws (404) where that is nothing. */
export async function lookUp(desk: Desk, caller: Caller, id: string): Promise<object> {
  const message = await desk.get(checkId(id))
  if (message !== undefined) {
    const { entry } = message
    if (!maySee(caller, entry.lane)) throw absent(id)
    const { state, due, tries } = entry
    return caller.scopes.includes('read')
      ? messageView(message)
      : stateView({ id, state, due, tries })
  }
  const gone = await fateOf(desk, caller, id)
  if (gone === undefined) throw absent(id)
  return gone
}

/** What became of a message that is in no folder, as the journal tells. */
async function fateOf(desk: Desk, caller: Caller, id: string): Promise<object | undefined> {
  const first = await desk.firstOf(id)
  const acceptedAt = new Date(idTime(id)).toISOString()
  for await (const line of desk.history({ ids: [id], last: 1, reverse: true })) {
    const { event, at, lane, try: tries = 0, of } = line
    if (!maySee(caller, lane ?? '')) return undefined
    const state = first === undefined ? event : 'repeat'
    const known = first ?? of
    return {
      id,
      state,
      tries,
      at,
      acceptedAt,
      ...(known === undefined ? {} : { of: known }),
    }
  }
  if (first === undefined || caller.to !== undefined) return undefined
  return { id, state: 'repeat', tries: 0, acceptedAt, of: first }
}
