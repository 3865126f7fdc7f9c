/**
 * latency - from the return of a send to the request's arrival, on a daemon that idles.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdirSync, writeFileSync } from 'node:fs'

import { Pool } from 'undici'

import { formatName } from '../../src/queue/spool/name.ts'
import { figure, median, quantile } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, outboxOf, scratch, serve } from './ground.ts'

/** Milliseconds beyond the receiver's own round trip, with so many messages deferred. */
export async function latency(sends: number, deferred: number): Promise<Figure> {
  const arrivals = new Map<string, number>()
  let arrived: () => void = () => {}
  const server = createServer((request, response) => {
    arrivals.set(String(request.headers['webhook-id']), performance.now())
    request.resume()
    response.end('ok')
    arrived()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const spool = scratch()
  const outbox = await outboxOf(spool)
  fill(spool, deferred)
  const daemon = await serve(spool, '')
  await sleep(500)

  const times: number[] = []
  for (let n = -5; n < sends; n++) {
    const id = await outbox.enqueue({ draft: { to: url }, body: BODY, sender: { uid: 0 } })
    const returned = performance.now()
    while (!arrivals.has(id))
      await new Promise<void>((resolve) => {
        arrived = resolve
      })
    if (n >= 0) times.push(Math.max(0, arrivals.get(id)! - returned))
    await sleep(15)
  }
  const trip = await roundTrip(url, sends)
  const memory = daemon.memory()
  await daemon.stop()
  server.closeAllConnections()
  server.close()
  return figure({
    name: `send returned to request received, ${deferred} deferred`,
    unit: 'ms',
    value: median(times),
    baseline: trip,
    against: "the receiver's own round trip",
    more: { p99: quantile(times, 0.99), 'memory MiB': memory },
  })
}

/** Names are all that the daemon reads of what is not due. */
function fill(spool: string, count: number): void {
  const folder = join(spool, 'deferred')
  mkdirSync(folder, { recursive: true })
  const due = Date.now() + 86_400_000
  for (let n = 0; n < count; n++) {
    const id = `01JD3Z8K6Q${String(n).padStart(16, '0')}`
    writeFileSync(
      join(folder, formatName({ due: due + n, tries: 1, id, lane: 'away' })),
      '',
    )
  }
}

async function roundTrip(url: string, sends: number): Promise<number> {
  const pool = new Pool(new URL(url).origin)
  const times: number[] = []
  for (let n = -5; n < sends; n++) {
    const began = performance.now()
    const { body } = await pool.request({ path: '/', method: 'POST', body: BODY })
    await body.dump()
    if (n >= 0) times.push(performance.now() - began)
    await sleep(5)
  }
  await pool.close()
  return median(times)
}
