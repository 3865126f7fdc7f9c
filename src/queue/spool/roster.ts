/**
 * roster - who is where: readdir and names.
 *
 * A file is opened only for a selector that asks what no name says, one at a time, and nothing
 * of it is kept. Beside a daemon that moves files meanwhile: what was named by id and is not
 * seen is looked for again; what is seen twice counts where it was seen last.
 */
import { readdir } from 'node:fs/promises'
import { setImmediate as breath } from 'node:timers/promises'

import { isMissing } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { idTime } from '../../message/id.ts'
import { matches, storyMatcher } from '../../message/selector.ts'
import type { Entry, Selector, Story } from '../../message/selector.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import type { Page, Stats } from '../queue.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'
import { isStaged, nameTest, parseName } from './name.ts'
import type { Name } from './name.ts'
import { readStory } from './story.ts'

/** How often a message is looked for that moves, or that is not there. */
export const LOOKS = 3
/** The length of a whole id. */
const WHOLE = 26
/** After so many files the others in this program get their turn. */
const SLICE = 64
/** The same for names alone. */
const NAMES = 16_384
/** So many that may be on a page are sorted at once. */
const CHOSEN_AT_ONCE = 4_096

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
    const isMeant = storyMatcher(selector)
    if (isMeant !== undefined) await this.#sift(selector, found, isMeant)
    return [...found.values()].toSorted(byCursor)
  }

  /** How many a selector means, by state; what moves meanwhile may count twice or not. */
  async count(selector: Selector): Promise<Partial<Record<State, number>>> {
    const counts: Partial<Record<State, number>> = {}
    const count = ({ state }: Entry) => {
      counts[state] = (counts[state] ?? 0) + 1
    }
    if (storyMatcher(selector) !== undefined || selector.ids !== undefined)
      for (const { entry } of await this.find(selector)) count(entry)
    else if (asksLaneAlone(selector)) {
      const ours = nameTest(selector.lanes)
      for (const state of statesIn(selector)) {
        const names = await this.#names(state, 'latin1')
        counts[state] = names.reduce((sum, file) => sum + +ours.test(file), 0)
      }
    } else await this.#each(selector, ({ entry }) => count(entry))
    return counts
  }

  /** How many of each lane were accepted in the spans that these times end, latest first. */
  async ages(
    selector: Selector,
    times: readonly number[],
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    const lanes = new Map<string, number[]>()
    const count = ({ entry: { id, lane } }: Spotted) => {
      const accepted = idTime(id)
      const at = times.findIndex((time) => accepted >= time)
      let counts = lanes.get(lane)
      if (counts === undefined)
        lanes.set(lane, (counts = Array.from({ length: times.length + 1 }, () => 0)))
      counts[at < 0 ? times.length : at]!++
    }
    if (storyMatcher(selector) !== undefined || selector.ids !== undefined)
      for (const spotted of await this.find(selector)) count(spotted)
    else await this.#each(selector, count)
    return lanes
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
    if (after !== undefined && !CURSOR.test(after))
      throw new MsgqError('usage', 'after: is no place in a list', 'take next of a page')
    const isWhole = limit === Infinity || selector.ids !== undefined
    const rest =
      isWhole || storyMatcher(selector) !== undefined
        ? (await this.find(selector)).filter(({ entry }) => isBehind(entry, after))
        : await this.#nearest(selector, limit + 1, after)
    const shown = rest.slice(0, limit)
    this.#listed = new Map(shown.map((spotted) => [spotted.entry.id, spotted]))
    const items = shown.map((spotted) => spotted.entry)
    const last = items.at(-1)
    return rest.length > items.length && last !== undefined
      ? { items, next: cursor(last) }
      : { items }
  }

  /** The first so many behind a place: of a million names no more than that is held. */
  async #nearest(
    selector: Selector,
    count: number,
    after: string | undefined,
  ): Promise<Spotted[]> {
    let best: Spotted[] = []
    let last: Spotted | undefined
    const choose = () => {
      const latest = new Map(best.map((spotted) => [spotted.entry.id, spotted]))
      best = [...latest.values()].toSorted(byCursor).slice(0, count)
      last = best[count - 1]
    }
    await this.#each(selector, (spotted) => {
      if (last !== undefined && byCursor(spotted, last) > 0) return
      if (!isBehind(spotted.entry, after)) return
      if (best.push(spotted) >= 2 * count + CHOSEN_AT_ONCE) choose()
    })
    choose()
    return best
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
    await this.#each(rest, (spotted) => {
      if (named(spotted.entry.id)) found.set(spotted.entry.id, spotted)
    })
  }

  /** Calls back for each name that is meant; one may come again where it moved to. */
  async #each(selector: Selector, visit: (spotted: Spotted) => void): Promise<void> {
    const ours = nameTest(selector.lanes)
    let seen = 0
    for (const state of statesIn(selector))
      for (const file of await this.#names(state)) {
        if (++seen % NAMES === 0) await breath()
        // Most names that are not meant are told by it, at a tenth of the price.
        const name = ours.test(file) ? parseName(file) : undefined
        if (name === undefined) continue
        const { id, lane, due, tries, chain } = name
        const plain = { id, state, lane, due, tries }
        const entry = chain === undefined ? plain : { ...plain, chain }
        if (matches(selector, entry, idTime(id))) visit({ entry, name, file })
      }
  }

  /** Keeps those whose files are meant; one that moved is looked for again. */
  async #sift(
    selector: Selector,
    found: Map<string, Spotted>,
    isMeant: (story: Story) => boolean,
  ): Promise<void> {
    let left = found
    for (let look = 0; left.size > 0 && look < LOOKS; look++) {
      const moved = new Map<string, Spotted>()
      let seen = 0
      for (const [id, { entry, file }] of left) {
        try {
          const story = readStory(this.#layout.file(entry.state, file))
          if (!isMeant(story)) found.delete(id)
        } catch (error) {
          found.delete(id)
          if (!isMissing(error))
            throw cannotUse(this.#layout.file(entry.state, file), error)
          moved.set(id, left.get(id)!)
        }
        if (++seen % SLICE === 0) await breath()
      }
      left = new Map()
      if (moved.size === 0) return
      await this.#look({ ...selector, ids: [...moved.keys()] }, left)
      for (const [id, spotted] of left) found.set(id, spotted)
    }
    // What moves faster than we look is in nobody's list.
    for (const id of left.keys()) found.delete(id)
  }

  /** Names that are no text in this encoding are not ours: latin1 only costs less. */
  async #names(state: State, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string[]> {
    const folder = this.#layout.folder(state)
    try {
      return await readdir(folder, { encoding })
    } catch (error) {
      if (isMissing(error)) return []
      throw cannotUse(folder, error)
    }
  }
}

