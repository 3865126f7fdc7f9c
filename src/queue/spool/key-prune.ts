/**
 * key-prune - removes the records of keys that count no more, so that keys/ does not grow for ever.
 *
 * A record goes when its window is over and its message lies in no folder; what a writer that
 * died left staged goes after a day. In small pieces, beside the deliveries. A message that
 * moves while the folders are read may be missed once, so they are read twice.
 */
import { opendir } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { removeSync } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import { isId } from '../../message/id.ts'
import { STATES } from '../../message/state.ts'
import type { KeyBook } from './key-book.ts'
import type { Layout } from './layout.ts'
import { isStaged, parseName } from './name.ts'

const DAY = 86_400_000
/** Records looked at in one pass; the next one finds the others. */
const AT_ONCE = 10_000

export interface PruneDeps {
  readonly layout: Layout
  readonly clock: Clock
  readonly book: KeyBook
  readonly keyWindow: number
}

/** One pass through keys/; how many records it removed. */
export async function pruneKeys(deps: PruneDeps): Promise<number> {
  const { layout } = deps
  const old = await oldRecords(deps)
  for (let look = 0; look < 2 && old.size > 0; look++)
    for (const state of STATES)
      for await (const file of namesIn(layout.folder(state))) {
        const id = parseName(file)?.id
        if (id !== undefined) old.delete(id)
      }
  let removed = 0
  for (const names of old.values())
    for (const name of names)
      // It may have been given to another message meanwhile.
      if (isOld(name, deps) && removeSync(layout.key(name))) removed++
  return removed
}

/** Names of records whose window is over, by the message that has the key. */
async function oldRecords(deps: PruneDeps): Promise<Map<string, string[]>> {
  const { layout, book } = deps
  const old = new Map<string, string[]>()
  let found = 0
  for await (const name of namesIn(layout.key(''))) {
    if (isStaged(name)) {
      if (isOld(name, { ...deps, keyWindow: DAY })) removeSync(layout.key(name))
      continue
    }
    if (!isOld(name, deps)) continue
    // Of which message a repeat was one nobody asks any more, wherever that one is.
    const owner = isId(name) ? name : book.ownerOf(name)
    if (owner === undefined) continue
    old.set(owner, [...(old.get(owner) ?? []), name])
    if (++found >= AT_ONCE) break
  }
  return old
}

function isOld(name: string, { book, clock, keyWindow }: PruneDeps): boolean {
  const keptAt = book.keptAt(name)
  return keptAt !== undefined && clock.now() - keptAt >= keyWindow
}

async function* namesIn(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(folder, { bufferSize: 256 })) yield name
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
