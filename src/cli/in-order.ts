/**
 * in-order - which messages wait for another one, because they go out in order after it.
 *
 * From names alone, and only where something that is shown has an order. What moves meanwhile may
 * be told wrong by one.
 */
import { chainWithin } from '../message/chain.ts'
import type { Entry } from '../message/selector.ts'
import type { State } from '../message/state.ts'
import type { Desk } from '../queue/queue.ts'

/** Those that hold back others of their chain. */
const HOLDING: readonly State[] = ['incoming', 'active', 'deferred']

/** By id: the first of its chain, for each of these that waits for it. */
export async function waitsFor(
  desk: Desk,
  entries: readonly Entry[],
  ordered: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const waiting = entries.filter(
    (entry) => entry.state !== 'active' && keyOf(entry, ordered) !== undefined,
  )
  if (waiting.length === 0) return new Map()
  const lanes = [...new Set(waiting.map((entry) => entry.lane))]
  const { items } = await desk.list({ lanes, states: HOLDING }, { limit: Infinity })
  const firsts = new Map<string, string>()
  for (const entry of items) {
    const key = keyOf(entry, ordered)
    if (key === undefined) continue
    const first = firsts.get(key)
    if (first === undefined || entry.id < first) firsts.set(key, entry.id)
  }
  const pairs = waiting.flatMap((entry): [string, string][] => {
    const first = firsts.get(keyOf(entry, ordered)!)
    return first === undefined || first >= entry.id ? [] : [[entry.id, first]]
  })
  return new Map(pairs)
}

function keyOf(
  { lane, chain, state }: Entry,
  ordered: ReadonlySet<string>,
): string | undefined {
  if (!HOLDING.includes(state)) return undefined
  const key = chainWithin(chain, ordered.has(lane))
  return key === undefined ? undefined : `${lane}~${key}`
}
