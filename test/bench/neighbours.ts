/**
 * neighbours - one fast receiver beside one that is down, one that never answers and one that
 * takes two seconds, each with as many messages: how long the fast one takes, against alone.
 */
import { serve } from './daemon.ts'
import { figure, mean } from './figure.ts'
import type { Figure } from './figure.ts'
import { NOBODY, enqueueAll, scratch } from './ground.ts'
import { startReceiver } from './receivers.ts'
import type { Receiver } from './receivers.ts'

/** Time from the start of the daemon to the last of the fast receiver's. */
export async function neighbours(each: number): Promise<Figure[]> {
  const fast = await startReceiver()
  const mute = await startReceiver('never')
  const slow = await startReceiver(2_000)
  const others = [NOBODY, mute.url, slow.url]
  // Alone before and after, so that a machine that slows down meanwhile is no reproach.
  const before = await timed(fast, [], each)
  const beside = await timed(fast, others, each)
  const after = await timed(fast, [], each)
  for (const receiver of [fast, mute, slow]) await receiver.stop()
  return [
    figure({
      name: `a fast receiver beside two dead and a slow one, ${each} each`,
      unit: 'ms',
      value: beside,
      baseline: mean([before, after]),
      against: 'the fast one alone; from the start of msgqd to the last arrival',
      target: { of: 'ratio', most: 1.1 },
    }),
  ]
}

async function timed(
  fast: Receiver,
  others: readonly string[],
  each: number,
): Promise<number> {
  const spool = scratch()
  for (const url of [...others, fast.url]) await enqueueAll(spool, url, each)
  await fast.reset()
  const daemon = await serve(spool, '[stop]\ngrace = "0s"\n')
  const { last } = await fast.got(each)
  await daemon.stop()
  return last - daemon.startedAt
}
