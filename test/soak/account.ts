/**
 * account - where every message is at the end: the exact sum, and what does not add up.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { STATES } from '../../src/message/state.ts'
import type { State } from '../../src/message/state.ts'
import { parseName } from '../../src/queue/spool/name.ts'
import type { Machine } from '../end-to-end/machine.ts'
import type { Ledger, Sent } from './ledger.ts'
import type { Receiver } from './receiver.ts'
import { GARBAGE } from './senders.ts'

export interface Account {
  readonly sent: number
  /** Of those, distinct ones that a receiver told 2xx. */
  readonly delivered: number
  /** Of those, the ones whose every 2xx broke off. */
  readonly byLies: number
  readonly repeats: number
  readonly bounced: number
  readonly held: number
  readonly waiting: number
  /** Said yes, and neither delivered nor in any folder: ids or tokens. */
  readonly lost: readonly string[]
  /** Everything else that may not be. */
  readonly faults: readonly string[]
}

/** A file of the spool, by what tells it apart. */
interface Place {
  readonly state: State
  readonly name: string
  readonly id?: string
  readonly token?: string
}

function placesIn(machine: Machine): Place[] {
  return STATES.flatMap((state) =>
    machine.files(state).map((name) => {
      const text = readFileSync(join(machine.spool, state, name), 'utf8')
      const id = parseName(name)?.id
      const token = /^soak (\S+) /m.exec(text)?.[1]
      return {
        state,
        name,
        ...(id === undefined ? {} : { id }),
        ...(token === undefined ? {} : { token }),
      }
    }),
  )
}

/** The account of a spool that nobody serves any more. */
export function accountOf(
  machine: Machine,
  ledger: Ledger,
  receivers: readonly Receiver[],
): Account {
  const places = placesIn(machine)
  const faults = [...ledger.faults, ...misplaced(machine, ledger, places)]
  const lies = new Set<Sent>()
  const [delivered, lost] = [new Set<Sent>(), [] as string[]]
  const lying = new Map<string, State>()
  for (const { id, token, state } of places)
    for (const key of [id, token]) if (key !== undefined) lying.set(key, state)
  for (const one of ledger.sent) {
    const ids = idsOf(one, receivers, faults)
    if (receivers.some(({ accepted }) => ids.some((id) => accepted.has(id))))
      delivered.add(one)
    else if (receivers.some(({ lied }) => ids.some((id) => lied.has(id)))) lies.add(one)
    else if (!lying.has(one.id ?? one.token)) lost.push(one.id ?? one.token)
  }
  for (const { strange } of receivers)
    for (const what of strange) faults.push(`a receiver got what nobody sent: ${what}`)
  const inState = (...states: State[]) =>
    places.filter(({ state }) => states.includes(state)).length
  return {
    sent: ledger.sent.length,
    delivered: delivered.size + lies.size,
    byLies: lies.size,
    repeats: receivers.reduce((sum, { repeats }) => sum + repeats, 0),
    bounced: inState('bounce'),
    held: inState('hold'),
    waiting: inState('incoming', 'active', 'deferred'),
    lost,
    faults,
  }
}

/** The ids by which a message arrived: its own, or the one that a hand-made file was given. */
function idsOf(sent: Sent, receivers: readonly Receiver[], faults: string[]): string[] {
  const seen = receivers.flatMap(({ ids }) => [...(ids.get(sent.token) ?? [])])
  if (seen.length > 1) faults.push(`${sent.token} arrived as ${seen.join(' and ')}`)
  if (sent.id !== undefined && seen.some((id) => id !== sent.id))
    faults.push(`${sent.id} has the body of ${seen.join()}`)
  return seen
}

/** Ids in two folders, names that are none, and what is in corrupt/ and was no garbage. */
function misplaced(machine: Machine, ledger: Ledger, places: readonly Place[]): string[] {
  const faults: string[] = []
  const seen = new Map<string, Place>()
  for (const place of places) {
    const { state, name, id } = place
    const twin = id === undefined ? undefined : seen.get(id)
    if (twin !== undefined)
      faults.push(`${id} is in ${twin.state} and in ${state}: ${twin.name}, ${name}`)
    if (id !== undefined) seen.set(id, place)
    else faults.push(`${state}/${name} has no name of ours`)
  }
  const corrupt = places.filter(({ state }) => state === 'corrupt')
  for (const { name } of corrupt)
    if (!readFileSync(join(machine.spool, 'corrupt', name), 'utf8').includes(GARBAGE))
      faults.push(`corrupt/${name} was no garbage`)
  if (corrupt.length !== ledger.garbage)
    faults.push(`${ledger.garbage} pieces of garbage, ${corrupt.length} in corrupt`)
  return faults
}
