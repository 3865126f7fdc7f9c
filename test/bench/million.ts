/**
 * million - one spool with very many messages deferred, which all rows share: it is filled once,
 * and only ever grows.
 *
 * They are due in years, and their files are empty: of what is not due the daemon reads the
 * name and nothing else.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

import { formatName } from '../../src/queue/spool/name.ts'
import { outboxOf, scratch } from './ground.ts'
import { native } from './native.ts'

export const LANE = 'away'
const DUE = Date.UTC(2099, 0, 1)

let spool: string | undefined
let filled = 0

/** The spool, with so many deferred at least. */
export async function deferred(count: number): Promise<string> {
  if (spool === undefined) {
    spool = scratch()
    await outboxOf(spool)
  }
  const folder = join(spool, 'deferred')
  if (count > filled) fill(folder, filled, count)
  filled = Math.max(filled, count)
  return spool
}

function fill(folder: string, from: number, to: number): void {
  const program = native('fill')
  if (program !== undefined) {
    const words = [folder, String(from), String(to), String(DUE / 1000), LANE]
    execFileSync(program, words)
    return
  }
  for (let n = from; n < to; n++) {
    const id = `01JD3Z8K6Q${String(n).padStart(16, '0')}`
    const name = formatName({ due: DUE + n, tries: 1, id, lane: LANE })
    closeSync(openSync(join(folder, name), 'wx', 0o640))
  }
}
