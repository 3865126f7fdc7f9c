/**
 * redirection - sends messages on to another destination, each as a new one.
 *
 * For each: 1. the new message is published, whole with its first trail line, and durable.
 * 2. the old one is removed; or, where it is kept, a line in its trail says where it went.
 * A crash between the two leaves both. Run again, it finds the new one by its id, which follows
 * from the old one, and makes no second; if that was delivered meanwhile it goes out again under
 * the same id. Many are published at once and share the sync of the folder.
 */
import { randomBytes } from 'node:crypto'
import { lstatSync } from 'node:fs'

import { appendLine } from '../../base/durable.ts'
import type { Clock } from '../../base/clock.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { MsgqError, UnsureError } from '../../base/errors.ts'
import { briefSize } from '../../base/size.ts'
import { bytesOf } from '../../message/body.ts'
import type { Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { ActOptions } from '../queue.ts'
import { cannotRedirect, keptLine, planRedirect, redirectedId } from '../redirect.ts'
import type { Child } from '../redirect.ts'
import { survey } from './layout.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName } from './name.ts'
import { Publisher } from './publish.ts'
import { Defect, EDGE, Unsealed, bodyOf, readMessage } from './read.ts'
import type { Spotted } from './roster.ts'

/** So many are under way at once, or so many bytes of bodies. */
const AT_ONCE = 64
const BYTES = 16 * 1024 * 1024

/** What the act is, and where it writes what came of it. */
interface Run {
  readonly selector: Selector
  readonly options: ActOptions
  readonly touched: Set<State>
  readonly done: string[]
  readonly skipped: { id: string; why: string }[]
  readonly matched: number
}

/** An old message and the id that the new one has. */
interface Pair {
  readonly old: Spotted
  readonly id: string
  readonly size: number
}

export class Redirection {
  readonly #layout: Layout
  readonly #mover: Mover
  readonly #clock: Clock
  readonly #run: Run
  readonly #publisher: Publisher
  readonly #to: string
  readonly #keep: boolean
  /** A disk that refuses ends it: what has not had its turn stays as it is. */
  trouble: Error | undefined

  constructor(layout: Layout, mover: Mover, clock: Clock, run: Run) {
    const { to = '', keep = false } = run.options.redirect ?? {}
    this.#layout = layout
    this.#mover = mover
    this.#clock = clock
    this.#run = run
    this.#publisher = new Publisher(layout, survey(layout.root, true).cautious)
    this.#to = to
    this.#keep = keep
  }

  /** Sends them on; the ids of the new messages by those of the old ones. */
  async of(
    found: readonly Spotted[],
    find: (ids: readonly string[]) => Promise<readonly Spotted[]>,
  ): Promise<Map<string, string>> {
    const { options, done, skipped, matched } = this.#run
    const pairs = found.map((old) => this.#pairOf(old)).filter((pair) => pair !== undefined)
    const made = new Map<string, string>()
    const there = await find(pairs.map(({ id }) => id))
    const known = new Set(there.map(({ entry }) => entry.id))
    for (let at = 0; at < pairs.length;) {
      const batch = batchFrom(pairs, at)
      at += batch.length
      await Promise.all(
        batch.map(async ({ old, id, size }) => {
          const parent = old.entry.id
          const why = await this.#send({ old, id, size }, known.has(id))
          if (why === undefined) {
            done.push(parent)
            made.set(parent, id)
          } else skipped.push({ id: parent, why })
        }),
      )
      options.onProgress?.(done.length + skipped.length, matched)
    }
    return made
  }

  #pairOf(old: Spotted): Pair | undefined {
    const { entry, file } = old
    const skip = (why: string) => void this.#run.skipped.push({ id: entry.id, why })
    const why = cannotRedirect(entry)
    if (why !== undefined) return skip(why)
    try {
      const { size } = lstatSync(this.#layout.file(entry.state, file))
      return { old, id: redirectedId(entry.id, this.#to, size), size }
    } catch (error) {
      return skip(isMissing(error) ? 'moved meanwhile' : plainError(error))
    }
  }

  /** Sends one on; why not, where it did not. */
  async #send({ old, id, size }: Pair, isThere: boolean): Promise<string | undefined> {
    const { dryRun } = this.#run.options
    const path = this.#layout.file(old.entry.state, old.file)
    try {
      const child = await this.#childOf(path, old, id, size)
      if (typeof child === 'string') return child
      if (dryRun) return undefined
      if (!isThere) await this.#publish(child)
      // Both are durable now, and the line of the new one names the old one: what tells others
      // of the act tells it here.
      this.#run.touched.add(old.entry.state)
      if (this.#keep) tell(path, child)
      else this.#mover.remove(old.entry.state, old.file)
      return undefined
    } catch (error) {
      const isRefused = error instanceof MsgqError && error.code === 'temporary'
      if (isRefused || error instanceof UnsureError) this.trouble ??= error
      if (isMissing(error)) return 'moved meanwhile'
      return plainError(error)
    }
  }

  async #childOf(
    path: string,
    { entry }: Spotted,
    id: string,
    size: number,
  ): Promise<(Child & { body: Uint8Array }) | string> {
    const { selector, options } = this.#run
    try {
      const file = readMessage(path)
      if (file.size !== size) return 'changed meanwhile'
      const body = await bytesOf(await bodyOf(path, file))
      const child = planRedirect({ entry, envelope: file.envelope, body }, this.#to, id, {
        now: this.#clock.now(),
        named: options.named ?? selector.ids !== undefined,
        by: options.by,
        reason: options.reason,
      })
      return { ...child, body }
    } catch (error) {
      if (error instanceof Defect) return error.message
      if (error instanceof Unsealed) return 'is not sealed yet: made by hand'
      throw error
    }
  }

  async #publish({
    entry,
    envelope,
    line,
    body,
  }: Child & { body: Uint8Array }): Promise<void> {
    const { id, due, tries, lane, chain } = entry
    const order = chain === undefined ? undefined : { chain }
    const name = formatName({ due, tries, id, lane, ...order })
    const head = JSON.stringify(envelope)
    if (Buffer.byteLength(head) >= EDGE)
      throw new MsgqError('data', `its headers would take more than ${briefSize(EDGE)}`)
    await this.#publisher.publish(id, name, head, body, {
      trail: formatTrailLine(line),
      // What a killed run left under the id alone would be in the way.
      staging: `${id}-${randomBytes(4).toString('hex')}`,
    })
    this.#run.touched.add('incoming')
  }
}

/** Says in the trail of an old one that stays where it went, if that can be written. */
function tell(path: string, child: Child): void {
  try {
    appendLine(path, formatTrailLine(keptLine(child)))
  } catch {
    // The new one has its own line, and a full disk stops nothing.
  }
}

function batchFrom(pairs: readonly Pair[], at: number): readonly Pair[] {
  let bytes = 0
  let end = at
  while (end < pairs.length && end - at < AT_ONCE && (end === at || bytes < BYTES))
    bytes += pairs[end++]!.size
  return pairs.slice(at, end)
}
