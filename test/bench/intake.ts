/**
 * intake - durable messages a second through the door of a daemon, over its Unix socket and over
 * TCP, each beside the same 32 at once in one process. Nothing is delivered meanwhile.
 *
 * The client is a program of its own and speaks with undici (posts.ts): it would otherwise share
 * the loop of what is measured, or cost the dependencies of a load generator.
 */
import { once } from 'node:events'
import { join, resolve } from 'node:path'

import { freePort } from '../free-port.ts'
import { end, start } from './children.ts'
import { serve } from './daemon.ts'
import { ourRate } from './enqueue.ts'
import { figure, mean } from './figure.ts'
import type { Figure } from './figure.ts'
import { scratch } from './ground.ts'

const WIDTH = 32
const ROUNDS = 3
const DOORS = ['a Unix socket', 'TCP'] as const

/** Requests a second that were answered with 202, so many at each door and round. */
export async function intake(count: number): Promise<Figure[]> {
  const rates = new Map<string, number[]>(DOORS.map((door) => [door, []]))
  const alone: number[] = []
  await ourRate(100, WIDTH)
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await ourRate(count, WIDTH))
    for (const door of DOORS) rates.get(door)!.push(await doorRate(door, count))
  }
  return DOORS.map((door) =>
    figure({
      name: `intake over ${door}, ${WIDTH} at once`,
      unit: 'per s',
      value: mean(rates.get(door)!),
      baseline: mean(alone),
      against: `enqueue of ${WIDTH} at once in one process`,
    }),
  )
}

async function doorRate(door: (typeof DOORS)[number], count: number): Promise<number> {
  const spool = scratch()
  const port = await freePort()
  const daemon = await serve(
    spool,
    `[listen]\nhttp = "127.0.0.1:${port}"\n` +
      '[destinations.ops]\ntype = "http"\nurl = "http://127.0.0.1:9/"\nenabled = false\n',
  )
  try {
    const at = door === 'TCP' ? String(port) : join(spool, 'run/submit.sock')
    const words = ['--import', 'tsx', resolve('test/bench/posts.ts')]
    const client = start(process.execPath, [...words, at, String(WIDTH), String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const chunks: Buffer[] = []
    client.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(client, 'close')
    const { perSecond } = JSON.parse(Buffer.concat(chunks).toString()) as {
      perSecond: number
    }
    await end(client)
    return perSecond
  } finally {
    await daemon.stop()
  }
}
