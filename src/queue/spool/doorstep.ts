/**
 * doorstep - looks at incoming/: what came, and what of it is a message.
 *
 * A look is a readdir and nothing more; it is skipped while the folder's time says that nothing
 * changed. Names that are ours go to the agenda; others are files made by hand, which are
 * reported as `strange` once they have rested for 2 s, so that none is adopted half-written.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { isMissing } from '../../base/errno.ts'
import type { Layout } from './layout.ts'
import { isStaged, parseName } from './name.ts'
import type { Name } from './name.ts'

/** A hand-made file is adopted when nothing of it changed for so long (ms). */
export const REST = 2_000
/** A time of the folder younger than this may hide an arrival in the same tick of the kernel. */
const SETTLED = 2_000_000_000n
/** Read regardless of the folder's time, so often (ms of the monotonic clock). */
const READ_EVERY = 5_000
/** A look takes at most this share of the time: a full doorstep must not stop deliveries. */
const SHARE = 10

interface Resting {
  readonly size: number
  readonly ctimeMs: number
  readonly since: number
}

export interface Found {
  readonly known: readonly { readonly file: string; readonly name: Name }[]
  /** Files that are no messages of ours, rested, with what lstat said. */
  readonly strange: readonly { readonly file: string; readonly stat: Stats }[]
}

export class Doorstep {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #resting = new Map<string, Resting>()
  #mtime = -1n
  #readAt = -Infinity
  #next = -Infinity

  constructor(layout: Layout, clock: Clock) {
    this.#layout = layout
    this.#clock = clock
  }

  /** True while a hand-made file rests: look again soon. */
  get restless(): boolean {
    return this.#resting.size > 0
  }

  /** What is there, or undefined when nothing can have changed or the last look was dear. */
  look(): Found | undefined {
    const started = this.#clock.monotonic()
    if (started < this.#next) return undefined
    const { mtimeNs } = statSync(this.#layout.folder('incoming'), { bigint: true })
    const settled = BigInt(Math.floor(this.#clock.now())) * 1_000_000n - mtimeNs > SETTLED
    const recent = started - this.#readAt < READ_EVERY
    if (mtimeNs === this.#mtime && settled && recent && !this.restless) return undefined
    // The time is taken before the read: what comes during it is seen at the next look.
    this.#mtime = mtimeNs
    this.#readAt = started
    const found = this.#read(started)
    const ended = this.#clock.monotonic()
    this.#next = ended + (ended - started) * SHARE
    return found
  }

  /** A file that could not be taken: it rests anew, and is looked at after `wait` ms. */
  again(file: string, wait: number): void {
    this.#resting.set(file, {
      size: -1,
      ctimeMs: -1,
      since: this.#clock.monotonic() + wait,
    })
  }

  #read(now: number): Found {
    const known: { file: string; name: Name }[] = []
    const strange: { file: string; stat: Stats }[] = []
    const seen = new Set<string>()
    for (const file of readdirSync(this.#layout.folder('incoming'))) {
      if (isStaged(file)) continue
      const name = parseName(file)
      if (name !== undefined && name.claim === undefined && !this.#resting.has(file)) {
        known.push({ file, name })
        continue
      }
      seen.add(file)
      const stat = this.#rested(file, now)
      if (stat !== undefined) strange.push({ file, stat })
    }
    for (const file of this.#resting.keys()) if (!seen.has(file)) this.#resting.delete(file)
    return { known, strange }
  }

  #rested(file: string, now: number): Stats | undefined {
    let stat
    try {
      stat = lstatSync(this.#layout.file('incoming', file))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    if (!stat.isFile()) return stat
    const before = this.#resting.get(file)
    if (before !== undefined && before.since > now) return undefined
    const still = before?.size === stat.size && before.ctimeMs === stat.ctimeMs
    const since = still ? before.since : now
    this.#resting.set(file, { size: stat.size, ctimeMs: stat.ctimeMs, since })
    const old = this.#clock.now() - stat.ctimeMs
    return now - since >= REST || old >= REST ? stat : undefined
  }
}
