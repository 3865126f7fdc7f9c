/**
 * sweep-corrupt - keeps what other users' files take in corrupt/ within the bounds of [submit].
 *
 * Over them the oldest go, of each user for himself. Only files that still belong to another user:
 * whatever was taken in is a copy of ours, and is never touched. A folder stays: to empty what
 * its author can still change might lead elsewhere.
 */
import { lstat, opendir } from 'node:fs/promises'

import { isMissing } from '../../base/errno.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { isBound } from './quota.ts'
import type { Bounds } from './quota.ts'

interface Deps {
  readonly layout: Layout
  readonly mover: Mover
  readonly bounds: Bounds
  readonly report: (report: Report) => void
}

interface Garbage {
  readonly file: string
  readonly bytes: number
  /** When it came here: a rename sets it. */
  readonly since: number
}

/** What a file takes on the disk, in units of stat(2). */
const BLOCK = 512

/** One pass through corrupt/; how many files it removed. */
export async function boundCorrupt(deps: Deps): Promise<number> {
  const { maxMessages, maxBytes } = deps.bounds
  if (maxMessages === Infinity && maxBytes === Infinity) return 0
  let removed = 0
  for (const [uid, all] of await garbageOf(deps.layout)) {
    const gone = tooMuch(all, deps.bounds).filter(({ file }) =>
      deps.mover.remove('corrupt', file),
    )
    if (gone.length === 0) continue
    removed += gone.length
    const message = `removed the ${gone.length} oldest of ${all.length} files of uid ${uid} in corrupt/: over its bound by [submit]`
    deps.report({ level: 'warn', event: 'trouble', message })
  }
  return removed
}

async function garbageOf(layout: Layout): Promise<Map<number, Garbage[]>> {
  const garbage = new Map<number, Garbage[]>()
  for await (const { name: file } of await opendir(layout.folder('corrupt'))) {
    try {
      const stat = await lstat(layout.file('corrupt', file))
      if (stat.isDirectory() || !isBound(stat.uid)) continue
      const one = { file, bytes: stat.blocks * BLOCK, since: stat.ctimeMs }
      const others = garbage.get(stat.uid)
      if (others === undefined) garbage.set(stat.uid, [one])
      else others.push(one)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return garbage
}

/** The oldest, without which the rest is within the bounds. */
function tooMuch(all: readonly Garbage[], { maxMessages, maxBytes }: Bounds): Garbage[] {
  const newest = all.toSorted((a, b) => b.since - a.since)
  let bytes = 0
  return newest.filter((one, n) => (bytes += one.bytes) > maxBytes || n >= maxMessages)
}
