/**
 * desk - listing, looking and acting, with the daemon up or down.
 *
 * Listings are readdir and names; only `get` and the acts that must know an envelope open files.
 * A message that moves meanwhile is looked for again. An act on many is not atomic as a whole,
 * only for each: run it again and it does the rest. What it changed is synced before it answers.
 */
import { constants, closeSync, openSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { appendToOpen, syncFolder } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import type { Body } from '../../message/body.ts'
import { NewerFormatError } from '../../message/envelope.ts'
import { idTime } from '../../message/id.ts'
import { matches } from '../../message/selector.ts'
import type { Entry, Selector } from '../../message/selector.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import { formatTrailLine, parseTrail } from '../../message/trail.ts'
import type { Act, ActOptions, ActResult, Desk, Message, Page, Stats } from '../queue.ts'
import { notBeforeOf, planAct, statesMeant } from '../states.ts'
import type { Move } from '../states.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, isStaged, parseName } from './name.ts'
import type { Name } from './name.ts'
import { ring } from './outbox.ts'
import { Defect, Unsealed, bodyOf, readMessage, readTail } from './read.ts'

/** How often a message is looked for that moved between the look and the act. */
const LOOKS = 3

interface Spotted {
  readonly entry: Entry
  readonly name: Name
  readonly file: string
}

export class SpoolDesk implements Desk {
  readonly #layout: Layout
  readonly #mover: Mover
  readonly #clock: Clock

  constructor(layout: Layout, mover: Mover, clock: Clock) {
    this.#layout = layout
    this.#mover = mover
    this.#clock = clock
  }

  async find(ending: string): Promise<readonly Entry[]> {
    const wanted = ending.toUpperCase()
    return (await this.#search({ ids: [wanted] })).map((spotted) => spotted.entry)
  }

  async get(id: string): Promise<Message | undefined> {
    return this.#whereItIs(id, async ({ entry, file }) => {
      const path = this.#layout.file(entry.state, file)
      const { size } = await stat(path)
      try {
        const { envelope, trail } = readMessage(path)
        const defect = entry.state === 'corrupt' ? whyCorrupt(trail) : undefined
        return { entry, size, envelope, trail, ...(defect === undefined ? {} : { defect }) }
      } catch (error) {
        if (error instanceof Defect || error instanceof NewerFormatError)
          return { entry, size, trail: lastLines(path), defect: error.message }
        if (error instanceof Unsealed)
          return { entry, size, trail: [], defect: 'is not sealed yet' }
        throw error
      }
    })
  }

  async body(id: string): Promise<Body | undefined> {
    return this.#whereItIs(id, async ({ entry, file }) => {
      const path = this.#layout.file(entry.state, file)
      try {
        return await bodyOf(path, readMessage(path))
      } catch (error) {
        if (error instanceof Defect) return undefined
        throw error
      }
    })
  }

  async list(selector: Selector, page: { limit: number; after?: string }): Promise<Page> {
    const found = (await this.#search(selector)).toSorted(byCursor)
    const rest = found.filter(
      ({ entry }) => page.after === undefined || cursor(entry) > page.after,
    )
    const items = rest.slice(0, page.limit).map((spotted) => spotted.entry)
    const last = items.at(-1)
    return rest.length > items.length && last !== undefined
      ? { items, next: cursor(last) }
      : { items }
  }

  async stats(): Promise<Stats> {
    const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<
      State,
      number
    >
    const waiting = new Map<string, number>()
    let oldest = Infinity
    for (const state of STATES) {
      for (const file of await this.#names(state)) {
        if (isStaged(file)) continue
        counts[state]++
        const name = parseName(file)
        if (name === undefined || !['incoming', 'active', 'deferred'].includes(state))
          continue
        waiting.set(name.lane, (waiting.get(name.lane) ?? 0) + 1)
        oldest = Math.min(oldest, idTime(name.id))
      }
    }
    return { states: counts, waiting, ...(oldest === Infinity ? {} : { oldestAt: oldest }) }
  }

  async act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult> {
    const { limit = Infinity, ...rest } = selector
    const meant = { ...rest, states: statesMeant(act, selector) }
    const found = (await this.#search(meant)).toSorted(byCursor).slice(0, limit)
    const done: string[] = []
    const skipped: { id: string; why: string }[] = []
    this.#mover.touched.clear()
    for (const spotted of found) {
      const { id } = spotted.entry
      const why = await this.#actOn(act, spotted, meant, options)
      if (why === undefined) done.push(id)
      else skipped.push({ id, why })
    }
    for (const state of this.#mover.touched) await syncFolder(this.#layout.folder(state))
    if (done.length > 0 && !options.dryRun) ring(this.#layout)
    return { matched: found.length, done, skipped }
  }

  /** Acts on one message; why not, where it did not. */
  async #actOn(
    act: Act,
    found: Spotted,
    selector: Selector,
    options: ActOptions,
  ): Promise<string | undefined> {
    const { id } = found.entry
    let spotted: Spotted | undefined = found
    for (let look = 0; look < LOOKS; look++) {
      if (spotted === undefined) return 'gone'
      if (!matches(selector, spotted.entry, idTime(id)))
        return `moved to ${spotted.entry.state}`
      const plan = planAct(act, spotted.entry, {
        now: this.#clock.now(),
        notBefore: this.#notBefore(spotted),
        named: selector.ids !== undefined,
        by: options.by,
        reason: options.reason,
      })
      if (typeof plan === 'string') return plan
      if (options.dryRun || this.#make(spotted, plan)) return undefined
      spotted = await this.#spot(id)
    }
    return 'keeps moving'
  }

  /**
   * Makes the move; false when somebody was faster. The trail line goes through a descriptor
   * that was opened before the rename, so that it finds the file wherever the daemon takes it
   * next. From hold, bounce and corrupt, where nobody else moves files, the line goes first:
   * a daemon that claims at once must already read that the lifetime began anew.
   */
  #make({ entry, name, file }: Spotted, plan: Move): boolean {
    if (plan.to === 'gone') return this.#mover.remove(entry.state, file)
    const target = formatName({ ...name, due: plan.due, tries: plan.tries })
    const line = plan.line === undefined ? undefined : formatTrailLine(plan.line)
    const fd =
      line === undefined ? undefined : openForTrail(this.#layout.file(entry.state, file))
    try {
      const lineFirst = entry.state !== 'incoming' && entry.state !== 'deferred'
      if (lineFirst) writeTrail(fd, line)
      if (!this.#mover.move(entry.state, file, plan.to, target)) return false
      if (!lineFirst) writeTrail(fd, line)
      return true
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  #notBefore({ entry, file }: Spotted): number | undefined {
    // An attempt was made, so its time has come long ago; and then the file need not be read.
    if (entry.tries > 0 && entry.state === 'deferred') return undefined
    try {
      return notBeforeOf(readMessage(this.#layout.file(entry.state, file)).envelope)
    } catch {
      return undefined
    }
  }

  /** Does something with a message where it is, and again if it moved meanwhile. */
  async #whereItIs<T>(
    id: string,
    use: (at: Spotted) => Promise<T>,
  ): Promise<T | undefined> {
    for (let look = 0; look < LOOKS; look++) {
      const spotted = await this.#spot(id)
      if (spotted === undefined) continue
      try {
        return await use(spotted)
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
    return undefined
  }

  async #spot(id: string): Promise<Spotted | undefined> {
    return (await this.#search({ ids: [id] }))[0]
  }

  /**
   * Folders in the order in which messages move, so that one on its way is seen at least once;
   * one that is seen twice counts where it was seen last.
   */
  async #search(selector: Selector): Promise<Spotted[]> {
    const found = new Map<string, Spotted>()
    for (const state of STATES) {
      if (selector.states !== undefined && !selector.states.includes(state)) continue
      for (const file of await this.#names(state)) {
        const name = parseName(file)
        if (name === undefined) continue
        const { id, lane, due, tries } = name
        const entry = { id, state, lane, due, tries }
        if (matches(selector, entry, idTime(id))) found.set(id, { entry, name, file })
      }
    }
    return [...found.values()]
  }

  async #names(state: State): Promise<string[]> {
    try {
      return await readdir(this.#layout.folder(state))
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }
}

function openForTrail(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW)
  } catch {
    // Not there any more, or not writable: the move decides, the trail is only the story.
    return undefined
  }
}

function writeTrail(fd: number | undefined, line: string | undefined): void {
  if (fd === undefined || line === undefined) return
  try {
    appendToOpen(fd, line)
  } catch {
    // A full disk never stops a move.
  }
}

/** What the end of a file says that is no message: why it was put aside. */
function lastLines(path: string): Message['trail'] {
  try {
    return parseTrail(readTail(path))
  } catch {
    return []
  }
}

function whyCorrupt(trail: Message['trail']): string | undefined {
  const last = trail.findLast((line) => 'act' in line && line.act === 'corrupt')
  return last?.reason
}

function cursor(entry: Entry): string {
  return `${String(entry.due).padStart(15, '0')},${entry.id}`
}

function byCursor(a: Spotted, b: Spotted): number {
  return cursor(a.entry) < cursor(b.entry) ? -1 : 1
}
