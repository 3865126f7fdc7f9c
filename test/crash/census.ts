/**
 * census - where every message of a spool is, and what else lies about in it.
 *
 * Messages are told apart by their marks (`mark-1`), which stand in their first lines: as the
 * subject, or anywhere. Nothing here trusts the code under test for more than the shape of a
 * file's name.
 */
import { existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { isId } from '../../src/message/id.ts'
import { isOpenLane } from '../../src/message/lane.ts'
import { STATES } from '../../src/message/state.ts'
import { parseName } from '../../src/queue/spool/name.ts'

/** What the daemon keeps in run/ from start to start. A dead one leaves its socket too. */
const RUN = new Set([
  'lock',
  'wake',
  'limits.json',
  'clock.json',
  'control.sock',
  'submit.sock',
  'bounced.json',
  'fallback.json',
])

export interface Census {
  /** `folder/file` of each mark. */
  readonly places: ReadonlyMap<string, readonly string[]>
  /** What is nobody's message: of writers that died in incoming/ or keys/, which is allowed. */
  readonly staged: readonly string[]
  /** What should not be there at all. */
  readonly strays: readonly string[]
}

/** Looks through a spool; one that is not there holds nothing. */
export function takeCensus(spool: string): Census {
  const places = new Map<string, string[]>()
  const [staged, strays]: [string[], string[]] = [[], []]
  for (const folder of existsSync(spool) ? readdirSync(spool) : []) {
    if (!lstatSync(join(spool, folder)).isDirectory()) {
      strays.push(folder)
      continue
    }
    const isState = (STATES as readonly string[]).includes(folder)
    for (const file of readdirSync(join(spool, folder))) {
      const place = `${folder}/${file}`
      const mark = isState ? markOf(join(spool, place)) : undefined
      if (folder === 'run' && RUN.has(file)) continue
      // The story, of which anything may be missing.
      if (folder === 'log' && DAY_FILE.test(file)) continue
      if (folder === 'keys' && isKey(file, readFileSync(join(spool, place)))) continue
      if (folder === 'suspended' && isOpenLane(file)) continue
      if (isStaged(folder, file)) staged.push(place)
      else if (mark === undefined || !isNamed(folder, file)) strays.push(place)
      if (mark !== undefined && !file.startsWith('.'))
        places.set(mark, [...(places.get(mark) ?? []), place])
    }
  }
  return { places, staged, strays }
}

const DAY_FILE = /^\d{4}-\d\d-\d\d\.jsonl$/

function isNamed(folder: string, file: string): boolean {
  const name = parseName(file)
  return name !== undefined && (name.claim === undefined || folder === 'active')
}

function isStaged(folder: string, file: string): boolean {
  if (folder === 'keys') return file.startsWith('.') && isId(file.slice(1))
  // Written anew the next time.
  if (folder === 'run') return /^(bounced|fallback)\.json\.new$/.test(file)
  if (folder === 'suspended') return /\.\d+$/.test(file)
  return folder === 'incoming' && file.startsWith('.')
}

/** A whole record of a key, or a whole note of which message a repeat was one. */
export function isKey(file: string, bytes: Buffer): boolean {
  const note = isId(file)
  if (!note && !/^[0-9a-f]{64}$/.test(file)) return false
  const [, id, fingerprint] =
    /^\{"id":"(\w+)"(,"fingerprint":"[0-9a-f]{64}")?\}\n$/.exec(bytes.toString()) ?? []
  return id !== undefined && isId(id) && (fingerprint === undefined) === note
}

function markOf(path: string): string | undefined {
  try {
    if (!lstatSync(path).isFile()) return undefined
    return markIn(readFileSync(path))
  } catch {
    return undefined
  }
}

/** The mark of a message, by its first line. */
export function markIn(bytes: Buffer): string | undefined {
  const line = bytes.subarray(0, 4096).toString('latin1')
  return /"subject":"(mark-\d+)"/.exec(line)?.[1] ?? /mark-\d+/.exec(line)?.[0]
}
