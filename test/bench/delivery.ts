/**
 * delivery - a backlog goes out to a fast receiver, against a bare HTTP client without a spool:
 * how fast, and at what cost.
 */
import { Pool } from 'undici'

import { serve } from './daemon.ts'
import { figure, mean } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, enqueueAll, inFlight, rate, scratch } from './ground.ts'
import { startReceiver } from './receivers.ts'

const WIDTH = 50

/** What a daemon did with a backlog. */
interface Delivered {
  /** Messages a second, between the first and the last arrival. */
  readonly rate: number
  /** CPU us a message, in that time and over the daemon's whole life. */
  readonly cpu: number
  readonly wholeCpu: number
  readonly memory: number
}

type Bare = Pick<Delivered, 'rate' | 'cpu'>

/** Deliveries a second of a backlog, 50 in flight, and the CPU of each; means of so many rounds. */
export async function delivery(count: number, rounds: number): Promise<Figure[]> {
  const receiver = await startReceiver()
  const all: { ours: Delivered; bare: Bare }[] = []
  // In turn, so that a slow spell of the machine meets both.
  for (let round = 0; round < rounds; round++) {
    const bare = await bareLoop(receiver.url, count)
    all.push({ bare, ours: await deliverBacklog(count) })
  }
  await receiver.stop()
  const ours = (name: keyof Delivered) => mean(all.map((one) => one.ours[name]))
  const bare = (name: keyof Bare) => mean(all.map((one) => one.bare[name]))
  return [
    figure({
      name: `deliver a backlog of ${count}, ${WIDTH} in flight`,
      unit: 'per s',
      value: ours('rate'),
      baseline: bare('rate'),
      against: 'undici alone, no spool',
      more: { 'memory MiB': ours('memory') },
    }),
    figure({
      name: `CPU of a delivered message, backlog of ${count}`,
      unit: 'us',
      value: ours('cpu'),
      baseline: bare('cpu'),
      against: 'undici alone; user and system, from the first to the last arrival',
      target: { of: 'value', most: 100 },
      more: { "over the daemon's whole life": ours('wholeCpu') },
    }),
  ]
}

/** Fills a spool, and lets msgqd deliver it. */
async function deliverBacklog(count: number): Promise<Delivered> {
  const receiver = await startReceiver()
  const spool = scratch()
  await enqueueAll(spool, receiver.url, count)
  const daemon = await serve(spool, `[lane]\nwindow = ${WIDTH}\n`)
  let before = 0
  let counted = 0
  const { first, last } = await receiver.got(count, async () => {
    before = daemon.cpu()
    counted = (await receiver.seen()).count
  })
  const cpu = ((daemon.cpu() - before) / (count - counted)) * 1e6
  await daemon.settled()
  const memory = daemon.memory()
  const wholeCpu = (daemon.cpu() / count) * 1e6
  await daemon.stop()
  await receiver.stop()
  return { rate: (count / (last - first)) * 1000, cpu, wholeCpu, memory }
}

async function bareLoop(url: string, count: number): Promise<Bare> {
  const pool = new Pool(new URL(url).origin, { connections: WIDTH })
  const post = async () => {
    const { body } = await pool.request({ path: '/', method: 'POST', body: BODY })
    await body.dump()
  }
  await inFlight(Math.min(count, 2000), WIDTH, post)
  const before = process.cpuUsage()
  const bare = await rate(count, () => inFlight(count, WIDTH, post))
  const { user, system } = process.cpuUsage(before)
  await pool.close()
  return { rate: bare, cpu: (user + system) / count }
}
