/**
 * folder-sync - makes renames and removals durable, once a second for all of them.
 *
 * A power cut repeats at most what was settled in the last second and one sync. A sync that
 * fails is reported: the kernel may have dropped what it could not write, and saying so is all
 * that is left.
 */
import { syncFolder } from '../../base/durable.ts'
import { plainError } from '../../base/errno.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'

const EVERY = 1_000

export class FolderSync {
  readonly #layout: Layout
  readonly #mover: Mover
  readonly #report: (report: Report) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(layout: Layout, mover: Mover, report: (report: Report) => void) {
    this.#layout = layout
    this.#mover = mover
    this.#report = report
  }

  /** Syncs what was moved until then, at the latest a second from now. */
  soon(): void {
    if (this.#mover.touched.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#running = this.#sync()
    }, EVERY)
  }

  /** Syncs at once, and no more after that. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#running
    await this.#sync()
  }

  async #sync(): Promise<void> {
    const states = [...this.#mover.touched]
    this.#mover.touched.clear()
    for (const state of states) {
      try {
        await syncFolder(this.#layout.folder(state))
      } catch (error) {
        const message = `sync of ${state}/: ${plainError(error)}`
        this.#report({ level: 'error', event: 'trouble', message })
      }
    }
  }
}
