/**
 * deliver - one attempt at one message: from lease to settlement, with its log line.
 *
 * Never rejects. What a transport throws is a bug of ours or a broken machine, and defers the
 * message. The line is written as soon as the end of the attempt is known; that the message is
 * settled, and not sent twice when the disk refuses, is left to finish.ts.
 */
import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'
import type { Destination, RetryOptions } from '../config/config.ts'
import { ORDER_WAIT } from '../config/order.ts'
import type { Body } from '../message/body.ts'
import { EVENT_LANE } from '../message/lane.ts'
import type { Outcome } from '../message/outcome.ts'
import { takenBy } from '../message/trail.ts'
import type { Claims, Lease, Settlement } from '../queue/queue.ts'
import type { Transport } from '../transport/transport.ts'
import { isOutage, tellLane } from './feedback.ts'
import { fanOut } from './fan-out.ts'
import type { EventRouting } from './fan-out.ts'
import { finish } from './finish.ts'
import type { Lanes } from './lanes.ts'
import { attemptLog, untriedLog } from './log.ts'
import type { Log } from './log.ts'
import { noteSending, once, returned, unended } from './once.ts'
import { isInOrder, keepOrder, passEarly } from './order.ts'
import type { OrderRule } from './order.ts'
import { recalledAs } from './recall.ts'
import type { Recalls } from './recalls.ts'
import { render } from './render.ts'
import { expiryOf } from './retry.ts'
import { postponement, settlementOf, untried } from './settle.ts'
import { unfit } from './unfit.ts'

/** Where a lease goes, by the configuration in force now. */
export interface Routing {
  /** Undefined for a destination that the configuration does not know. */
  destinationOf(lease: Lease): Destination | undefined
  /** The house's own, for what has no destination. */
  readonly retry: RetryOptions
  readonly events: EventRouting
}

export interface DeliverOptions {
  readonly claims: Claims
  readonly clock: Clock
  readonly dice: () => number
  readonly lanes: Lanes
  readonly log: Log
  readonly recalls: Recalls
  readonly transport: Transport
  readonly routing: () => Routing
  /** Suspends a lane by a rule's word, which an attempt gave that began then (monotonic). */
  readonly suspend: (lane: string, why: string, beganAt: number) => void
  /** False while the clock is in doubt: nothing expires then. */
  readonly mayExpire: () => boolean
}

const NOBODY: readonly string[] = []
/** After a bug of ours a message is looked at again so much later (ms). */
const BUG_PAUSE = 300_000

/** Makes the function that the scheduler calls for each lease. */
export function deliverer(
  options: DeliverOptions,
): (lease: Lease, signal: AbortSignal) => Promise<void> {
  return async (lease, signal) => {
    const { recalls } = options
    const cut = recalls.begin(lease.id, signal)
    const settlement = await judged(lease, cut, options)
    const ended =
      settlement === undefined ? 'lost' : await finish(lease, settlement, signal, options)
    recalls.end(lease.id, ended === 'ok' ? settlement!.to : ended)
  }
}

/** What becomes of the message; undefined when it is not in our hands any more. */
async function judged(
  lease: Lease,
  signal: AbortSignal,
  options: DeliverOptions,
): Promise<Settlement | undefined> {
  try {
    return await attempt(lease, signal, options)
  } catch (error) {
    // Nothing foreseen comes here.
    const { clock, log } = options
    const reason = printable(`unforeseen: ${plainError(error)}`)
    log.write('error', { event: 'trouble', id: lease.id, reason }, 'put back untried')
    return postponement(lease, reason, clock.now(), clock.now() + BUG_PAUSE)
  }
}

