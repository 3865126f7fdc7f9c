/**
 * durable - the baseline of every durable send: write, fsync, rename, fsync of the folder, and
 * nothing around it. A C program with threads; where there is no compiler, Node.
 */
import { execFileSync } from 'node:child_process'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'

import { BODY, inFlight, rate, scratch } from './ground.ts'
import { native } from './native.ts'

/** What it is called in a figure. */
export function durableName(width: number): string {
  const threads = width === 1 ? 'one thread' : `${width} threads`
  const who = native('durable') === undefined ? 'Node, no C compiler here' : `C, ${threads}`
  return `${who}: write, fsync, rename, fsync of the folder`
}

/** Files a second, so many at a time. */
export async function durable(count: number, width: number): Promise<number> {
  const folder = scratch()
  const program = native('durable')
  if (program === undefined)
    return rate(count, () => inFlight(count, width, (n) => writePlain(folder, n)))
  return Number(execFileSync(program, [folder, String(width), String(count)]))
}

async function writePlain(folder: string, n: number): Promise<void> {
  const staged = join(folder, `.${n}`)
  const file = await open(staged, 'wx', 0o640)
  await file.write(BODY)
  await file.sync()
  await file.close()
  await rename(staged, join(folder, `m${n}`))
  const handle = await open(folder, 'r')
  await handle.sync()
  await handle.close()
}
