/**
 * delivery - a backlog goes out to a fast receiver, against a bare HTTP client without a spool.
 */
import { Pool } from 'undici'

import { figure } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, inFlight, outboxOf, rate, scratch, serve, startReceiver } from './ground.ts'

const WIDTH = 50

/** Deliveries a second of a backlog, 50 in flight. */
export async function delivery(count: number): Promise<Figure> {
  const receiver = await startReceiver()
  try {
    const spool = scratch()
    const outbox = await outboxOf(spool)
    await inFlight(count, 32, () =>
      outbox.enqueue({ draft: { to: receiver.url }, body: BODY, sender: { uid: 0 } }),
    )
    const bare = await bareLoop(receiver.url, count)
    await receiver.reset()
    const daemon = await serve(spool, `[lane]\nwindow = ${WIDTH}\n`)
    let seen = await receiver.seen()
    while (seen.count < count) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      seen = await receiver.seen()
    }
    const cpu = (daemon.cpu() / count) * 1e6
    const memory = daemon.memory()
    await daemon.stop()
    return figure({
      name: `deliver a backlog of ${count}, ${WIDTH} in flight`,
      unit: 'per s',
      value: (count / seen.ms) * 1000,
      baseline: bare,
      against: 'undici alone, no spool',
      more: { 'CPU us a message': cpu, 'memory MiB': memory },
    })
  } finally {
    receiver.stop()
  }
}

async function bareLoop(url: string, count: number): Promise<number> {
  const pool = new Pool(new URL(url).origin, { connections: WIDTH })
  const post = async () => {
    const { body } = await pool.request({ path: '/', method: 'POST', body: BODY })
    await body.dump()
  }
  await inFlight(Math.min(count, 2000), WIDTH, post)
  const bare = await rate(count, () => inFlight(count, WIDTH, post))
  await pool.close()
  return bare
}
