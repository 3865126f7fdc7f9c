/**
 * acts - what an operator does to messages, with the daemon up or down.
 *
 * An act on many is not atomic as a whole, only for each: run it again and it does the rest. A
 * message that moves meanwhile is looked for again; one that cannot be moved is skipped with the
 * reason. What was changed is synced before it answers.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { setImmediate as breath } from 'node:timers/promises'

import type { Clock } from '../../base/clock.ts'
import { appendToOpen, syncFolder } from '../../base/durable.ts'
import { plainError } from '../../base/errno.ts'
import { idTime } from '../../message/id.ts'
import { matches } from '../../message/selector.ts'
import type { Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { TrailLine } from '../../message/trail.ts'
import { actLine } from '../journal.ts'
import type { Act, ActOptions, ActResult, Journal } from '../queue.ts'
import { notBeforeOf, planAct, statesMeant } from '../states.ts'
import type { Move } from '../states.ts'
import { KeyRelease } from './key-release.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName } from './name.ts'
import { ring } from './outbox.ts'
import { isUnsealed, readEnvelope } from './read.ts'
import { LOOKS } from './roster.ts'
import type { Roster, Spotted } from './roster.ts'

/** After so many the others in this program get their turn. */
const SLICE = 64

export class Acts {
  readonly #layout: Layout
  readonly #mover: Mover
  readonly #clock: Clock
  readonly #roster: Roster
  readonly #journal: Journal

  constructor(
    layout: Layout,
    mover: Mover,
    clock: Clock,
    roster: Roster,
    journal: Journal,
  ) {
    this.#layout = layout
    this.#mover = mover
    this.#clock = clock
    this.#roster = roster
    this.#journal = journal
  }

  /** Acts on each message of a selection in turn. */
  async act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult> {
    const { limit = Infinity, ...rest } = selector
    const meant = { ...rest, states: statesMeant(act, selector) }
    const found = (await this.#roster.find(meant)).slice(0, limit)
    const isAmbiguous = ambiguousIn(selector, found)
    const touched = new Set<State>()
    const done: string[] = []
    const skipped: { id: string; why: string }[] = []
    let trouble: unknown
    for (let n = 0; n < found.length; n += SLICE) {
      const slice = found.slice(n, n + SLICE)
      const keys = await this.#keysOf(act, slice, options)
      for (const spotted of slice) {
        const { id } = spotted.entry
        const why = isAmbiguous(id)
          ? 'its ending is that of another message too'
          : (keys?.barred(id) ?? (await this.#actOn(act, spotted, meant, options, touched)))
        if (why === undefined) done.push(id)
        else skipped.push({ id, why })
        if (why === undefined && !options.dryRun)
          this.#journal.note(actLine(act, spotted.entry, options, this.#clock.now()))
        await this.#settleKey(keys, id, why === undefined).catch((error: unknown) => {
          trouble ??= error
        })
      }
      await breath()
    }
    await this.#journal.noted()
    await this.#sync(touched)
    // Last, because the others are to be acted on all the same.
    if (trouble !== undefined) throw cannotUse(this.#layout.key(''), trouble)
    return { matched: found.length, done, skipped }
  }

  /** The keys of what is to be deleted: they go first. */
  async #keysOf(
    act: Act,
    slice: readonly Spotted[],
    { dryRun = false }: ActOptions,
  ): Promise<KeyRelease | undefined> {
    if (act !== 'delete' || dryRun) return undefined
    try {
      return await KeyRelease.of(this.#layout, slice)
    } catch (error) {
      throw cannotUse(this.#layout.key(''), error)
    }
  }

  async #settleKey(
    keys: KeyRelease | undefined,
    id: string,
    isDeleted: boolean,
  ): Promise<void> {
    if (isDeleted) keys?.deleted(id)
    else await keys?.stays(id, this.#clock.now())
  }

  /** Acts on one message; why not, where it did not. */
  async #actOn(
    act: Act,
    found: Spotted,
    selector: Selector,
    options: ActOptions,
    touched: Set<State>,
  ): Promise<string | undefined> {
    const { id } = found.entry
    let spotted: Spotted | undefined = found
    for (let look = 0; look < LOOKS; look++) {
      if (spotted === undefined) return 'gone'
      const { entry } = spotted
      if (look > 0 && !matches(selector, entry, idTime(id)))
        return `moved to ${entry.state}`
      const named = selector.ids !== undefined
      const plan = planAct(act, entry, {
        now: this.#clock.now(),
        notBefore: named ? undefined : this.#notBefore(act, spotted),
        named,
        by: options.by,
        reason: options.reason,
      })
      if (typeof plan === 'string') return plan
      if (options.dryRun) return undefined
      try {
        if (this.#make(spotted, plan, touched)) return undefined
      } catch (error) {
        return plainError(error)
      }
      spotted = (await this.#roster.find({ ids: [id] }))[0]
    }
    return 'keeps moving'
  }

  /**
   * Makes the move; false when somebody was faster. The trail line goes through a descriptor
   * that was opened before the rename, so that it finds the file wherever the daemon takes it
   * next. From hold, bounce and corrupt, where nobody else moves files, the line goes first:
   * a daemon that claims at once must already read that the lifetime began anew.
   */
  #make({ entry, name, file }: Spotted, plan: Move, touched: Set<State>): boolean {
    touched.add(entry.state)
    if (plan.to === 'gone') return this.#mover.remove(entry.state, file)
    touched.add(plan.to)
    const target = formatName({ ...name, due: plan.due, tries: plan.tries })
    const fd = openForTrail(this.#layout.file(entry.state, file))
    try {
      const lineFirst = entry.state !== 'incoming' && entry.state !== 'deferred'
      if (lineFirst) writeTrail(fd, plan.line)
      if (this.#mover.move(entry.state, file, plan.to, target) === undefined) return false
      if (!lineFirst) writeTrail(fd, plan.line)
      return true
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  /** The sender's own time, for the acts that must not send before it. */
  #notBefore(act: Act, { entry, file }: Spotted): number | undefined {
    if (act !== 'flush' && act !== 'requeue') return undefined
    // An attempt was made, so its time has come long ago; and then the file need not be read.
    if (entry.tries > 0 && entry.state === 'deferred') return undefined
    try {
      return notBeforeOf(readEnvelope(this.#layout.file(entry.state, file)))
    } catch {
      return undefined
    }
  }

  async #sync(touched: Set<State>): Promise<void> {
    if (touched.size === 0) return
    for (const state of touched) {
      const folder = this.#layout.folder(state)
      await syncFolder(folder).catch((error: unknown) => {
        throw cannotUse(folder, error)
      })
    }
    ring(this.#layout)
  }
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

function openForTrail(path: string): number | undefined {
  try {
    // Behind the last byte of a file made by hand a line would be body.
    if (isUnsealed(path)) return undefined
    return openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW)
  } catch {
    // Not there any more, or not writable: the move decides, the trail is only the story.
    return undefined
  }
}

function writeTrail(fd: number | undefined, line: TrailLine | undefined): void {
  if (fd === undefined || line === undefined) return
  try {
    appendToOpen(fd, formatTrailLine(line))
  } catch {
    // A full disk never stops a move.
  }
}
