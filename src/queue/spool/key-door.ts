/**
 * key-door - decides on a key before its message is written, for who waits for the answer.
 *
 * The truth is the gate's (key-gate.ts): it decides at the doorstep, and again on what came in
 * here. What it has not come to yet is known here, in memory: what was accepted, and after a
 * start what stands undecided in incoming/. Messages with one key of one sender have their turn
 * one after the other, so that a repeat waits until the first one is durable. A crash leaves the
 * message without a record, and the next daemon finds it; a record without its message there
 * never is.
 */
import { readdir } from 'node:fs/promises'
import { setImmediate as breath } from 'node:timers/promises'

import type { Clock } from '../../base/clock.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { UnsureError } from '../../base/errors.ts'
import { sha256 } from '../../message/envelope.ts'
import { fingerprint, isKeyed, keyDigest } from '../../message/key.ts'
import type { KeyOfSender } from '../../message/key.ts'
import { IdConflict, KeyConflict, LoopError } from '../queue.ts'
import type { Accepted, Submission } from '../queue.ts'
import { recordOf } from './key-book.ts'
import type { KeyRecord } from './key-book.ts'
import type { KeyGate } from './key-gate.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'
import { isStaged, parseName } from './name.ts'
import type { SpoolOutbox } from './outbox.ts'
import { readEnvelope } from './read.ts'
import { Roster } from './roster.ts'

/** After so many files the others in this program get their turn. */
const SLICE = 64
/** From so many on the crowd is counted anew, so often (ms): some may have been taken away. */
const MANY = 1_000
const COUNT_EVERY = 1_000

interface Deps {
  readonly layout: Layout
  readonly gate: KeyGate
  readonly clock: Clock
  readonly outbox: SpoolOutbox
  /** True for the id of a message that waits here, or is on its way. */
  readonly isTaken: (id: string) => boolean
}

export class KeyDoor {
  readonly #deps: Deps
  readonly #roster: Roster
  /** By the digest of a key: what was accepted, and the gate has not come to. */
  readonly #undecided = new Map<string, KeyRecord>()
  /** The last in line for each key. */
  readonly #lines = new Map<string, Promise<unknown>>()
  /** What came in here and stands on the doorstep, with the digest of its key. */
  readonly #crowd = new Map<string, string | undefined>()
  #found: Promise<void> | undefined
  /** Names that may stand in incoming/ and that a power cut would take back. */
  #unsure = 0
  #countedAt = -Infinity

  constructor(deps: Deps) {
    this.#deps = deps
    this.#roster = new Roster(deps.layout)
  }

  get crowd(): number {
    return this.#crowd.size
  }

