/**
 * selector - which messages a verb or a listing means. One grammar for all of them.
 *
 * Everything here can be answered from the names of the files alone.
 */
import type { State } from './state.ts'

/** All given parts must hold. `ids` are whole ids or their endings of 6 or more. */
export interface Selector {
  readonly ids?: readonly string[]
  readonly states?: readonly State[]
  /** Lanes: names of destinations, or `=host_port` of bare URLs. */
  readonly lanes?: readonly string[]
  /** Accepted before / after, in epoch ms. */
  readonly before?: number
  readonly after?: number
  readonly triesOver?: number
  readonly limit?: number
}

/** What a name says of a message. */
export interface Entry {
  readonly id: string
  readonly state: State
  readonly lane: string
  /** Epoch ms of the next attempt; in bounce, of the bounce. */
  readonly due: number
  readonly tries: number
}

/** True when the entry is one of those meant; `limit` is the caller's. */
export function matches(selector: Selector, entry: Entry, acceptedAt: number): boolean {
  const { ids, states, lanes, before, after, triesOver } = selector
  if (ids !== undefined && !ids.some((ending) => entry.id.endsWith(ending))) return false
  if (states !== undefined && !states.includes(entry.state)) return false
  if (lanes !== undefined && !lanes.includes(entry.lane)) return false
  if (before !== undefined && acceptedAt >= before) return false
  if (after !== undefined && acceptedAt < after) return false
  return triesOver === undefined || entry.tries > triesOver
}
