/**
 * acts - what an operator does to messages, with the daemon up or down.
 *
 * An act on many is not atomic as a whole, only for each: run it again and it does the rest. A
 * message that moves meanwhile is looked for again, together with all others that did; one that
 * cannot be moved is skipped with the reason. What was changed is synced once, before it answers.
 */
import { setImmediate as breath } from 'node:timers/promises'

import type { Clock } from '../../base/clock.ts'
import { syncFolder } from '../../base/durable.ts'
import { checkDraft } from '../../message/draft.ts'
import type { Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import { actLine, redirectedLine } from '../journal.ts'
import type { Act, ActOptions, ActResult, Journal } from '../queue.ts'
import { statesMeant } from '../states.ts'
import { DONE, MOVED, actOnOne } from './act-one.ts'
import type { Tools } from './act-one.ts'
import { KeyRelease } from './key-release.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { ring } from './outbox.ts'
import { Redirection } from './redirection.ts'
import { LOOKS } from './roster.ts'
import type { Roster, Spotted } from './roster.ts'

/** After so many the others in this program get their turn. */
const SLICE = 64

/** One act on one selection, and what has come of it so far. */
interface Run {
  readonly act: Act
  readonly selector: Selector
  readonly options: ActOptions
  readonly isAmbiguous: (id: string) => boolean
  readonly touched: Set<State>
  readonly done: string[]
  readonly skipped: { id: string; why: string }[]
  readonly matched: number
  trouble?: unknown
}

export class Acts {
  readonly #tools: Tools
  readonly #roster: Roster
  readonly #journal: Journal

  constructor(
    layout: Layout,
    mover: Mover,
    clock: Clock,
    roster: Roster,
    journal: Journal,
  ) {
    this.#tools = { layout, mover, clock }
    this.#roster = roster
    this.#journal = journal
  }

  /** Acts on each message of a selection in turn. */
  async act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult> {
    const { limit = Infinity, ...rest } = selector
    const meant = { ...rest, states: statesMeant(act, selector) }
    const found = (await this.#roster.find(meant)).slice(0, limit)
    const run: Run = {
      act,
      selector: meant,
      options,
      isAmbiguous: ambiguousIn(selector, found),
      touched: new Set(),
      done: [],
      skipped: [],
      matched: found.length,
    }
    if (options.redirect !== undefined) return this.#redirect(run, found)
    let left: readonly Spotted[] = found
    for (let look = 0; left.length > 0 && look < LOOKS; look++) {
      if (look > 0) left = await this.#lookAgain(run, left)
      left = await this.#pass(run, left)
    }
    for (const { entry } of left) run.skipped.push({ id: entry.id, why: 'keeps moving' })
    await this.#journal.noted()
    await this.#sync(run.touched)
    // Last, because the others are to be acted on all the same.
    if (run.trouble !== undefined) throw cannotUse(this.#tools.layout.key(''), run.trouble)
    return resultOf(run)
  }

  /** Sends each on to another destination, a new message for each. */
  async #redirect(run: Run, found: readonly Spotted[]): Promise<ActResult> {
    const { layout, mover, clock } = this.#tools
    checkDraft({ to: run.options.redirect?.to ?? '' })
    const redirection = new Redirection(layout, mover, clock, run)
    const clear = found.filter(({ entry: { id } }) => {
      const isClear = !run.isAmbiguous(id)
      if (!isClear) run.skipped.push({ id, why: AMBIGUOUS })
      return isClear
    })
    const made = await redirection.of(clear, (ids) => this.#roster.find({ ids }))
    for (const { entry } of run.options.dryRun ? [] : clear) {
      const id = made.get(entry.id)
      if (id !== undefined)
        this.#journal.note(redirectedLine(entry, id, run.options, clock.now()))
    }
    await this.#journal.noted()
    await this.#sync(run.touched)
    if (redirection.trouble !== undefined) throw redirection.trouble
    return { ...resultOf(run), made }
  }

  /** Acts on these, wherever they were seen; those that somebody moved come back. */
  async #pass(run: Run, found: readonly Spotted[]): Promise<Spotted[]> {
    const { act, options, done, skipped } = run
    const moved: Spotted[] = []
    for (let n = 0; n < found.length; n += SLICE) {
      const slice = found.slice(n, n + SLICE)
      const keys = await this.#keysOf(act, slice, options)
      for (const spotted of slice) {
        const { id } = spotted.entry
        const fate = run.isAmbiguous(id)
          ? AMBIGUOUS
          : (keys?.barred(id) ?? actOnOne(run, spotted, this.#tools))
        if (fate === DONE) done.push(id)
        else if (fate === MOVED) moved.push(spotted)
        else skipped.push({ id, why: fate })
        if (fate === DONE && !options.dryRun)
          this.#journal.note(actLine(act, spotted.entry, options, this.#tools.clock.now()))
        await this.#settleKey(keys, id, fate === DONE).catch((error: unknown) => {
          run.trouble ??= error
        })
      }
      await keys?.end().catch((error: unknown) => {
        run.trouble ??= error
      })
      options.onProgress?.(done.length + skipped.length, run.matched)
      await breath()
    }
    return moved
  }

  /** Where these are now; what is not meant there any more is skipped. */
  async #lookAgain(
    { selector, skipped }: Run,
    moved: readonly Spotted[],
  ): Promise<Spotted[]> {
    const ids = moved.map(({ entry }) => entry.id)
    const found = await this.#roster.find({ ...selector, ids })
    const meant = new Set(found.map(({ entry }) => entry.id))
    const others = ids.filter((id) => !meant.has(id))
    if (others.length === 0) return found
    const there = new Map(
      (await this.#roster.find({ ids: others })).map(({ entry }) => [entry.id, entry]),
    )
    for (const id of others) {
      const state = there.get(id)?.state
      skipped.push({ id, why: state === undefined ? 'gone' : `moved to ${state}` })
    }
    return found
  }

  /** The keys of what is to be deleted: they go first. */
  async #keysOf(
    act: Act,
    slice: readonly Spotted[],
    { dryRun = false }: ActOptions,
  ): Promise<KeyRelease | undefined> {
    if (act !== 'delete' || dryRun) return undefined
    try {
      return await KeyRelease.of(this.#tools.layout, slice)
    } catch (error) {
      throw cannotUse(this.#tools.layout.key(''), error)
    }
  }

  async #settleKey(
    keys: KeyRelease | undefined,
    id: string,
    isDeleted: boolean,
  ): Promise<void> {
    if (isDeleted) keys?.deleted(id)
    else await keys?.stays(id, this.#tools.clock.now())
  }

  async #sync(touched: Set<State>): Promise<void> {
    if (touched.size === 0) return
    for (const state of touched) {
      const folder = this.#tools.layout.folder(state)
      await syncFolder(folder).catch((error: unknown) => {
        throw cannotUse(folder, error)
      })
    }
    ring(this.#tools.layout)
  }
}

const AMBIGUOUS = 'its ending is that of another message too'

function resultOf({ matched, done, skipped }: Run): ActResult {
  return { matched, done, skipped }
}

/** True for messages that were named by an ending that is that of another one too. */
function ambiguousIn(
  { ids }: Selector,
  found: readonly Spotted[],
): (id: string) => boolean {
  const endings = ids?.filter((ending) => ending.length < (found[0]?.entry.id.length ?? 0))
  const shared = endings?.filter(
    (ending) => found.filter(({ entry }) => entry.id.endsWith(ending)).length > 1,
  )
  const whole = new Set(ids)
  return (id) => !whole.has(id) && (shared?.some((ending) => id.endsWith(ending)) ?? false)
}
