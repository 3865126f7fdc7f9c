/**
 * sweep - removes what writers that died left staged in incoming/ (`.<id>`).
 *
 * Only what was there through a whole day of our own running time, and is a day old by its own
 * time too: neither a jump of the clock nor a slow writer alone is enough. A sender whose staged
 * file is gone fails with 75, and knows that nothing was queued.
 */
import { lstatSync, readdirSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { removeSync } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import type { Layout } from './layout.ts'
import { isStaged } from './name.ts'

const DAY = 86_400_000

export class Sweep {
  readonly #layout: Layout
  readonly #clock: Clock
  /** When each was first seen, by the monotonic clock. */
  #seen = new Map<string, number>()

  constructor(layout: Layout, clock: Clock) {
    this.#layout = layout
    this.#clock = clock
  }

  /** Looks through incoming/ once; how many staged files it removed. */
  pass(): number {
    const now = this.#clock.monotonic()
    const seen = new Map<string, number>()
    let removed = 0
    for (const file of readdirSync(this.#layout.folder('incoming')).filter(isStaged)) {
      const since = this.#seen.get(file) ?? now
      if (now - since >= DAY && this.#isOld(file)) {
        if (removeSync(this.#layout.file('incoming', file))) removed++
      } else seen.set(file, since)
    }
    this.#seen = seen
    return removed
  }

  #isOld(file: string): boolean {
    try {
      const stat = lstatSync(this.#layout.file('incoming', file))
      return stat.isFile() && this.#clock.now() - stat.ctimeMs >= DAY
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }
}
