/**
 * batch - `msgq send --batch`, the real command from start to exit, against C with 32 threads.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { environment } from './children.ts'
import { durable, durableName } from './durable.ts'
import { figure, mean } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, NOBODY, outboxOf, scratch } from './ground.ts'

const WIDTH = 32
const ROUNDS = 3

/** Messages a second of one command. */
export async function batch(count: number): Promise<Figure[]> {
  const input = join(scratch(), 'lines')
  writeFileSync(input, `${JSON.stringify({ body: BODY.toString() })}\n`.repeat(count))
  const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.theirs.push(await durable(count, WIDTH))
    rates.ours.push(await send(input, count))
  }
  return [
    figure({
      name: `send --batch of ${count}`,
      unit: 'per s',
      value: mean(rates.ours),
      baseline: mean(rates.theirs),
      against: durableName(WIDTH),
      target: { of: 'ratio', least: 0.9 },
    }),
  ]
}

async function send(input: string, count: number): Promise<number> {
  const spool = scratch()
  await outboxOf(spool)
  const env = { ...environment(), MSGQ_SPOOL: spool, MSGQ_CONFIG: '/dev/null' }
  const words = [resolve('bin/msgq'), 'send', '--batch', '-q', '-d', `@${input}`, NOBODY]
  const began = performance.now()
  const { status, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' })
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`msgq send --batch: exit ${status}: ${stderr}`)
  const queued = readdirSync(join(spool, 'incoming')).length
  if (queued !== count) throw new Error(`msgq send --batch queued ${queued} of ${count}`)
  return count / seconds
}
