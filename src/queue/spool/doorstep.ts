/**
 * doorstep - looks at incoming/: what came, and what of it is a message.
 *
 * A look is a readdir and nothing more; it is skipped while the folder's time says that nothing
 * changed. Where it is dear (a folder of ext4 stays as long as it once was), what was rung for goes
 * before it: of some that came at once the last, the look finds the others. Names that are ours go to the agenda; others are files made by hand, which are
 * `strange` once they have rested for 2 s, so that none is adopted half-written.
 */
import { closeSync, lstatSync, openSync, readSync, readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { isMissing } from '../../base/errno.ts'
import type { Layout } from './layout.ts'
import { isStaged } from './name.ts'
import { waitingIn } from './waiting.ts'
import type { Waiting } from './waiting.ts'

/** A hand-made file is adopted when nothing of it changed for so long (ms). */
export const REST = 2_000
/** A time of the folder younger than this may hide an arrival in the same tick of the kernel. */
const SETTLED = 2_000_000_000n
/** Read regardless of the folder's time, so often (ms of the monotonic clock). */
const READ_EVERY = 5_000
/**
 * A look takes one part in so many of the time, and a part that is the smaller the longer it took
 * (ms): a full doorstep must not stop the rest. Nobody waits longer than so long for one (ms).
 */
const SHARE = 5
const LONGEST_WAIT = 3_000

/** From so much on a look is dear, and may come so much later than the ring for it (ms). */
const DEAR = 0.5
const AFTER_RING = 5

/** The longest name of a file (bytes): NAME_MAX of Linux. */
const LONGEST_NAME = 255
/** A timer may fire so much too early (ms). */
const EARLY = 2

interface Resting {
  readonly size: number
  readonly ctimeMs: number
  /** Since when nothing changed, or from when on it is looked at again. */
  readonly since: number
}

export interface Found {
  /** Without what waits already. */
  readonly known: readonly Waiting[]
  /** Entries that are no messages of ours, rested, with what lstat said. */
  readonly strange: readonly { readonly file: string; readonly stat: Stats }[]
  /** True when a name was seen that may be no UTF-8, and then names nothing. */
  readonly odd: boolean
}

export class Doorstep {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #isWaiting: (file: string) => boolean
  readonly #resting = new Map<string, Resting>()
  #mtime = -1n
  /** Somebody says when there may be something new; and he said so. */
  #isListening = false
  #hinted = true
  #readAt = -Infinity
  /** A look before that would be too dear; `#skipped` when one was wanted all the same. */
  #next = -Infinity
  #skipped = false
  /** What the last look took, and for which file it was rung last. */
  #took = 0
  #rung = ''

  /** `isWaiting` tells of a file that it was taken in before, and only waits for its turn. */
  constructor(layout: Layout, clock: Clock, isWaiting: (file: string) => boolean) {
    this.#layout = layout
    this.#clock = clock
    this.#isWaiting = isWaiting
  }

  /** When to look though nothing rings (epoch ms): a look was put off, or a file rests. */
  get nextLook(): number | undefined {
    let next = this.#skipped ? this.#next : Infinity
    for (const { since } of this.#resting.values()) next = Math.min(next, since + REST)
    if (next === Infinity) return undefined
    return this.#clock.now() + Math.max(next - this.#clock.monotonic(), 0) + EARLY
  }

  /** Something may have come, and the look for it was put off. */
  get owesLook(): boolean {
    return this.#skipped
  }

  /** Something may have come. From the first hint on, what we move ourselves is no reason to look. */
  hint(): void {
    this.#isListening = this.#hinted = true
  }

  /** What was rung for, where that is taken in before the look that finds it too. */
  rung(): Waiting | undefined {
    const now = this.#clock.monotonic()
    if (!this.#hinted || this.#took < DEAR || (this.#skipped && now >= this.#next))
      return undefined
    const file = this.#lastRing()
    if (file === this.#rung) return undefined
    this.#rung = file
    const waiting = waitingIn('incoming', file)
    if (waiting === undefined || this.#isWaiting(file)) return undefined
    // Not for ever, whoever rings meanwhile.
    if (!this.#skipped) this.#next = Math.max(this.#next, now + AFTER_RING)
    return waiting
  }

  /** What is there, or undefined when nothing can have changed or the last look was dear. */
  look(): Found | undefined {
    const started = this.#clock.monotonic()
    if (this.#isListening && !this.#hinted && this.#resting.size === 0) return undefined
    this.#skipped = started < this.#next
    if (this.#skipped) return undefined
    const { mtimeNs } = statSync(this.#layout.folder('incoming'), { bigint: true })
    const settled = BigInt(Math.floor(this.#clock.now())) * 1_000_000n - mtimeNs > SETTLED
    const recent = started - this.#readAt < READ_EVERY
    const restless = this.#resting.size > 0
    if (mtimeNs === this.#mtime && settled && recent && !restless) {
      this.#hinted = false
      return undefined
    }
    // The time is taken before the read: what comes during it is seen at the next look.
    this.#mtime = mtimeNs
    this.#readAt = started
    const found = this.#read(started)
    // Only now: a look that failed has answered no hint.
    this.#hinted = false
    const ended = this.#clock.monotonic()
    const took = ended - started
    this.#took = took
    this.#next = ended + Math.min(took * (SHARE + took), LONGEST_WAIT)
    return found
  }

  /** A file that could not be taken: it rests anew, after `wait` ms. */
  again(file: string, wait: number): void {
    const since = this.#clock.monotonic() + wait
    this.#resting.set(file, { size: -1, ctimeMs: -1, since })
  }

  /** A file that rested and turned out to be a message of ours. */
  welcome(file: string): void {
    this.#resting.delete(file)
  }

  /** The first line of run/wake, which any sender may write; '' where there is none. */
  #lastRing(): string {
    // It may hold more than anybody wants in memory.
    const start = Buffer.alloc(LONGEST_NAME + 1)
    try {
      const fd = openSync(this.#layout.run('wake'), 'r')
      try {
        readSync(fd, start, 0, start.length, 0)
      } finally {
        closeSync(fd)
      }
    } catch {
      return ''
    }
    return start.toString('latin1', 0, Math.max(0, start.indexOf('\n')))
  }

  #read(now: number): Found {
    const known: Waiting[] = []
    const strange: { file: string; stat: Stats }[] = []
    const seen = new Set<string>()
    let odd = false
    for (const file of readdirSync(this.#layout.folder('incoming'))) {
      if (isStaged(file) || this.#isWaiting(file)) continue
      const waiting = this.#resting.has(file) ? undefined : waitingIn('incoming', file)
      if (waiting !== undefined) {
        known.push(waiting)
        continue
      }
      odd ||= file.includes('\ufffd')
      seen.add(file)
      const stat = this.#rested(file, now)
      if (stat !== undefined) strange.push({ file, stat })
    }
    for (const file of this.#resting.keys()) if (!seen.has(file)) this.#resting.delete(file)
    return { known, strange, odd }
  }

  #rested(file: string, now: number): Stats | undefined {
    const before = this.#resting.get(file)
    if (before !== undefined && before.since > now) return undefined
    let stat
    try {
      stat = lstatSync(this.#layout.file('incoming', file))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    if (!stat.isFile()) return stat
    const still = before?.size === stat.size && before.ctimeMs === stat.ctimeMs
    const since = still ? before.since : now
    this.#resting.set(file, { size: stat.size, ctimeMs: stat.ctimeMs, since })
    const old = this.#clock.now() - stat.ctimeMs
    return now - since >= REST || old >= REST ? stat : undefined
  }
}
