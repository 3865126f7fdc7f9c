/**
 * folder-sync - makes renames and removals durable, once a second for all of them.
 *
 * A power cut repeats at most what was settled in the last second and one sync. A sync that
 * fails is reported, and owed to the next one; but the kernel may have dropped what it could not
 * write, and then saying so is all that is left.
 */
import { syncFolder } from '../../base/durable.ts'
import { plainError } from '../../base/errno.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'

const EVERY = 1_000
/** No sync is under way, and so nothing was refused. */
const NOTHING: Promise<readonly unknown[]> = Promise.resolve([])

export class FolderSync {
  readonly #layout: Layout
  readonly #mover: Mover
  readonly #report: (report: Report) => void
  readonly #syncFolder: typeof syncFolder
  #timer: NodeJS.Timeout | undefined
  #running: Promise<readonly unknown[]> = NOTHING

  constructor(
    layout: Layout,
    mover: Mover,
    report: (report: Report) => void,
    sync: typeof syncFolder = syncFolder,
  ) {
    this.#layout = layout
    this.#mover = mover
    this.#report = report
    this.#syncFolder = sync
  }

  /** Syncs what was moved until then, at the latest a second from now. */
  soon(): void {
    if (this.#mover.touched.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#begin()
    }, EVERY)
  }

  /** Syncs at once what was moved until now; rejects with the first that the disk refused. */
  async now(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // What a sync under way took with it is part of what was moved.
    const [before, after] = await Promise.all([this.#running, this.#begin()])
    const [trouble] = [...before, ...after]
    if (trouble !== undefined) throw trouble
  }

  /** Syncs at once, and no more after that. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#running
    await this.#sync()
  }

  /** One sync at a time. */
  #begin(): Promise<readonly unknown[]> {
    const sync = this.#running
      .then(() => this.#sync())
      .finally(() => {
        if (this.#running === sync) this.#running = NOTHING
      })
    this.#running = sync
    return sync
  }

  /** Resolves with what the disk refused. */
  async #sync(): Promise<unknown[]> {
    const troubles: unknown[] = []
    const states = [...this.#mover.touched]
    this.#mover.touched.clear()
    for (const state of states) {
      try {
        await this.#syncFolder(this.#layout.folder(state))
      } catch (error) {
        this.#mover.touched.add(state)
        const message = `sync of ${state}/: ${plainError(error)}`
        this.#report({ level: 'error', event: 'trouble', message })
        troubles.push(error)
      }
    }
    return troubles
  }
}
