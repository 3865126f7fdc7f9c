/**
 * census - where every message of a spool is, and what else lies about in it.
 *
 * Messages are told apart by their marks (`mark-1`), which stand in their first lines; nothing
 * here trusts the code under test for more than the shape of a file's name.
 */
import { lstatSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { STATES } from '../../src/message/state.ts'
import { parseName } from '../../src/queue/spool/name.ts'

/** What the daemon keeps in run/ from start to start. A dead one leaves its socket too. */
const RUN = new Set(['lock', 'wake', 'limits.json', 'control.sock'])

export interface Census {
  /** `folder/file` of each mark. */
  readonly places: ReadonlyMap<string, readonly string[]>
  /** What is nobody's message: of writers that died in incoming/, which is allowed. */
  readonly staged: readonly string[]
  /** What should not be there at all. */
  readonly strays: readonly string[]
}

/** Looks through a spool. */
export function takeCensus(spool: string): Census {
  const places = new Map<string, string[]>()
  const [staged, strays]: [string[], string[]] = [[], []]
  for (const folder of readdirSync(spool)) {
    const isState = (STATES as readonly string[]).includes(folder)
    for (const file of readdirSync(join(spool, folder))) {
      const place = `${folder}/${file}`
      const mark = isState ? markOf(join(spool, place)) : undefined
      if (folder === 'run' && RUN.has(file)) continue
      if (folder === 'incoming' && file.startsWith('.')) staged.push(place)
      else if (mark === undefined || !isNamed(folder, file)) strays.push(place)
      if (mark !== undefined && !file.startsWith('.'))
        places.set(mark, [...(places.get(mark) ?? []), place])
    }
  }
  return { places, staged, strays }
}

function isNamed(folder: string, file: string): boolean {
  const name = parseName(file)
  return name !== undefined && (name.claim === undefined || folder === 'active')
}

function markOf(path: string): string | undefined {
  try {
    if (!lstatSync(path).isFile()) return undefined
    return /mark-\d+/.exec(readFileSync(path, 'latin1').slice(0, 4096))?.[0]
  } catch {
    return undefined
  }
}
