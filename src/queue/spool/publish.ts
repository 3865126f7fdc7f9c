/**
 * publish - makes a sealed message durable and visible in incoming/: what `send` rests on.
 *
 * 1. write and fsync `incoming/.<id>`. A crash leaves a name with a dot, which is nobody's
 *    message and is swept a day later; the sender was not told yes.
 * 2. rename it to its name. A crash leaves the message or the dot name; the sender was not
 *    told yes, and may send again: at worst one message too many.
 * 3. fsync the folder, shared with all who wait for it. Only now the sender is told yes.
 * Written with our own base/durable.ts and not with write-file-atomic, which takes a short write
 * for a success: docs/decisions/0008-write-file-atomic.md.
 */
import { existsSync } from 'node:fs'

import {
  removeFile,
  renameFile,
  syncFile,
  syncFolder,
  writeStaged,
} from '../../base/durable.ts'
import { errnoOf, isMissing, plainError } from '../../base/errno.ts'
import { MsgqError, UnsureError } from '../../base/errors.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'

const NEWLINE = Buffer.from('\n')

export class Publisher {
  readonly #layout: Layout
  readonly #commit: GroupSync

  constructor(layout: Layout) {
    this.#layout = layout
    this.#commit = new GroupSync(layout.folder('incoming'))
  }

  /**
   * Resolves once the message is durable under its name. A MsgqError: nothing was queued; an
   * UnsureError: that is not known.
   */
  async publish(
    id: string,
    name: string,
    envelope: string,
    body: Uint8Array,
  ): Promise<void> {
    const staged = this.#layout.file('incoming', `.${id}`)
    const target = this.#layout.file('incoming', name)
    try {
      await writeStaged(staged, [Buffer.from(`${envelope}\n`), body, NEWLINE])
      try {
        // rename(2) overwrites. The dot name is ours alone, so nobody can come in between.
        if (existsSync(target))
          throw new MsgqError('software', `message: ${id} is there already`)
        await renameFile(staged, target).catch((error: unknown) => {
          throw isMissing(error) ? swept(staged) : error
        })
      } catch (error) {
        await removeFile(staged).catch(() => {})
        throw error
      }
      await this.#makeNameDurable(target)
    } catch (error) {
      if (error instanceof MsgqError || error instanceof UnsureError) throw error
      throw cannotUse(this.#layout.root, error)
    }
  }

  async #makeNameDurable(target: string): Promise<void> {
    try {
      await this.#commit.sync()
    } catch (error) {
      // A drop box without read bit cannot be opened by its senders; there the file's own
      // fsync commits its rename (ext4, xfs, btrfs).
      if (errnoOf(error) === 'EACCES' && (await synced(target))) return
      await this.#takeBack(target, error)
    }
  }

  /** The name may not last, so nothing may be promised: it goes, unless the daemon has it. */
  async #takeBack(target: string, cause: unknown): Promise<void> {
    try {
      await removeFile(target)
    } catch (error) {
      if (isMissing(error)) return
      const why = `spool: ${target} may be queued or not: ${plainError(cause)}`
      throw new UnsureError(why, { cause })
    }
    throw cause
  }
}

function swept(staged: string): MsgqError {
  return new MsgqError(
    'temporary',
    `spool: ${staged} was removed while it was written`,
    'a sender that takes more than a day is taken for dead: send it again',
  )
}

/** True once the file is synced, or gone because the daemon took it meanwhile. */
async function synced(path: string): Promise<boolean> {
  try {
    await syncFile(path)
    return true
  } catch (error) {
    return isMissing(error)
  }
}

/**
 * One fsync for all who wait: a caller joins the sync that has not begun yet, never one under
 * way, which may have missed its rename.
 */
class GroupSync {
  readonly #folder: string
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  sync(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        this.#running = syncFolder(this.#folder)
        return this.#running
      })
    return this.#next
  }
}