async function attempt(
  lease: Lease,
  signal: AbortSignal,
  options: DeliverOptions,
): Promise<Settlement | undefined> {
  const { clock, dice, log, recalls } = options
  const { destinationOf, retry, events } = options.routing()
  const startedAt = clock.now()
  const expired = startedAt >= expiryOf(lease.envelope)
  if (lease.lane === EVENT_LANE && !expired) return fanOut(lease, events, options)
  const destination = expired ? undefined : destinationOf(lease)
  const before = unended(lease, destinationOf, startedAt)
  if (before !== undefined) {
    const settlement = settlementOf(lease, before, retry, 0)
    const { level, fields, message } = attemptLog(lease, before, settlement)
    log.write(level, fields, message)
    return settlement
  }
  if (destination === undefined) {
    const settlement = untried(lease, startedAt, retry, options.mayExpire())
    const said = untriedLog(lease, settlement)
    if (said !== undefined) log.write(said.level, said.fields, said.message)
    return settlement
  }
  const order = orderOf(lease, destination, options)
  const passed = order && passEarly(lease, order, startedAt)
  if (passed !== undefined) {
    const said = untriedLog(lease, passed)
    if (said !== undefined) log.write(said.level, said.fields, said.message)
    return passed
  }
  const began = clock.monotonic()
  const outcome = await outcomeOf(lease, destination, signal, options)
  if (outcome === undefined) return undefined
  // By the clock of the end: where it stepped meanwhile, no due is counted from before.
  const endedAt = clock.now()
  const ended = {
    startedAt: endedAt - Math.round(clock.monotonic() - began),
    endedAt,
    outcome,
  }
  // We cut it off ourselves, to stop or because it is wanted back: no failure of the receiver's.
  // What he answered in time counts, and who of several has the message by now.
  const cut = signal.aborted && outcome.kind === 'deferred' && outcome.status === undefined
  if (!cut) tellLane(lease, ended, destination.retry, options)
  if (!cut && outcome.kind === 'deferred' && outcome.suspends === true)
    // A word on a configuration that is not in force any more says nothing of this one.
    if (options.routing().destinationOf(lease) === destination)
      options.suspend(destination.name, outcome.reason, began)
  const recall = recalls.of(lease.id)
  if (recall !== undefined) {
    const recalled = recalledAs(lease, ended, recall, cut)
    if (recalled !== undefined) {
      recalls.grant(lease.id, cut && !isUncharged(outcome))
      const { fields, message } = attemptLog(lease, recalled.ended, recalled.settlement)
      log.write('info', fields, message)
      return recalled.settlement
    }
  }
  const last = once(ended, destination)
  let settlement: Settlement =
    cut && last === ended
      ? { to: 'released' }
      : settlementOf(lease, last, destination.retry, dice(), options.mayExpire())
  if (order !== undefined && last.outcome.kind === 'deferred') {
    const wished = last.outcome.notBefore
    // Anew: the lane has learnt of this attempt.
    const rule = orderOf(lease, destination, options)!
    const failure = { now: endedAt, wished, isOutage: isOutage(last.outcome) }
    settlement = keepOrder(lease, settlement, rule, failure)
  }
  const { level, fields, message } = attemptLog(lease, last, settlement)
  log.write(level, fields, message)
  return destination.onTimeout === undefined
    ? settlement
    : returned(lease, settlement, last)
}

/** Undefined for a message that holds back nobody. */
function orderOf(
  lease: Lease,
  { ordered, orderWait = ORDER_WAIT }: Destination,
  { lanes }: DeliverOptions,
): OrderRule | undefined {
  if (!isInOrder(lease, ordered === true)) return undefined
  return { wait: orderWait, mayPass: !lanes.isFailing(lease.lane) }
}

function isUncharged(outcome: Outcome): boolean {
  return outcome.kind === 'deferred' && outcome.uncharged === true
}

/** Undefined when the body disproved itself, or the lease is lost. */
async function outcomeOf(
  lease: Lease,
  destination: Destination,
  signal: AbortSignal,
  { claims, clock, lanes, transport, routing }: DeliverOptions,
): Promise<Outcome | undefined> {
  const fault = 'configuration'
  let body: Body | undefined
  try {
    body = await claims.readBody(lease)
  } catch (error) {
    const reason = printable(`body cannot be read: ${plainError(error)}`)
    return { kind: 'deferred', fault, reason, uncharged: true }
  }
  if (body === undefined) return undefined
  const { tries } = lease
  let { envelope } = lease
  let isOut = false
  try {
    if (envelope.event !== undefined) {
      const { routes } = routing().events
      const rendered = await render(envelope, body, destination, routes)
      if (rendered !== undefined && rendered.kind !== 'rendered') return rendered
      if (rendered !== undefined) {
        body = rendered.body
        envelope = { ...envelope, contentType: rendered.contentType }
      }
      const refused = await unfit(body, destination)
      if (refused !== undefined) return refused
    }
    if (destination.onTimeout !== undefined) {
      const noted = await noteSending(lease, claims, clock)
      if (noted !== 'ok') return noted
    }
    lanes.send(lease.lane, lease.id)
    isOut = true
    const one = { envelope, body, destination, number: tries + 1 }
    // Nobody has what nobody tried.
    const taken = lease.trail.length === 0 ? NOBODY : takenBy(lease.trail)
    return await transport.deliver(taken.length === 0 ? one : { ...one, taken }, signal)
  } catch (error) {
    const reason = printable(`unforeseen: ${plainError(error)}`)
    return { kind: 'deferred', fault, reason, mayHaveArrived: isOut }
  }
}
