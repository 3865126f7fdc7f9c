/**
 * publish - makes a sealed message durable and visible in incoming/: what `send` rests on.
 *
 * 1. write and fsync `incoming/.<id>`. A crash leaves a name with a dot, which is nobody's
 *    message and is swept a day later; the sender was not told yes.
 * 2. rename it to its name. A crash leaves the message or the dot name; the sender was not
 *    told yes, and may send again: at worst one message too many.
 * 3. fsync the folder, shared with all who wait for it; where a sender may not open it, the file
 *    itself once more. Only now the sender is told yes.
 * Written with our own base/durable.ts and not with write-file-atomic, which takes a short write
 * for a success: docs/decisions/0008-write-file-atomic.md.
 */
import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { promisify } from 'node:util'

import {
  DIRECT,
  POOLED,
  removeFile,
  renameFile,
  syncFolder,
  together,
  writeStaged,
} from '../../base/durable.ts'
import type { Calls } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { MsgqError, UnsureError } from '../../base/errors.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'

const NEWLINE = Buffer.from('\n')
const READ = constants.O_RDONLY | constants.O_NOFOLLOW

export class Publisher {
  readonly #layout: Layout
  readonly #cautious: boolean
  #isBox: boolean | undefined
  readonly #commit: GroupSync
  readonly #alone: Calls
  readonly #abreast: Calls
  #underWay = 0

  /**
   * `cautious` where nobody knows what the fsync of a file does for its name. `mayWait` where
   * the calling thread has nobody else to serve: it then writes by itself.
   * `sync` makes the names in the folder durable.
   */
  constructor(
    layout: Layout,
    cautious = false,
    mayWait = true,
    sync: typeof syncFolder = syncFolder,
  ) {
    this.#layout = layout
    this.#cautious = cautious
    this.#alone = mayWait ? DIRECT : POOLED
    this.#abreast = mayWait ? together() : POOLED
    this.#commit = new GroupSync(layout.folder('incoming'), sync)
  }

  /**
   * Resolves once the message is durable under its name. A MsgqError: nothing was queued; an
   * UnsureError: that is not known. One whose id is not new is `staging` under a name that is.
   */
  async publish(
    id: string,
    name: string,
    envelope: string,
    body: Uint8Array,
    { trail = '', staging = id }: { trail?: string; staging?: string } = {},
  ): Promise<void> {
    this.#underWay++
    try {
      // All that come in this turn, each by a timer of its own perhaps, are counted before the first
      // of them goes on: one that takes itself for alone makes all others wait for its syncs.
      await new Promise((resolve) => setImmediate(resolve))
      const calls = this.#underWay === 1 ? this.#alone : this.#abreast
      const parts = [Buffer.from(`${envelope}\n`), body, NEWLINE]
      if (trail !== '') parts.push(Buffer.from(trail))
      await this.#publish({ id, name, staging }, parts, calls)
    } finally {
      this.#underWay--
    }
  }

  /** Makes the names durable that stand in the folder now; for who may open it. */
  sync(): Promise<void> {
    return this.#commit.sync(this.#alone)
  }

  async #publish(
    { id, name, staging }: { id: string; name: string; staging: string },
    parts: readonly Uint8Array[],
    calls: Calls,
  ): Promise<void> {
    const staged = this.#layout.file('incoming', `.${staging}`)
    const target = this.#layout.file('incoming', name)
    let own: number | undefined
    try {
      await writeStaged(staged, parts, calls)
      try {
        // Before the rename: after it the daemon may have moved the file on.
        this.#isBox ??= !canOpen(this.#layout.folder('incoming'))
        if (this.#isBox) own = await calls.open(staged, READ)
        // rename(2) overwrites. The dot name is ours alone, so nobody can come in between.
        if (existsSync(target))
          throw new MsgqError('software', `message: ${id} is there already`)
        await renameFile(staged, target, calls).catch((error: unknown) => {
          throw isMissing(error) ? swept(staged) : error
        })
      } catch (error) {
        await removeFile(staged).catch(() => {})
        throw error
      }
      await this.#makeNameDurable(target, own, calls)
    } catch (error) {
      if (error instanceof MsgqError || error instanceof UnsureError) throw error
      throw cannotUse(this.#layout.root, error)
    } finally {
      if (own !== undefined) await calls.close(own).catch(() => {})
    }
  }

  async #makeNameDurable(
    target: string,
    own: number | undefined,
    calls: Calls,
  ): Promise<void> {
    try {
      if (own === undefined) await this.#commit.sync(calls)
      else await this.#syncThrough(own, calls)
    } catch (error) {
      await this.#takeBack(target, error)
    }
  }

  /**
   * The fsync of a file commits its last rename too on ext4, xfs, btrfs and zfs, wherever it is
   * by then. Elsewhere only syncfs(2) does, which Node.js does not have.
   */
  async #syncThrough(own: number, calls: Calls): Promise<void> {
    await calls.sync(own)
    if (!this.#cautious) return
    const { execFile } = await import('node:child_process')
    await promisify(execFile)('sync', ['-f', `/proc/${process.pid}/fd/${own}`])
  }

  /** The name may not last, so nothing may be promised: it goes, where the daemon has it not yet. */
  async #takeBack(target: string, cause: unknown): Promise<never> {
    try {
      await removeFile(target)
    } catch {
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

/** False for a drop box: it takes files, and does not let its senders look. */
function canOpen(folder: string): boolean {
  try {
    closeSync(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY))
    return true
  } catch {
    return false
  }
}

/**
 * One fsync for all who wait: a caller joins the sync that has not begun yet, never one under
 * way, which may have missed its rename.
 */
class GroupSync {
  readonly #folder: string
  readonly #syncFolder: typeof syncFolder
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(folder: string, sync: typeof syncFolder) {
    this.#folder = folder
    this.#syncFolder = sync
  }

  sync(calls: Calls): Promise<void> {
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        this.#running = this.#syncFolder(this.#folder, calls)
        return this.#running
      })
    return this.#next
  }
}
