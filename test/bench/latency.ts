/**
 * latency - from the return of a send to the request's arrival, on a daemon that idles.
 *
 * The receiver is in the process that sends, so that one clock tells both. What it takes itself
 * for a request and its answer is measured at the end, and taken off.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { Pool } from 'undici'

import { systemClock } from '../../src/base/clock.ts'
import { openDesk } from '../../src/queue/open.ts'
import { serve } from './daemon.ts'
import { figure, median, quantile } from './figure.ts'
import type { Figure } from './figure.ts'
import { BODY, enqueueAll, outboxOf, scratch } from './ground.ts'
import { deferred } from './million.ts'

export interface Crowd {
  /** Not due. */
  readonly deferred: number
  /** In incoming/ when the daemon starts, for a lane that is suspended. */
  readonly standing: number
}

/** The lane of those that stand. */
const SUSPENDED = 'stopped'
const CONFIG = `
[destinations.${SUSPENDED}]
type = "http"
url = "http://127.0.0.1:9/"
`

interface Times {
  readonly median: number
  readonly p99: number
  readonly trip: number
}

/** Of a spool with a crowd against an empty one; of an empty one against the round trip. */
export async function latency(sends: number, crowd?: Crowd): Promise<Figure[]> {
  const empty = await measure(await emptySpool(), sends)
  const above = (of: Times) => ({
    'median above the trip': of.median - of.trip,
    'p99 above the trip': of.p99 - of.trip,
  })
  if (crowd === undefined) {
    const common = { unit: 'ms', baseline: empty.trip } as const
    const against = "the receiver's own round trip"
    return [
      figure({
        ...common,
        name: 'send returned to request received, empty spool, median',
        value: empty.median,
        against,
        target: { of: 'median above the trip', most: 1 },
        more: above(empty),
      }),
      figure({
        ...common,
        name: 'send returned to request received, empty spool, p99',
        value: empty.p99,
        against,
        target: { of: 'p99 above the trip', most: 5 },
        more: above(empty),
      }),
    ]
  }
  const spool = await deferred(crowd.deferred)
  const desk = await openDesk(spool, { clock: systemClock, anyFilesystem: true })
  await desk.suspend({ lane: SUSPENDED, at: systemClock.now() })
  await enqueueAll(spool, SUSPENDED, crowd.standing)
  const full = await measure(spool, sends)
  const also = `${crowd.deferred} deferred, ${crowd.standing} of a suspended lane`
  const figureOf = (name: 'median' | 'p99') =>
    figure({
      name: `send returned to request received, ${also}, ${name}`,
      unit: 'ms',
      value: full[name],
      baseline: empty[name],
      against: 'the same with an empty spool',
      target: { of: 'ratio', most: 1.2 },
      more: above(full),
    })
  return [figureOf('median'), figureOf('p99')]
}

async function emptySpool(): Promise<string> {
  const spool = scratch()
  await outboxOf(spool)
  return spool
}

async function measure(spool: string, sends: number): Promise<Times> {
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
  const outbox = await outboxOf(spool)
  const daemon = await serve(spool, CONFIG)
  await daemon.settled()

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
  await daemon.stop()
  server.closeAllConnections()
  server.close()
  return { median: median(times), p99: quantile(times, 0.99), trip }
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
