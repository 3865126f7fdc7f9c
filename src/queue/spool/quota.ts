/**
 * quota - how much each other user has waiting, and whether there is room for more of it.
 *
 * Names do not say whose a message is. So what is adopted is charged to its author by id, and
 * what waited before is counted beside the deliveries, once, beginning with the first file of
 * another user: until that is over he may get in as much again as he had waiting. What left by
 * an operator's hand is found when somebody is at his bound: the names are then read again, at
 * most once a minute. The spool's owner and root have no bound.
 */
import { existsSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import { briefSize } from '../../base/size.ts'
import type { Report } from '../queue.ts'
import type { Agenda } from './agenda.ts'
import type { ClaimTable } from './claims.ts'
import { survey } from './layout.ts'
import type { Layout } from './layout.ts'
import { MIN_INODES } from './outbox.ts'
import { idsWaiting, sentBefore } from './quota-count.ts'

/** Who else may send, what one of them may have waiting, and what must stay free for all. */
export interface Bounds {
  readonly shared: boolean
  readonly maxMessages: number
  readonly maxBytes: number
  /** Below twice as many free bytes nothing of other users is taken in. */
  readonly minFree: number
}

/** Where nobody set a bound. */
export const UNBOUND: Bounds = {
  shared: false,
  maxMessages: Infinity,
  maxBytes: Infinity,
  minFree: 0,
}

export interface QuotaDeps {
  readonly layout: Layout
  readonly clock: Clock
  readonly report: (report: Report) => void
  readonly bounds: Bounds
  readonly agenda: Pick<Agenda, 'get'>
  readonly claims: Pick<ClaimTable, 'has'>
}

interface Charge {
  readonly uid: number
  readonly bytes: number
  /** The reading of the names in which it was last seen, or after which it came. */
  reading: number
}

/** The names are read again so much later at the soonest (ms), and ten times what it took. */
const READ_EVERY = 60_000
const SHARE = 10
/** Who is at his bound is named so often (ms). */
const NAME_EVERY = 3_600_000

export class Quota {
  readonly #deps: QuotaDeps
  readonly #charges = new Map<string, Charge>()
  readonly #sums = new Map<number, { messages: number; bytes: number }>()
  readonly #named = new Map<number | 'disk', number>()
  #reading = 0
  #running: Promise<void> | undefined
  #nextReading = -Infinity
  #counted = false
  #closed = false

  constructor(deps: QuotaDeps) {
    this.#deps = deps
  }

  /** True while one more message of this user may wait; the last one may go beyond the bytes. */
  admits(uid: number): boolean {
    if (!isBound(uid)) return true
    this.#count()
    const { maxMessages, maxBytes } = this.#deps.bounds
    const sum = this.#sums.get(uid)
    if (sum === undefined) return true
    return sum.messages < maxMessages && sum.bytes < maxBytes
  }

  /** True while the disk has room for what is not its owner's. */
  hasRoom(): boolean {
    const { layout, bounds } = this.#deps
    if (bounds.minFree <= 0) return true
    const { freeBytes, freeInodes } = survey(layout.root, true)
    const least = 2 * bounds.minFree
    if (freeBytes >= least && freeInodes >= 2 * MIN_INODES) return true
    const why = `${briefSize(freeBytes)} and ${freeInodes} inodes free: below ${briefSize(least)} or ${2 * MIN_INODES}`
    this.#name('disk', `${why} what other users send stays in incoming/`)
    return false
  }

  /** Says, now and then, that a user is at his bound. */
  turnAway(uid: number): void {
    const sum = this.#sums.get(uid)
    if (sum === undefined) return
    const waiting = `${sum.messages} message${sum.messages === 1 ? '' : 's'} (${briefSize(sum.bytes)})`
    this.#name(
      uid,
      `uid ${uid} has ${waiting} waiting, its bound by [submit]: the rest stays in incoming/ until there is room`,
    )
  }

  /** True for a message that another user has waiting. */
  has(id: string): boolean {
    return this.#charges.has(id)
  }

  /** A message of another user waits. */
  charge(id: string, uid: number, bytes: number): void {
    if (!isBound(uid)) return
    this.clear(id)
    this.#charges.set(id, { uid, bytes, reading: this.#reading })
    const sum = this.#sums.get(uid) ?? { messages: 0, bytes: 0 }
    sum.messages++
    sum.bytes += bytes
    this.#sums.set(uid, sum)
  }

  /** It waits no more. */
  clear(id: string): void {
    const charge = this.#charges.get(id)
    if (charge === undefined) return
    this.#charges.delete(id)
    const sum = this.#sums.get(charge.uid)!
    sum.messages--
    sum.bytes -= charge.bytes
    if (sum.messages === 0) this.#sums.delete(charge.uid)
  }

  /** Somebody waits outside: finds out, now and then, whether there is room again. */
  recount(): void {
    const { clock } = this.#deps
    if (!this.#counted || clock.monotonic() < this.#nextReading) return
    this.#begin(() => this.#readNames())
  }

  /** Ends what runs in the background. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  /** Counts what waited before, the first time that it matters. */
  #count(): void {
    if (this.#counted || this.#deps.clock.monotonic() < this.#nextReading) return
    this.#begin(async () => {
      const { layout } = this.#deps
      for await (const sent of sentBefore(layout, (id) => this.has(id))) {
        if (this.#closed) return
        if (!this.has(sent.id)) this.charge(sent.id, sent.uid, sent.bytes)
      }
      this.#counted = true
    })
  }

  async #readNames(): Promise<void> {
    const { layout } = this.#deps
    const reading = ++this.#reading
    for await (const id of idsWaiting(layout)) {
      if (this.#closed) return
      const charge = this.#charges.get(id)
      if (charge !== undefined) charge.reading = reading
    }
    // What moved while the folders were read may not have been seen in any of them.
    for (const [id, charge] of this.#charges)
      if (charge.reading < reading && !this.#stillWaits(id)) this.clear(id)
  }

  #stillWaits(id: string): boolean {
    const { layout, agenda, claims } = this.#deps
    if (claims.has(id)) return true
    const known = agenda.get(id)
    return known !== undefined && existsSync(layout.file(known.state, known.file))
  }

  #begin(act: () => Promise<void>): void {
    if (this.#running !== undefined || this.#closed) return
    const { clock, report } = this.#deps
    const began = clock.monotonic()
    this.#running = act()
      .catch((error: unknown) => {
        const message = `count of what other users have waiting: ${plainError(error)}`
        report({ level: 'error', event: 'trouble', message })
      })
      .finally(() => {
        const ended = clock.monotonic()
        this.#nextReading = ended + Math.max(READ_EVERY, (ended - began) * SHARE)
        this.#running = undefined
      })
  }

  #name(what: number | 'disk', message: string): void {
    const now = this.#deps.clock.monotonic()
    if (now - (this.#named.get(what) ?? -Infinity) < NAME_EVERY) return
    this.#named.set(what, now)
    this.#deps.report({ level: 'warn', event: 'trouble', message })
  }
}

/** False for root and for the spool's owner: they could take anything for themselves. */
export function isBound(uid: number): boolean {
  return uid !== 0 && uid !== process.geteuid!()
}
