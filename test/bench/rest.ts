/**
 * rest - what very many deferred messages cost while nothing is due: memory and CPU of the
 * daemon, against one with an empty spool that has the same to do beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { serve } from './daemon.ts'
import type { Served } from './daemon.ts'
import { figure } from './figure.ts'
import type { Figure } from './figure.ts'
import { enqueueAll, outboxOf, scratch } from './ground.ts'
import { deferred } from './million.ts'
import { startReceiver } from './receivers.ts'

/** The kernel counts in steps of 10 ms: less than one of them cannot be told from none. */
const STEP = 0.01

/** CPU over so many idle seconds, `aftermath` seconds after the start; then memory after traffic. */
export async function rest(
  count: number,
  seconds: number,
  traffic: number,
  aftermath: number,
): Promise<Figure[]> {
  const spools = [await deferred(count), scratch()] as const
  await outboxOf(spools[1])
  const [full, empty] = [await serve(spools[0]), await serve(spools[1])]
  for (const daemon of [full, empty]) await daemon.settled()
  const startedAt = full.memory()
  // V8 gives back what the start took half a minute after it, when it sees that nothing happens.
  await sleep(aftermath * 1000)
  const settledAt = full.memory()
  const before = [full.cpu(), empty.cpu()] as const
  await sleep(seconds * 1000)
  const share = (daemon: Served, since: number) =>
    (Math.max(STEP, daemon.cpu() - since) / seconds) * 100
  const [fullShare, emptyShare] = [share(full, before[0]), share(empty, before[1])]

  const receiver = await startReceiver()
  const memories: [number, number][] = []
  for (let round = 1; round <= 2; round++) {
    for (const spool of spools) await enqueueAll(spool, receiver.url, traffic)
    await receiver.got(2 * round * traffic)
    for (const daemon of [full, empty]) await daemon.settled()
    memories.push([full.memory(), empty.memory()])
  }
  for (const daemon of [full, empty]) await daemon.stop()
  await receiver.stop()
  const [once, twice] = memories as [[number, number], [number, number]]
  return [
    figure({
      name: `idle daemon with ${count} deferred`,
      unit: '% of a core',
      value: fullShare,
      baseline: emptyShare,
      against: `an empty spool, in the same ${seconds} s`,
      target: { of: 'value', most: 0.5 },
    }),
    figure({
      name: `memory with ${count} deferred`,
      unit: 'MiB',
      value: Math.max(settledAt, once[0], twice[0]),
      baseline: twice[1],
      against: 'an empty spool; the most of three',
      target: { of: 'value', most: 150 },
      more: {
        'right after the start': startedAt,
        settled: settledAt,
        [`after ${traffic} messages`]: once[0],
        [`after ${2 * traffic}`]: twice[0],
      },
    }),
  ]
}