  /** Queues a message, or says of which it is a repeat. */
  async submit(submission: Submission, signal?: AbortSignal): Promise<Accepted> {
    await this.#count()
    const { draft, sender, body } = submission
    const { key } = draft
    if (key === undefined) return { id: await this.#enqueue(submission), isRepeat: false }
    const mine: KeyOfSender = { sender, key }
    const said = fingerprint({ ...draft, sha256: sha256(body) })
    return this.#inTurn(keyDigest(mine), signal, async (digest) => {
      signal?.throwIfAborted()
      await this.#findUndecided()
      // Taken before the gate is asked, which may decide on it meanwhile.
      const waiting = this.#undecided.get(digest)
      const owner = await this.#deps.gate.owner(mine)
      const first = owner ?? (await this.#ifThere(waiting, digest))
      signal?.throwIfAborted()
      if (first === undefined) this.#checkId(submission)
      if (first === undefined)
        return { id: await this.#enqueue(submission, digest, said), isRepeat: false }
      if (first.fingerprint !== said) throw new KeyConflict(first.id)
      const { hops = 0 } = sender
      // A repeat has come as far as the first; this one went on from here.
      if (hops > (first.hops ?? Infinity)) throw new LoopError(first.id, hops)
      await this.#makeSure(first.id)
      return { id: first.id, isRepeat: true }
    })
  }

  /** Throws where the id that a message came with is another's. From here to its name nobody waits. */
  #checkId({ id, sender: { hops = 0 } }: Submission): void {
    if (id === undefined) return
    if (!this.#crowd.has(id) && !this.#deps.isTaken(id)) return
    // Nobody but a message that began here comes back while it is still on its way.
    throw hops > 1 ? new LoopError(id, hops) : new IdConflict(id)
  }

  /** A message has left the doorstep, and its key was decided on. */
  left(id: string): void {
    if (this.#crowd.size === 0) return
    const digest = this.#crowd.get(id)
    if (!this.#crowd.delete(id) || digest === undefined) return
    if (this.#undecided.get(digest)?.id === id) this.#undecided.delete(digest)
  }

  /** Known before it can be seen: it may leave the doorstep before its sync is over. */
  async #enqueue(submission: Submission, digest?: string, said = ''): Promise<string> {
    let mine = ''
    try {
      return await this.#deps.outbox.enqueue(submission, (id) => {
        mine = id
        this.#crowd.set(id, digest)
        if (digest !== undefined)
          this.#undecided.set(digest, recordOf(id, said, submission.sender))
      })
    } catch (error) {
      if (error instanceof UnsureError) this.#unsure++
      else this.left(mine)
      throw error
    }
  }

  /** A repeat is told that the first one is durable: what nobody synced is synced before that. */
  async #makeSure(id: string): Promise<void> {
    const known = this.#unsure
    if (known === 0) return
    try {
      await this.#deps.outbox.sync()
      // Of what came to it meanwhile this sync says nothing.
      if (this.#unsure === known) this.#unsure = 0
    } catch (cause) {
      const why = `spool: ${id} may be queued or not: ${plainError(cause)}`
      throw new UnsureError(why, { cause })
    }
  }

  /**
   * Lets those with one key act one after the other. Who gives up while he waits has not acted; his
   * place stays, so that nobody passes the one before him.
   */
  async #inTurn<T>(
    digest: string,
    signal: AbortSignal | undefined,
    act: (digest: string) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const before = this.#lines.get(digest) ?? Promise.resolve()
    let giveUp = () => {}
    const turn = before.then(() => {
      signal?.removeEventListener('abort', giveUp)
      return act(digest)
    })
    const over = turn
      .catch(() => {})
      .then(() => {
        if (this.#lines.get(digest) === over) this.#lines.delete(digest)
      })
    this.#lines.set(digest, over)
    return new Promise<T>((resolve, reject) => {
      giveUp = () => reject(signal?.reason as Error)
      signal?.addEventListener('abort', giveUp)
      turn.then(resolve, reject)
    })
  }

  /** A message on whose key nobody has decided; once an operator deleted it the key is free. */
  async #ifThere(
    record: KeyRecord | undefined,
    digest: string,
  ): Promise<KeyRecord | undefined> {
    if (record === undefined) return undefined
    // It left the doorstep a moment ago: the gate has decided, and was asked too early.
    if (this.#undecided.get(digest) !== record) return record
    const found = await this.#roster.find({ ids: [record.id] })
    if (found.length > 0) return record
    this.left(record.id)
    this.#undecided.delete(digest)
    return undefined
  }

  /** After a start: what stands in incoming/ with a key, once. */
  #findUndecided(): Promise<void> {
    this.#found ??= this.#read().catch((error: unknown) => {
      this.#found = undefined
      throw error
    })
    return this.#found
  }

  async #read(): Promise<void> {
    let seen = 0
    for (const file of await this.#names()) {
      if (++seen % SLICE === 0) await breath()
      try {
        const envelope = readEnvelope(this.#deps.layout.file('incoming', file))
        if (!isKeyed(envelope) || envelope.sender.door === undefined) continue
        const digest = keyDigest(envelope)
        const known = this.#undecided.get(digest)
        // The gate takes the older one for the first.
        if (known !== undefined && known.id < envelope.id) continue
        const said = fingerprint(envelope)
        const record = recordOf(envelope.id, said, envelope.sender)
        this.#undecided.set(digest, record)
        this.#crowd.set(envelope.id, digest)
        // Its daemon may have died between the rename and the sync.
        this.#unsure++
      } catch {
        // No message of a door, or it went on: the gate knows.
      }
    }
  }

  /** Whoever was deleted, or left in a way that nobody told us, is none of the crowd. */
  async #count(): Promise<void> {
    const now = this.#deps.clock.monotonic()
    if (this.#crowd.size < MANY || now - this.#countedAt < COUNT_EVERY) return
    this.#countedAt = now
    const before = [...this.#crowd.keys()]
    const there = new Set((await this.#names()).map((file) => parseName(file)?.id))
    for (const id of before) if (!there.has(id)) this.left(id)
  }

  async #names(): Promise<string[]> {
    const folder = this.#deps.layout.folder('incoming')
    try {
      return (await readdir(folder)).filter((file) => !isStaged(file))
    } catch (error) {
      if (isMissing(error)) return []
      throw cannotUse(folder, error)
    }
  }
}
