/**
 * mailq-sort - the orders in which mailq lists. Each ends in that of the queue, so that two runs
 * agree.
 */
import { idTime } from '../message/id.ts'
import type { Entry } from '../message/selector.ts'
import type { State } from '../message/state.ts'

/** What --sort takes. `turn` is the order where nothing is said. */
export const ORDERS = ['turn', 'due', 'age', 'tries', 'to', 'state', 'size'] as const
export type Order = (typeof ORDERS)[number]

const TURN: Readonly<Record<State, number>> = {
  active: 0,
  incoming: 1,
  deferred: 1,
  hold: 2,
  bounce: 3,
  corrupt: 4,
}

type Compare = (a: Entry, b: Entry) => number

const BY_DUE: Compare = (a, b) => a.due - b.due || (a.id < b.id ? -1 : 1)

/** The first is who a person looks for: the oldest, the most tried, the largest. */
const COMPARE: Readonly<Record<Exclude<Order, 'size'>, Compare>> = {
  turn: (a, b) => TURN[a.state] - TURN[b.state] || BY_DUE(a, b),
  due: BY_DUE,
  age: (a, b) => idTime(a.id) - idTime(b.id) || (a.id < b.id ? -1 : 1),
  tries: (a, b) => b.tries - a.tries || BY_DUE(a, b),
  to: (a, b) => (a.lane === b.lane ? BY_DUE(a, b) : a.lane < b.lane ? -1 : 1),
  state: (a, b) => (a.state === b.state ? BY_DUE(a, b) : a.state < b.state ? -1 : 1),
}

/** The entries in an order; `sizes` is asked for by that of size alone. */
export function sorted(
  entries: readonly Entry[],
  order: Order,
  sizes: ReadonlyMap<string, number> = new Map(),
): Entry[] {
  if (order !== 'size') return entries.toSorted(COMPARE[order])
  const sizeOf = ({ id }: Entry) => sizes.get(id) ?? -1
  return entries.toSorted((a, b) => sizeOf(b) - sizeOf(a) || BY_DUE(a, b))
}
