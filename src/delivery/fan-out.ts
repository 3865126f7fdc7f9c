/**
 * fan-out - what becomes of an event that was claimed: from lease to settlement, with its line.
 *
 * The routes in force now decide, and the engine makes it so, once (queue.ts). Where no route
 * takes it, it bounces or is dropped, as the configuration says. Nothing is charged to it.
 */
import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'
import type { Route } from '../config/route.ts'
import { bytesOf } from '../message/body.ts'
import type { Claims, Lease, Settlement } from '../queue/queue.ts'
import type { Log } from './log.ts'
import { courseOf, unrouted } from './routes.ts'
import { postponement } from './settle.ts'

/** The routes in force. */
export interface EventRouting {
  readonly routes: readonly Route[]
  readonly unrouted: 'bounce' | 'drop'
}

interface Options {
  readonly claims: Pick<Claims, 'readBody'>
  readonly clock: Clock
  readonly log: Log
}

/** A body that cannot be read now is asked for again so much later (ms). */
const PAUSE = 60_000

/** What becomes of an event; undefined when it is not in our hands any more. */
export async function fanOut(
  lease: Lease,
  routing: EventRouting,
  { claims, clock, log }: Options,
): Promise<Settlement | undefined> {
  const { id, lane, envelope } = lease
  const { event = '' } = envelope
  let body: Uint8Array
  try {
    const read = await claims.readBody(lease)
    if (read === undefined) return undefined
    body = await bytesOf(read)
  } catch (error) {
    const reason = printable(`body cannot be read: ${plainError(error)}`)
    // Behind it are the events of everybody: a bad block must not hold them up.
    return {
      ...postponement(lease, reason, clock.now(), clock.now() + PAUSE),
      passed: true,
    }
  }
  const course = courseOf(routing.routes, event, () => Buffer.from(body).toString())
  const destinations = [...course.by.keys()]
  const reason = unrouted(event, course)
  if (reason !== undefined && routing.unrouted === 'bounce') {
    const at = new Date(clock.now()).toISOString()
    const line = { at, act: 'refused', reason: printable(reason, 500) } as const
    const fields = { event: 'refused', id, to: event, lane, reason: line.reason }
    log.write('error', fields, `bounced ${event}: ${line.reason}`)
    return { to: 'bounced', line }
  }
  const told =
    destinations.length > 0
      ? { event: 'expanded', reason: `to ${destinations.join(', ')}` }
      : { event: 'dropped', reason: reason ?? 'its routes lead nowhere' }
  const said = printable(told.reason, 500)
  const fields = { ...told, id, to: event, lane, reason: said }
  log.write('info', fields, `${told.event} ${event}: ${said}`)
  return { to: 'expanded', destinations }
}
