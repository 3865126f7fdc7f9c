/**
 * disk - a model of what a disk may hold after a power cut.
 *
 * What is assumed, and nothing more:
 * 1. Bytes of a file that were not fsynced are there, are not, or are torn at any length: the
 *    file is short, or as long as it should be and zero from there on. An fsync makes durable
 *    what had been written before it began.
 * 2. A name that was made, renamed or removed, in a folder not fsynced since, is durable or
 *    not, whatever became of other names: any combination. That contains the milder rule by
 *    which a journal keeps a beginning of all changes, in their order.
 * 3. The axiom (ext4 and xfs with journal, btrfs, zfs): a rename happens or not, never half,
 *    and an fsync of either of its folders makes it durable. Changes of one file's name, and of
 *    one name, come in their order.
 * 4. An fsync of a file says nothing of its name. (ext4, xfs and btrfs say more; not relied on
 *    but in a drop box, which the images prove.)
 * 5. A folder that is not durable takes with it what is in it.
 */
import { dirname } from 'node:path'

import type { Step } from './trace.ts'

/** A file or a folder, whatever its name. */
export interface Inode {
  readonly folder: boolean
  /** What an fsync made durable, and what a reader sees. */
  durable: Buffer
  live: Buffer
  /** Appended and not yet fsynced: when each had ended, and how long the file was then. */
  pending: { end: number; length: number }[]
}

/** A change of names that a power cut may undo. */
export interface Change {
  readonly end: number
  readonly inode: Inode
  readonly removes?: string
  readonly adds?: string
}

export type Names = ReadonlyMap<string, Inode>

export class Disk {
  /** What programs see. */
  readonly live = new Map<string, Inode>()
  /** What no power cut takes away. */
  readonly durable = new Map<string, Inode>()
  /** What a power cut may undo, in the order in which it was done. */
  changes: Change[] = []

  /** A file or folder that was there long before. */
  put(path: string, content: Buffer | undefined): void {
    const bytes = content ?? Buffer.alloc(0)
    const folder = content === undefined
    const inode = { folder, durable: bytes, live: bytes, pending: [] }
    this.live.set(path, inode)
    this.durable.set(path, inode)
  }

  /** Does what a call did. */
  apply(step: Step): void {
    if (!('path' in step)) return
    const { kind, end, path } = step
    const inode = this.live.get(path)
    if (kind === 'create' || kind === 'mkdir') {
      if (inode !== undefined) return
      const none = Buffer.alloc(0)
      const folder = kind === 'mkdir'
      this.#change({
        end,
        inode: { folder, durable: none, live: none, pending: [] },
        adds: path,
      })
    } else if (kind === 'sync') this.#sync(path, inode, step.begin)
    else if (inode === undefined) throw new Error(`the model has no ${path}`)
    else if (step.kind === 'append') {
      inode.live = Buffer.concat([inode.live, step.bytes])
      inode.pending.push({ end, length: inode.live.length })
    } else if (step.kind === 'rename')
      this.#change({ end, inode, removes: path, adds: step.to })
    else this.#change({ end, inode, removes: path })
  }

  #change(change: Change): void {
    this.changes.push(change)
    make(this.live, change)
  }

  #sync(path: string, inode: Inode | undefined, begin: number): void {
    const written = inode?.pending.findLast(({ end }) => end < begin)
    if (inode !== undefined && written !== undefined) {
      inode.durable = inode.live.subarray(0, written.length)
      inode.pending = inode.pending.filter(({ end }) => end >= begin)
    }
    const synced = new Set<Change>()
    for (const change of this.changes.toReversed()) {
      const touches = namesOf(change).some((name) => dirname(name) === path)
      const needed = [...synced].some((later) => binds(change, later))
      if ((touches && change.end < begin) || needed) synced.add(change)
    }
    for (const change of this.changes) if (synced.has(change)) make(this.durable, change)
    this.changes = this.changes.filter((change) => !synced.has(change))
  }
}

/** Changes names as one change does. */
export function make(names: Map<string, Inode>, { inode, removes, adds }: Change): void {
  if (removes !== undefined) names.delete(removes)
  if (adds !== undefined) names.set(adds, inode)
}

/** True when the second cannot be durable without the first. */
export function binds(first: Change, second: Change): boolean {
  return (
    first.inode === second.inode ||
    namesOf(first).some((name) => namesOf(second).includes(name))
  )
}

function namesOf({ removes, adds }: Change): string[] {
  return [removes, adds].filter((name) => name !== undefined)
}
