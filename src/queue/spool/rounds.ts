/**
 * rounds - what the daemon looks after beside the deliveries: all messages of a state met one by
 * one, messages of its own making, and what it has to know of both at its next start.
 *
 * A message of our own is published as `msgq send` does it, under a staged name that no killed
 * run has left. What is kept stands in `run/<name>.json`: written beside it, fsynced, renamed
 * over it, and the folder synced before it counts. One that is broken or gone says nothing, and
 * the caller begins anew.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { setImmediate as breath } from 'node:timers/promises'

import { appendLine, replaceFile } from '../../base/durable.ts'
import type { Clock } from '../../base/clock.ts'
import { isMissing } from '../../base/errno.ts'
import type { Body } from '../../message/body.ts'
import { NewerFormatError, seal } from '../../message/envelope.ts'
import { laneOf } from '../../message/lane.ts'
import type { Entry, Story } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { ActLine } from '../../message/trail.ts'
import type { Placement, Rounds, Sighting } from '../queue.ts'
import { firstDue } from '../states.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'
import { formatName, parseName } from './name.ts'
import { ring } from './outbox.ts'
import { namesInPieces } from './pieces.ts'
import { Publisher } from './publish.ts'
import { Defect, Unsealed, bodyOf, readMessage } from './read.ts'
import { readStory } from './story.ts'

/** Names that are read in one go, and after which the others in this program get their turn. */
const PIECE = 256
/** While the folder's time is younger, a second change may hide behind the same time (ms). */
const SETTLED = 2_000

export class SpoolRounds implements Rounds {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #publisher: Publisher

  constructor(layout: Layout, clock: Clock, cautious: boolean) {
    this.#layout = layout
    this.#clock = clock
    this.#publisher = new Publisher(layout, cautious, false)
  }

  async *meet(states: readonly State[]): AsyncGenerator<Sighting> {
    for (const state of states)
      for await (const files of this.#pieces(state))
        for (const file of files) {
          const name = parseName(file)
          if (name === undefined) continue
          const { id, lane, due, tries } = name
          yield new Met(this.#layout, { id, state, lane, due, tries }, file)
        }
  }

  stamp(state: State): string | undefined {
    const seen = statSync(this.#layout.folder(state), {
      bigint: true,
      throwIfNoEntry: false,
    })
    if (seen === undefined) return undefined
    const age = this.#clock.now() - Number(seen.mtimeMs)
    return Math.abs(age) < SETTLED ? undefined : `${seen.ino} ${seen.mtimeNs}`
  }

  async place(placement: Placement): Promise<void> {
    const { id, draft, body, line } = placement
    const now = this.#clock.now()
    const envelope = seal(draft, body, { ...placement, now })
    const lane = laneOf(draft.to)
    const name = formatName({ due: firstDue(envelope, now), tries: 0, id, lane })
    await this.#publisher.publish(id, name, JSON.stringify(envelope), body, {
      ...(line === undefined ? {} : { trail: formatTrailLine(line) }),
      // What a killed run left under the id alone would be in the way.
      staging: `${id}-${randomBytes(4).toString('hex')}`,
    })
    ring(this.#layout)
  }

  async remember(name: string, known: unknown): Promise<void> {
    const path = this.#layout.run(`${name}.json`)
    try {
      await replaceFile(path, `${JSON.stringify(known)}\n`, { alone: true })
    } catch (error) {
      throw cannotUse(path, error)
    }
  }

  async remembered(name: string): Promise<unknown> {
    try {
      return JSON.parse(readFileSync(this.#layout.run(`${name}.json`), 'utf8'))
    } catch (error) {
      if (error instanceof SyntaxError || isMissing(error)) return undefined
      throw cannotUse(this.#layout.run(`${name}.json`), error)
    }
  }

  async *#pieces(state: State): AsyncGenerator<readonly string[]> {
    const folder = this.#layout.folder(state)
    try {
      for await (const files of namesInPieces(folder, PIECE)) {
        yield files
        await breath()
      }
    } catch (error) {
      if (!isMissing(error)) throw cannotUse(folder, error)
    }
  }
}

/** A message where it was met. */
class Met implements Sighting {
  readonly entry: Entry
  readonly #path: string

  constructor(layout: Layout, entry: Entry, file: string) {
    this.entry = entry
    this.#path = layout.file(entry.state, file)
  }

  async story(): Promise<Story | undefined> {
    return this.#there(() => readStory(this.#path))
  }

  async body(): Promise<Body | undefined> {
    return this.#there(() => bodyOf(this.#path, readMessage(this.#path)))
  }

  async tell(line: ActLine): Promise<boolean> {
    const told = await this.#there(() => {
      appendLine(this.#path, formatTrailLine(line))
      return true
    })
    return told ?? false
  }

  async #there<T>(look: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await look()
    } catch (error) {
      // What is no message, or one of a later msgq, has nothing to say here.
      const isNone = error instanceof Defect || error instanceof Unsealed
      if (isNone || error instanceof NewerFormatError || isMissing(error)) return undefined
      throw error
    }
  }
}
