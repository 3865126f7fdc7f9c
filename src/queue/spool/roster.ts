/**
 * roster - who is where: readdir and names, and nothing is opened.
 *
 * Beside a daemon that moves files meanwhile. What was named by id and is not seen is looked for
 * again; what is seen twice counts where it was seen last.
 */
import { readdir } from 'node:fs/promises'

import { isMissing } from '../../base/errno.ts'
import { idTime } from '../../message/id.ts'
import { matches } from '../../message/selector.ts'
import type { Entry, Selector } from '../../message/selector.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import type { Page, Stats } from '../queue.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'
import { isStaged, parseName } from './name.ts'
import type { Name } from './name.ts'

/** How often a message is looked for that moves, or that is not there. */
export const LOOKS = 3
/** The length of a whole id. */
const WHOLE = 26

/** A message where it was seen. */
export interface Spotted {
  readonly entry: Entry
  readonly name: Name
  readonly file: string
}

export class Roster {
  readonly #layout: Layout
  /** Where the last listing saw each message: a readdir less for whoever looks at it next. */
  #listed: ReadonlyMap<string, Spotted> = new Map()

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** All that a selector means, in the order of due, then id. */
  async find(selector: Selector): Promise<Spotted[]> {
    const found = new Map<string, Spotted>()
    for (let look = 0; look < LOOKS; look++) {
      await this.#look(selector, found)
      if (selector.ids === undefined || found.size >= selector.ids.length) break
    }
    return [...found.values()].toSorted(byCursor)
  }

  /** Does something with a message where it is, and again if it moved meanwhile. */
  async at<T>(id: string, use: (spotted: Spotted) => Promise<T>): Promise<T | undefined> {
    let spotted = this.#listed.get(id)
    for (let look = 0; look < LOOKS; look++) {
      spotted ??= (await this.find({ ids: [id] }))[0]
      if (spotted === undefined) return undefined
      try {
        return await use(spotted)
      } catch (error) {
        if (!isMissing(error)) throw error
        spotted = undefined
      }
    }
    return undefined
  }

  async list(selector: Selector, page: { limit: number; after?: string }): Promise<Page> {
    const { limit, after } = page
    const found = await this.find(selector)
    const rest = found.filter(({ entry }) => after === undefined || cursor(entry) > after)
    const shown = rest.slice(0, limit)
    this.#listed = new Map(shown.map((spotted) => [spotted.entry.id, spotted]))
    const items = shown.map((spotted) => spotted.entry)
    const last = items.at(-1)
    return rest.length > items.length && last !== undefined
      ? { items, next: cursor(last) }
      : { items }
  }

  async stats(): Promise<Stats> {
    const states = Object.fromEntries(STATES.map((state) => [state, 0]))
    const waiting = new Map<string, number>()
    const nextDue = new Map<string, number>()
    let oldest = Infinity
    for (const state of STATES)
      for (const file of await this.#names(state)) {
        if (isStaged(file)) continue
        states[state]!++
        const name = parseName(file)
        if (name === undefined || !WAITING.has(state)) continue
        waiting.set(name.lane, (waiting.get(name.lane) ?? 0) + 1)
        oldest = Math.min(oldest, idTime(name.id))
        if (state !== 'active')
          nextDue.set(name.lane, Math.min(nextDue.get(name.lane) ?? Infinity, name.due))
      }
    const age = oldest === Infinity ? {} : { oldestAt: oldest }
    return { states: states as Stats['states'], waiting, nextDue, ...age }
  }

  /** One look at the folders, in the order in which messages move. */
  async #look({ ids, ...rest }: Selector, found: Map<string, Spotted>): Promise<void> {
    const named = namedBy(ids)
    for (const state of STATES.filter((one) => rest.states?.includes(one) ?? true))
      for (const file of await this.#names(state)) {
        const name = parseName(file)
        if (name === undefined || !named(name.id)) continue
        const { id, lane, due, tries } = name
        const entry = { id, state, lane, due, tries }
        if (matches(rest, entry, idTime(id))) found.set(id, { entry, name, file })
      }
  }

  async #names(state: State): Promise<string[]> {
    const folder = this.#layout.folder(state)
    try {
      return await readdir(folder)
    } catch (error) {
      if (isMissing(error)) return []
      throw cannotUse(folder, error)
    }
  }
}

const WAITING: ReadonlySet<State> = new Set(['incoming', 'active', 'deferred'])

/** Whether an id is one of those wanted, or ends in one; thousands are asked for at once. */
function namedBy(ids: readonly string[] | undefined): (id: string) => boolean {
  if (ids === undefined) return () => true
  const whole = new Set(ids)
  const endings = ids.filter((id) => id.length < WHOLE)
  return (id) => whole.has(id) || endings.some((ending) => id.endsWith(ending))
}

function cursor(entry: Entry): string {
  return `${String(entry.due).padStart(15, '0')},${entry.id}`
}

/** The order of the cursors; a million of them need not be written out for it. */
function byCursor({ entry: a }: Spotted, { entry: b }: Spotted): number {
  return a.due - b.due || (a.id < b.id ? -1 : 1)
}
