/**
 * desk - the operator's side of a spool: listing, looking and acting, with the daemon up or down.
 *
 * Listings are readdir and names (roster); only what must know a message opens its file. What
 * cannot be read is shown with the reason, and is never an error.
 */
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import type { Body } from '../../message/body.ts'
import type { Entry, Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import { isAttempt, parseTrail } from '../../message/trail.ts'
import type { TrailLine } from '../../message/trail.ts'
import type {
  Act,
  ActOptions,
  ActResult,
  Desk,
  History,
  Journal,
  Message,
  Page,
  Stats,
} from '../queue.ts'
import { Acts } from './acts.ts'
import { KeyBook } from './key-book.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { Defect, Unsealed, bodyOf, openPlain, readMessage, readTail } from './read.ts'
import { Roster } from './roster.ts'
import type { Spotted } from './roster.ts'

export class SpoolDesk implements Omit<Desk, keyof History> {
  readonly #layout: Layout
  readonly #roster: Roster
  readonly #acts: Acts

  constructor(layout: Layout, mover: Mover, clock: Clock, journal: Journal) {
    this.#layout = layout
    this.#roster = new Roster(layout)
    this.#acts = new Acts(layout, mover, clock, this.#roster, journal)
  }

  async find(ending: string): Promise<readonly Entry[]> {
    const found = await this.#roster.find({ ids: [ending.toUpperCase()] })
    return found.map((spotted) => spotted.entry)
  }

  async get(id: string): Promise<Message | undefined> {
    return this.#roster.at(id, async (spotted) => {
      const path = this.#pathOf(spotted)
      const { entry } = spotted
      const { size } = await lstat(path)
      try {
        const { envelope, trail } = readMessage(path)
        const defect = entry.state === 'corrupt' ? whyCorrupt(trail) : undefined
        return { entry, size, envelope, trail, ...(defect === undefined ? {} : { defect }) }
      } catch (error) {
        if (isMissing(error)) throw error
        // What nobody sealed has no trail but the reason that put it into corrupt/.
        const bare = error instanceof Unsealed && entry.state !== 'corrupt'
        const trail = bare ? [] : lastLines(path)
        return { entry, size, trail, defect: whyCorrupt(trail) ?? whyUnread(error) }
      }
    })
  }

  async firstOf(ending: string): Promise<string | undefined> {
    const book = new KeyBook(this.#layout)
    // People say an ending; of two repeats with the same one nobody knows which is meant.
    const [repeat, ...others] = await book.endingIn(ending)
    return repeat === undefined || others.length > 0 ? undefined : book.firstOf(repeat)
  }

  async body(id: string): Promise<Body | undefined> {
    return this.#roster.at(id, async (spotted) => {
      const path = this.#pathOf(spotted)
      try {
        return await bodyOf(path, readMessage(path))
      } catch (error) {
        if (error instanceof Defect || error instanceof Unsealed) return undefined
        throw error
      }
    })
  }

  async raw(id: string): Promise<NodeJS.ReadableStream | undefined> {
    return this.#roster.at(id, async (spotted) => {
      try {
        // Open before it is handed out: then it may be moved, and is read all the same.
        return createReadStream('', { fd: openPlain(this.#pathOf(spotted)) })
      } catch (error) {
        if (!(error instanceof Defect)) throw error
        const { entry, file } = spotted
        throw new MsgqError('data', `${entry.state}/${file}: ${error.message}`)
      }
    })
  }

  list(selector: Selector, page: { limit: number; after?: string }): Promise<Page> {
    return this.#roster.list(selector, page)
  }

  stats(): Promise<Stats> {
    return this.#roster.stats()
  }

  count(selector: Selector): Promise<Readonly<Partial<Record<State, number>>>> {
    return this.#roster.count(selector)
  }

  ages(
    selector: Selector,
    times: readonly number[],
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    return this.#roster.ages(selector, times)
  }

  act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult> {
    return this.#acts.act(act, selector, options)
  }

  #pathOf({ entry, file }: Spotted): string {
    return this.#layout.file(entry.state, file)
  }
}

/** What the end of a file says that is no message: why it was put aside. */
function lastLines(path: string): TrailLine[] {
  try {
    return parseTrail(readTail(path))
  } catch {
    return []
  }
}

function whyCorrupt(trail: readonly TrailLine[]): string | undefined {
  return trail.findLast((line) => !isAttempt(line) && line.act === 'corrupt')?.reason
}

function whyUnread(error: unknown): string {
  if (error instanceof Unsealed) return 'is not sealed yet: made by hand'
  if (error instanceof Defect || error instanceof MsgqError) return error.message
  return `cannot be read: ${plainError(error)}`
}
