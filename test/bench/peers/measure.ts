/**
 * measure - the work of a peer that delivers by HTTP: enqueue with nothing delivering, one after
 * the other and then 32 at once; then the backlog, to the same receiver as all the others.
 */
import { inFlight, rate } from '../ground.ts'
import type { PeerResult } from '../kept.ts'
import { startReceiver } from '../receivers.ts'
import { ONE_BY_ONE, SENDERS } from './peer.ts'
import { cpuOfTree } from './system.ts'

/** A peer that runs. */
export interface Running {
  /** Resolves once the message is durable. */
  enqueue(url: string): Promise<unknown>
  /** Begins to deliver. */
  deliver(): Promise<void>
  /** The programs that take part in a delivery. */
  pids(): readonly number[]
  stop(): Promise<void>
}

/** What it did with so many messages. */
export async function measure(
  name: string,
  running: Running,
  count: number,
): Promise<PeerResult> {
  const receiver = await startReceiver()
  const enqueue = () => running.enqueue(receiver.url)
  const first = Math.min(ONE_BY_ONE, count / 2)
  const enqueueOne = await rate(first, () => inFlight(first, 1, enqueue))
  const rest = count - first
  const enqueueMany = await rate(rest, () => inFlight(rest, SENDERS, enqueue))
  await running.deliver()
  let before = 0
  let counted = 0
  const seen = await receiver.got(count, async () => {
    before = cpuOfTree(running.pids())
    counted = (await receiver.seen()).count
  })
  const cpu = ((cpuOfTree(running.pids()) - before) / (count - counted)) * 1e6
  await running.stop()
  await receiver.stop()
  return {
    name,
    count,
    enqueueOne: Math.round(enqueueOne),
    enqueueMany: Math.round(enqueueMany),
    deliver: Math.round((count / (seen.last - seen.first)) * 1000),
    cpu: Math.round(cpu),
  }
}
