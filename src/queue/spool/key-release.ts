/**
 * key-release - takes the keys away from messages that an operator deletes, before they go.
 *
 * A record that outlives a deleted message would swallow the sender's next one. So: the records
 * go first, durably; then the messages; then what the daemon gave a message in between, durably
 * too. One that was not deleted after all gets its key back; a crash before that may cost a repeat.
 * One that cannot be read may have a key, and is not deleted.
 */
import { opendirSync } from 'node:fs'

import { errnoOf, isMissing, plainError } from '../../base/errno.ts'
import { isKeyed } from '../../message/key.ts'
import type { Keyed } from '../../message/key.ts'
import { KeyBook } from './key-book.ts'
import type { Layout } from './layout.ts'
import { readEnvelope } from './read.ts'
import type { Spotted } from './roster.ts'

/** The keys of some messages that are about to be deleted. */
export class KeyRelease {
  readonly #layout: Layout
  readonly #book: KeyBook
  readonly #keyed = new Map<string, Keyed>()
  readonly #taken = new Set<string>()
  /** Records went or came since the last sync. */
  #isOwed = false
  /** Why some could not be read. */
  readonly #barred = new Map<string, string>()

  private constructor(layout: Layout) {
    this.#layout = layout
    this.#book = new KeyBook(layout)
  }

  /** Takes their keys away, durably. */
  static async of(layout: Layout, messages: readonly Spotted[]): Promise<KeyRelease> {
    const release = new KeyRelease(layout)
    await release.#take(messages)
    return release
  }

  /** Why a message must not be deleted now; undefined where it may be. */
  barred(id: string): string | undefined {
    return this.#barred.get(id)
  }

  /** A message is deleted: what it was given meanwhile goes too. */
  deleted(id: string): void {
    const envelope = this.#keyed.get(id)
    if (envelope !== undefined && this.#book.remove(envelope)) this.#isOwed = true
  }

  /** A message stays: it keeps its key. */
  async stays(id: string, now: number): Promise<void> {
    const envelope = this.#keyed.get(id)
    if (envelope === undefined || !this.#taken.has(id)) return
    if (this.#book.read(envelope) !== undefined) return
    await this.#book.write(envelope, now)
    this.#isOwed = true
  }

  /** Makes what became of the keys since they were taken durable. */
  async end(): Promise<void> {
    if (this.#isOwed) await this.#book.sync()
    this.#isOwed = false
  }

  async #take(messages: readonly Spotted[]): Promise<void> {
    if (this.#isEmpty()) return
    for (const { entry, file } of messages) {
      // What is in flight is not deleted here.
      if (entry.state === 'active') continue
      const envelope = this.#keyedAt(this.#layout.file(entry.state, file), entry.id)
      if (envelope === undefined) continue
      this.#keyed.set(entry.id, envelope)
      if (this.#book.remove(envelope)) this.#taken.add(entry.id)
    }
    if (this.#taken.size > 0) await this.#book.sync()
  }

  /** True where nobody ever gave a key: then no file need be opened. */
  #isEmpty(): boolean {
    try {
      const folder = opendirSync(this.#layout.key(''))
      try {
        return folder.readSync() === null
      } finally {
        folder.closeSync()
      }
    } catch (error) {
      if (isMissing(error)) return true
      throw error
    }
  }

  #keyedAt(path: string, id: string): Keyed | undefined {
    try {
      const envelope = readEnvelope(path)
      return isKeyed(envelope) ? envelope : undefined
    } catch (error) {
      // Gone, or no message: what has no envelope never had a key.
      if (errnoOf(error) !== undefined && !isMissing(error))
        this.#barred.set(id, `it may have a key, and cannot be read: ${plainError(error)}`)
      return undefined
    }
  }
}
