/**
 * sweep-bounce - removes what lies in bounce/ for longer than [bounce] keep.
 *
 * Old by its name, which is when it bounced, and by its file, so that what was moved or copied
 * there by hand is kept as long again. Nobody removes it before it was told of (`mayForget`), nor
 * while the clock is in doubt. Its key goes first, durably, as with `msgq delete`; what cannot be
 * read stays. In small pieces, and not more than AT_ONCE in a pass; the next one finds the others.
 */
import { lstatSync } from 'node:fs'
import { opendir } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { isMissing } from '../../base/errno.ts'
import type { JournalLine } from '../../message/journal-line.ts'
import { plainLine } from '../journal.ts'
import { KeyRelease } from './key-release.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { parseName } from './name.ts'
import type { Spotted } from './roster.ts'

export interface BounceDeps {
  readonly layout: Layout
  readonly clock: Clock
  readonly mover: Mover
  readonly note: (line: JournalLine) => void
  /** How long a message stays (ms). */
  readonly keepBounced: () => number
  readonly mayForget: (lane: string, bouncedAt: number) => boolean
  readonly mayExpire: () => boolean
}

const PIECE = 64
const AT_ONCE = 10_000

/** One pass through bounce/; how many messages it removed. */
export async function removeBounced(deps: BounceDeps): Promise<number> {
  const keep = deps.keepBounced()
  if (keep === Infinity) return 0
  let removed = 0
  for (let old = await oldest(deps, keep); old.length > 0;)
    removed += await removeSome(deps, old.splice(0, PIECE))
  return removed
}

/** Those whose time is over, as many as one pass may remove. */
async function oldest(deps: BounceDeps, keep: number): Promise<Spotted[]> {
  const { layout, clock, mayForget } = deps
  const before = clock.now() - keep
  const old: Spotted[] = []
  for await (const { name: file } of await opendir(layout.folder('bounce'), {
    bufferSize: 256,
  })) {
    const name = parseName(file)
    if (name === undefined || name.due > before || !mayForget(name.lane, name.due)) continue
    const { id, lane, due, tries } = name
    if (isOld(layout.file('bounce', file), before))
      old.push({ entry: { id, state: 'bounce', lane, due, tries }, name, file })
    if (old.length >= AT_ONCE) break
  }
  return old
}

async function removeSome(deps: BounceDeps, some: readonly Spotted[]): Promise<number> {
  const { layout, clock, mover, note, mayExpire } = deps
  // The clock may have been stepped since the pass began.
  if (!mayExpire()) return 0
  const keys = await KeyRelease.of(layout, some)
  let removed = 0
  for (const { entry, file } of some) {
    const isGone = keys.barred(entry.id) === undefined && mover.remove('bounce', file)
    if (!isGone) {
      await keys.stays(entry.id, clock.now())
      continue
    }
    keys.deleted(entry.id)
    note(plainLine('removed', entry, clock.now(), 'its time in bounce is over'))
    removed++
  }
  await keys.end()
  return removed
}

/** By the time of the file, which every move and every line of its trail makes new. */
function isOld(path: string, before: number): boolean {
  try {
    return lstatSync(path).ctimeMs <= before
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
