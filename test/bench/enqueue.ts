/**
 * enqueue - durable sends in one process, against the four calls that none can do without.
 */
import { mkdirSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'

import { figure } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, inFlight, outboxOf, rate, scratch } from './ground.ts'

/** Durable messages a second, so many under way at once. */
export async function enqueue(count: number, width: number): Promise<Figure> {
  const outbox = await outboxOf(scratch())
  const plain = scratch()
  mkdirSync(join(plain, 'in'))
  const draft = { to: 'http://127.0.0.1:9/' }
  const ours = () => outbox.enqueue({ draft, body: BODY, sender: { uid: 0 } })
  const theirs = (n: number) => writePlain(join(plain, 'in'), n)
  await inFlight(Math.min(100, count), width, ours)
  await inFlight(Math.min(100, count), width, (n) => theirs(-n - 1))
  // In turn, so that a slow spell of the disk meets both.
  const rates: number[][] = [[], []]
  const rounds = 4
  for (let round = 0; round < rounds; round++) {
    const share = Math.ceil(count / rounds)
    rates[0]!.push(await rate(share, () => inFlight(share, width, ours)))
    const from = round * share
    rates[1]!.push(await rate(share, () => inFlight(share, width, (n) => theirs(from + n))))
  }
  const mean = (all: readonly number[]) =>
    all.reduce((sum, one) => sum + one, 0) / all.length
  return figure({
    name: width === 1 ? 'enqueue, one after the other' : `enqueue, ${width} at once`,
    unit: 'per s',
    value: mean(rates[0]!),
    baseline: mean(rates[1]!),
    against: 'write, fsync, rename, fsync of the folder, each for itself',
  })
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
