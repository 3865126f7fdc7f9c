/**
 * key-gate - decides which message with a key goes on. The daemon alone asks it, at the doorstep.
 *
 * The first one that comes gets the key: its record is durable before it is claimed or parked,
 * and the message was durable before its record. One that says the same is dropped as a repeat,
 * one that says something else bounces. Where the disk refuses, a message waits where it is and
 * is asked again in a minute. A crash at any point leaves the message, and it is asked again.
 */
import { existsSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { isMissing } from '../../base/errno.ts'
import type { Envelope } from '../../message/envelope.ts'
import { fingerprint, isKeyed, keyDigest, wasRequeued } from '../../message/key.ts'
import type { KeyOfSender, Keyed } from '../../message/key.ts'
import type { TrailLine } from '../../message/trail.ts'
import type { Report } from '../queue.ts'
import { KeyBook } from './key-book.ts'
import type { KeyRecord } from './key-book.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, parseName } from './name.ts'
import { readEnvelope } from './read.ts'
import { Roster } from './roster.ts'
import { tell } from './tell.ts'
import { Trouble } from './trouble.ts'
import type { Waiting } from './waiting.ts'

/** A message whose key cannot be looked up now is asked again so much later (ms). */
const RETRY = 60_000
/** Records written side by side. */
const WIDTH = 32

export interface GateDeps {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
  readonly report: (report: Report) => void
  /** How long a key counts after its message has left the queue (ms). */
  readonly keyWindow: number
}

interface Asked {
  readonly waiting: Waiting
  readonly envelope: Keyed
}

export class KeyGate {
  readonly book: KeyBook
  readonly #deps: GateDeps
  readonly #roster: Roster
  readonly #trouble: Trouble
  #asked = new Map<string, Waiting>()
  /** What could not be decided, and when it is tried again (epoch ms). */
  #later: { readonly waiting: Waiting; readonly at: number }[] = []
  /** False while a record may stand in keys/ that a power cut would take back. */
  #isDurable = false

  constructor(deps: GateDeps) {
    this.#deps = deps
    this.book = new KeyBook(deps.layout)
    this.#roster = new Roster(deps.layout)
    this.#trouble = new Trouble(deps.report)
  }

  /** When there is something to decide (epoch ms); undefined when nobody waits here. */
  get nextLook(): number | undefined {
    if (this.#asked.size > 0) return this.#deps.clock.now()
    return this.#later.length === 0
      ? undefined
      : Math.min(...this.#later.map(({ at }) => at))
  }

  /** True for one that waits here for its key. */
  has(id: string): boolean {
    return this.#asked.has(id) || this.#later.some(({ waiting }) => waiting.id === id)
  }

  /** True for a message that may leave the doorstep: without a key, or with its own. */
  passes(envelope: Envelope, trail: readonly TrailLine[]): boolean {
    if (!isKeyed(envelope) || wasRequeued(trail)) return true
    try {
      return this.#isDurable && this.book.read(envelope)?.id === envelope.id
    } catch {
      // `decide` reads it again, and says what is wrong.
      return false
    }
  }

  /** Which message a key was given to; undefined where that was decided for none, or counts no more. */
  async owner(key: KeyOfSender): Promise<KeyRecord | undefined> {
    const record = this.book.read(key)
    if (record === undefined) return undefined
    return (await this.#isOver(keyDigest(key), record.id)) ? undefined : record
  }

  /** Takes a message that did not pass; it is not to be claimed before `decide` gave it back. */
  ask(waiting: Waiting): void {
    this.#asked.set(waiting.id, waiting)
  }

  /** Decides on all that were taken; those that may go on. */
  async decide(): Promise<readonly Waiting[]> {
    this.#takeLater()
    const good: Waiting[] = []
    while (this.#asked.size > 0) {
      // By id: of two that came together the older one is the first.
      const all = [...this.#asked.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
      this.#asked = new Map()
      const firsts = new Map<string, Asked>()
      for (const waiting of all)
        await this.#guard(waiting, async () => {
          if (await this.#judge(waiting, firsts)) good.push(waiting)
        })
      good.push(...(await this.#give([...firsts.values()])))
    }
    if (good.length === 0 || (await this.#makeDurable())) return good
    for (const waiting of good) this.#putOff(waiting)
    return []
  }

  /** True when it has its key; else it is among `firsts` now, or asked again, or gone. */
  async #judge(waiting: Waiting, firsts: Map<string, Asked>): Promise<boolean> {
    const { layout } = this.#deps
    let envelope: Envelope
    try {
      envelope = readEnvelope(layout.file(waiting.state, waiting.file))
    } catch (error) {
      // Whatever else is wrong with it is found, and said, when it is claimed.
      return !isMissing(error)
    }
    if (!isKeyed(envelope)) return true
    const digest = keyDigest(envelope)
    const record = this.book.read(envelope)
    if (record?.id === envelope.id) return true
    if (firsts.has(digest)) this.ask(waiting)
    else if (record === undefined || (await this.#isOver(digest, record.id)))
      firsts.set(digest, { waiting, envelope })
    else if (record.fingerprint === fingerprint(envelope))
      await this.#drop(waiting, record.id)
    else this.#refuse(waiting, record.id)
    return false
  }

  /** True when a record counts no more: its message left the queue a window ago. */
  async #isOver(digest: string, owner: string): Promise<boolean> {
    const keptAt = this.book.keptAt(digest) ?? 0
    if (this.#deps.clock.now() - keptAt < this.#deps.keyWindow) return false
    return !(await this.#isThere(owner))
  }

  /** Writes the records of those that are the first with their keys. */
  async #give(firsts: readonly Asked[]): Promise<Waiting[]> {
    const given: Waiting[] = []
    for (let n = 0; n < firsts.length; n += WIDTH)
      await Promise.all(
        firsts.slice(n, n + WIDTH).map(({ waiting, envelope }) =>
          this.#guard(waiting, async () => {
            this.#isDurable = false
            await this.book.write(envelope, this.#deps.clock.now())
            const { state, file, id } = waiting
            const isGone = !existsSync(this.#deps.layout.file(state, file))
            if (!isGone || (await this.#isThere(id))) given.push(waiting)
            // An operator deleted it: a record without a message would swallow the next one.
            else if (this.book.remove(envelope)) await this.book.sync()
          }),
        ),
      )
    return given
  }

  async #isThere(id: string): Promise<boolean> {
    return (await this.#roster.find({ ids: [id] })).length > 0
  }

  async #makeDurable(): Promise<boolean> {
    if (!this.#isDurable)
      this.#isDurable = await this.#trouble.attempt('keys/', () => this.book.sync())
    return this.#isDurable
  }

  async #drop({ id, lane, state, file }: Waiting, first: string): Promise<void> {
    const { mover, report, clock } = this.#deps
    await this.book.note(id, first, clock.now())
    if (!mover.remove(state, file)) return
    const message = `dropped: a repeat of ${first}, by its key`
    report({ level: 'info', event: 'repeat', id, lane, of: first, message })
  }

  #refuse({ id, lane, state, file }: Waiting, first: string): void {
    const { mover, report, clock } = this.#deps
    const now = clock.now()
    const reason = `its key was given to ${first}, which says something else`
    const at = new Date(now).toISOString()
    tell(this.#deps, state, file, { at, act: 'refused', reason })
    const target = formatName({ ...parseName(file)!, due: now })
    if (mover.move(state, file, 'bounce', target) === undefined) return
    const message = `bounced: ${reason}`
    report({ level: 'warn', event: 'conflict', id, lane, message })
  }

  async #guard(waiting: Waiting, act: () => Promise<void>): Promise<void> {
    const where = `${waiting.state}/${waiting.file}`
    if (!(await this.#trouble.attempt(where, act))) this.#putOff(waiting)
  }

  #putOff(waiting: Waiting): void {
    this.#later.push({ waiting, at: this.#deps.clock.now() + RETRY })
  }

  #takeLater(): void {
    const now = this.#deps.clock.now()
    for (const { waiting, at } of this.#later) if (at <= now) this.ask(waiting)
    this.#later = this.#later.filter(({ at }) => at > now)
  }
}
