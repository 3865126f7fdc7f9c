/**
 * waiting - a message that waits, as the name of its file tells; and all of those that are in
 * memory, each once.
 */
import type { State } from '../../message/state.ts'
import { parseName } from './name.ts'

/** A message in incoming/ or deferred/. */
export interface Waiting {
  readonly state: Extract<State, 'incoming' | 'deferred'>
  readonly file: string
  readonly id: string
  readonly lane: string
  readonly due: number
  /** As in its name. */
  readonly chain?: string
}

/** The entry of a file that waits; undefined for one whose name is none of a waiting message. */
export function waitingIn(state: Waiting['state'], file: string): Waiting | undefined {
  const name = parseName(file)
  if (name === undefined || name.claim !== undefined) return undefined
  const { id, lane, due, chain } = name
  const waiting = { state, file, id, lane, due }
  return chain === undefined ? waiting : { ...waiting, chain }
}

/** The order in which messages of one lane go out. */
export function byDue(a: Waiting, b: Waiting): number {
  return a.due - b.due || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** Those that are in memory. What lies in a heap and is not known here is dead. */
export class Known {
  readonly #byId = new Map<string, Waiting>()
  #incoming = 0

  get size(): number {
    return this.#byId.size
  }

  /** How many of them stand on the doorstep. */
  get incoming(): number {
    return this.#incoming
  }

  get(id: string): Waiting | undefined {
    return this.#byId.get(id)
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  readonly isLive = (waiting: Waiting): boolean => this.#byId.get(waiting.id) === waiting

  /** Adds one whose id is new. */
  add(waiting: Waiting): void {
    this.#byId.set(waiting.id, waiting)
    if (waiting.state === 'incoming') this.#incoming++
  }

  /** Drops one that is known. */
  drop({ id, state }: Waiting): void {
    this.#byId.delete(id)
    if (state === 'incoming') this.#incoming--
  }

  /** Those that are meant. */
  filter(isMeant: (waiting: Waiting) => boolean): Waiting[] {
    return [...this.#byId.values()].filter(isMeant)
  }
}