function statesIn({ states }: Selector): readonly State[] {
  return STATES.filter((state) => states?.includes(state) ?? true)
}

/** True where a name need not be read any further than to its lane. */
function asksLaneAlone({ before, after, triesOver }: Selector): boolean {
  return before === undefined && after === undefined && triesOver === undefined
}

const WAITING: ReadonlySet<State> = new Set(['incoming', 'active', 'deferred'])

/** Whether an id is one of those wanted, or ends in one; thousands are asked for at once. */
function namedBy(ids: readonly string[] | undefined): (id: string) => boolean {
  if (ids === undefined) return () => true
  const whole = new Set(ids)
  const endings = ids.filter((id) => id.length < WHOLE)
  return (id) => whole.has(id) || endings.some((ending) => id.endsWith(ending))
}

const CURSOR = /^\d{15},[0-9A-Z]{26}$/

/** True behind a place of a list; `after` is a cursor. */
function isBehind({ due, id }: Entry, after: string | undefined): boolean {
  if (after === undefined) return true
  const last = Number(after.slice(0, 15))
  return due > last || (due === last && id > after.slice(16))
}

function cursor(entry: Entry): string {
  return `${String(entry.due).padStart(15, '0')},${entry.id}`
}

/** The order of the cursors; a million of them need not be written out for it. */
function byCursor({ entry: a }: Spotted, { entry: b }: Spotted): number {
  return a.due - b.due || (a.id < b.id ? -1 : 1)
}
