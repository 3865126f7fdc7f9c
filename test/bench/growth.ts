/**
 * growth - what a message costs as ever more are deferred: CPU of the daemon for each that comes
 * and goes, with 1,000 deferred and then ten times as many, up to the most.
 */
import { serve } from './daemon.ts'
import { figure } from './figure.ts'
import type { Figure } from './figure.ts'
import { enqueueAll } from './ground.ts'
import { deferred } from './million.ts'
import { startReceiver } from './receivers.ts'

const LEAST = 1_000

/** CPU of one of `count` messages with `most` deferred, against with 1,000. */
export async function growth(most: number, count: number): Promise<Figure[]> {
  const costs: Record<string, number> = {}
  for (let size = LEAST; size <= most; size *= 10)
    costs[size] = await costAt(await deferred(size), count)
  return [
    figure({
      name: `CPU of a message with ${most} deferred`,
      unit: 'us',
      value: costs[most]!,
      baseline: costs[LEAST]!,
      against: `with ${LEAST} deferred; of msgqd, enqueued while it runs`,
      target: { of: 'ratio', most: 1.2 },
      more: costs,
    }),
  ]
}

async function costAt(spool: string, count: number): Promise<number> {
  const receiver = await startReceiver()
  const daemon = await serve(spool)
  await daemon.settled()
  const before = daemon.cpu()
  await enqueueAll(spool, receiver.url, count)
  await receiver.got(count)
  const cost = ((daemon.cpu() - before) / count) * 1e6
  await daemon.stop()
  await receiver.stop()
  return cost
}
