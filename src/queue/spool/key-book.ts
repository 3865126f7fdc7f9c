/**
 * key-book - the records of idempotency keys: `keys/<digest>` says which message has the key.
 *
 * A record is written whole, fsynced, and only then gets its name; who goes on because of it
 * first syncs the folder. `keys/<id>` remembers of which message a dropped repeat was one. What
 * cannot be understood is no record. The daemon alone writes; an operator's delete removes.
 */
import { lstatSync, readFileSync, renameSync, utimesSync } from 'node:fs'
import { readdir } from 'node:fs/promises'

import { removeFile, removeSync, syncFolder, writeStaged } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import type { Sender } from '../../message/envelope.ts'
import { isId } from '../../message/id.ts'
import { fingerprint, keyDigest } from '../../message/key.ts'
import type { KeyOfSender, Keyed } from '../../message/key.ts'
import type { Layout } from './layout.ts'

/** Which message a key was first given to, and for what. */
export interface KeyRecord {
  readonly id: string
  readonly fingerprint: string
  /** Over how many msgqs it came. */
  readonly hops?: number
}

/** The record of a message. */
export function recordOf(
  id: string,
  said: string,
  { hops }: Pick<Sender, 'hops'>,
): KeyRecord {
  const record = { id, fingerprint: said }
  return hops === undefined ? record : { ...record, hops }
}

export class KeyBook {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** The record of a message's key; undefined where there is none. */
  read(key: KeyOfSender): KeyRecord | undefined {
    const record = this.#parse(keyDigest(key))
    return typeof record?.['fingerprint'] === 'string'
      ? (record as unknown as KeyRecord)
      : undefined
  }

  /** When a record was written or last kept (epoch ms); undefined where there is none. */
  keptAt(name: string): number | undefined {
    return lstatSync(this.#layout.key(name), { throwIfNoEntry: false })?.mtimeMs
  }

  /** The message that a record names. */
  ownerOf(name: string): string | undefined {
    return this.#parse(name)?.['id']
  }

  /** Gives a key to a message, over a record of no worth. Durable after `sync`. */
  async write(envelope: Keyed, now: number): Promise<void> {
    const { id } = envelope
    const record = recordOf(id, fingerprint(envelope), envelope.sender)
    await this.#put(keyDigest(envelope), `.${id}`, record, now)
  }

  /** Remembers that a message was a repeat of another. Durable after `sync`. */
  async note(id: string, first: string, now: number): Promise<void> {
    await this.#put(id, `.${id}`, { id: first }, now)
  }

  /** The message that this one was a repeat of. */
  firstOf(id: string): string | undefined {
    return isId(id) ? this.#parse(id)?.['id'] : undefined
  }

  /** The repeats whose ids end like this. */
  async endingIn(ending: string): Promise<string[]> {
    try {
      const names = await readdir(this.#layout.key(''))
      return names.filter((name) => isId(name) && name.endsWith(ending))
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  /** The window of a key begins when its message leaves the queue. */
  keep(envelope: Keyed, now: number): void {
    try {
      utimesSync(this.#layout.key(keyDigest(envelope)), now / 1000, now / 1000)
    } catch {
      // The window then counts from when the record was written.
    }
  }

  /** Takes the key away from a message; false when it had none, or another one has it. */
  remove(envelope: Keyed): boolean {
    if (this.read(envelope)?.id !== envelope.id) return false
    return removeSync(this.#layout.key(keyDigest(envelope)))
  }

  /** Makes what was written and removed durable. */
  async sync(): Promise<void> {
    await syncFolder(this.#layout.key('')).catch((error: unknown) => {
      if (!isMissing(error)) throw error
      // Somebody removed the folder, and the records with it.
      this.#layout.make()
    })
  }

  async #put(
    name: string,
    dotName: string,
    record: Partial<KeyRecord>,
    now: number,
  ): Promise<void> {
    const staged = this.#layout.key(dotName)
    // A crash may have left it.
    await removeFile(staged).catch(() => {})
    const write = () => writeStaged(staged, [Buffer.from(`${JSON.stringify(record)}\n`)])
    await write().catch((error: unknown) => {
      if (!isMissing(error)) throw error
      // Somebody removed the folder.
      this.#layout.make()
      return write()
    })
    utimesSync(staged, now / 1000, now / 1000)
    renameSync(staged, this.#layout.key(name))
  }

  #parse(name: string): Record<string, string> | undefined {
    let text
    try {
      text = readFileSync(this.#layout.key(name), 'utf8')
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    try {
      const record = JSON.parse(text) as Record<string, string> | null
      return typeof record?.['id'] === 'string' && isId(record['id']) ? record : undefined
    } catch {
      return undefined
    }
  }
}
