/**
 * sustained - enqueue and deliver at full rate: how fast at the end, against the beginning.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { monotonic, serve } from './daemon.ts'
import { figure } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, outboxOf, scratch } from './ground.ts'
import { startReceiver } from './receivers.ts'

const WIDTH = 32
/** So many may wait: what counts is what arrives, and not how long a queue can grow. */
const MOST_WAITING = 5_000
/** Left out: until the daemon is warm (ms). */
const WARM_UP = 2_000

/** Deliveries a second over the last `window` seconds, against the first. */
export async function sustained(seconds: number, window: number): Promise<Figure[]> {
  const receiver = await startReceiver()
  const spool = scratch()
  const outbox = await outboxOf(spool)
  const daemon = await serve(spool, '[lane]\nwindow = 50\n')
  const message = { draft: { to: receiver.url }, body: BODY, sender: { uid: 0 } }
  let sent = 0
  let arrived = 0
  let ended = false
  const send = async () => {
    while (!ended)
      if (sent - arrived < MOST_WAITING) {
        sent++
        await outbox.enqueue(message)
      } else await sleep(5)
  }
  const senders = Promise.all(Array.from({ length: WIDTH }, send))

  const samples: { at: number; count: number }[] = []
  const began = monotonic() + WARM_UP
  while (monotonic() < began + seconds * 1000) {
    await sleep(50)
    arrived = (await receiver.seen()).count
    if (monotonic() >= began) samples.push({ at: monotonic() - began, count: arrived })
  }
  ended = true
  await senders
  await receiver.got(sent)
  await daemon.stop()
  await receiver.stop()

  const over = (from: number, to: number) => {
    // On a disk that stalls there may be no sample for seconds: the last one before counts.
    const by = (second: number) =>
      samples.findLast(({ at }) => at <= second * 1000) ?? samples[0]!
    const [a, b] = [by(from), by(to)]
    return ((b.count - a.count) / Math.max(1, b.at - a.at)) * 1000
  }
  return [
    figure({
      name: `enqueue and deliver for ${seconds} s`,
      unit: 'per s',
      value: over(seconds - window, seconds),
      baseline: over(0, window),
      against: `the first ${window} s; msgq is the last ${window} s`,
      target: { of: 'ratio', least: 0.9 },
      more: { 'all of it': over(0, seconds) },
    }),
  ]
}
