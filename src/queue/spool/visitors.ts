/**
 * visitors - the files of other users in incoming/: whose turn it is, and who stays outside.
 *
 * Users take turns, and a slice of them is let in at a time, so that a flood of one keeps neither
 * the others nor the owner waiting. Who has as much waiting as he may stays where he is. What
 * the owner of the spool put there is no visitor. A cache of what the last look found.
 */
import { lstatSync, statSync } from 'node:fs'

import { isMissing } from '../../base/errno.ts'
import type { Layout } from './layout.ts'
import type { Quota } from './quota.ts'
import { isOpen } from './share.ts'

/** So many are let in at a time, or so many bytes: each is copied and synced. */
const SLICE = 32
const SLICE_BYTES = 16 * 1024 * 1024

export interface Visitor {
  readonly file: string
  readonly uid: number
  /** It has not changed for a while. */
  readonly rested: boolean
}

interface Queue {
  readonly waiting: Visitor[]
  sorted: boolean
}

export class Visitors {
  readonly #layout: Layout
  readonly #quota: Quota
  /** Whose each file is, as long as it stands there: one look at each is enough. */
  #owners = new Map<string, number>()
  #before = new Map<string, number>()
  #queues = new Map<number, Queue>()
  #turn = 0
  #open = false

  constructor(layout: Layout, quota: Quota) {
    this.#layout = layout
    this.#quota = quota
  }

  /** A new look at incoming/ begins: what stood there is forgotten. */
  begin(): void {
    this.#open = isOpen(statSync(this.#layout.folder('incoming')).mode)
    this.#before = this.#owners
    this.#owners = new Map()
    this.#queues = new Map()
  }

  /** The look is over. */
  end(): void {
    this.#before = new Map()
  }

  /** True for a file of another user: it waits for its turn now. */
  meet(file: string): boolean {
    if (!this.#open) return false
    const uid = this.#before.get(file) ?? uidOf(this.#layout.file('incoming', file))
    if (uid === undefined) return false
    this.#owners.set(file, uid)
    return this.#queue({ file, uid, rested: false })
  }

  /** The same for one that rested, and was looked at. */
  meetRested(file: string, uid: number): boolean {
    return this.#open && this.#queue({ file, uid, rested: true })
  }

  /** True for a file of another user; nothing is remembered of it. */
  isOne(file: string): boolean {
    return this.#open && uidOf(this.#layout.file('incoming', file)) !== process.geteuid!()
  }

  /** True while somebody could be let in at once. */
  get waits(): boolean {
    for (const [uid, { waiting }] of this.#queues)
      if (waiting.length > 0 && this.#quota.admits(uid)) return this.#quota.hasRoom()
    return false
  }

  /** Lets in the next ones, users in turn; `letIn` says how many bytes that came to. */
  admit(letIn: (visitor: Visitor) => number): void {
    const uids = [...this.#queues.keys()]
    if (uids.length === 0 || !this.#quota.hasRoom()) return
    let [files, bytes, idle] = [0, 0, 0]
    while (files < SLICE && bytes < SLICE_BYTES && idle < uids.length) {
      const uid = uids[this.#turn++ % uids.length]!
      const visitor = this.#next(uid)
      idle++
      if (visitor === undefined) continue
      bytes += letIn(visitor)
      files++
      idle = 0
    }
    this.#turn %= uids.length
  }

  #next(uid: number): Visitor | undefined {
    const queue = this.#queues.get(uid)
    const waiting = queue?.waiting ?? []
    if (waiting.length === 0) return undefined
    if (!this.#quota.admits(uid)) {
      this.#quota.turnAway(uid)
      this.#quota.recount()
      return undefined
    }
    // The first by name is the first that is due; who is turned away costs no sorting.
    if (!queue!.sorted) waiting.sort((a, b) => (a.file < b.file ? 1 : -1))
    queue!.sorted = true
    return waiting.pop()
  }

  #queue(visitor: Visitor): boolean {
    const { uid } = visitor
    if (uid === process.geteuid!()) return false
    const queue = this.#queues.get(uid)
    if (queue === undefined) this.#queues.set(uid, { waiting: [visitor], sorted: false })
    else queue.waiting.push(visitor)
    return true
  }
}

function uidOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
