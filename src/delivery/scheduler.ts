/**
 * scheduler - claims what is due, lets it be delivered, settles it. The daemon's heart.
 *
 * One turn: ask the engine for what may go now, begin an attempt for each, sleep until the next
 * due time, a hint, or the end of an attempt. Turns never overlap. No delivery failure ends it:
 * whatever is not foreseen defers the message. It ends only when the queue is not ours any more.
 */
import { setMaxListeners } from 'node:events'

import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import type { MsgqError } from '../base/errors.ts'
import { interruptions } from '../message/trail.ts'
import { FencedError } from '../queue/queue.ts'
import type { Claims, Lease } from '../queue/queue.ts'
import { finish } from './finish.ts'
import type { Lanes } from './lanes.ts'
import type { Log } from './log.ts'

export interface SchedulerOptions {
  readonly claims: Claims
  readonly clock: Clock
  readonly lanes: Lanes
  readonly log: Log
  /** Most messages in flight in the whole daemon. */
  readonly activeLimit: number
  /** One attempt from lease to settlement; never rejects. */
  readonly deliver: Course
  /** The queue is not ours any more: nothing may be claimed or settled. */
  readonly onFenced: (error: MsgqError) => void
}

/** What a lease goes through until it is settled. */
type Course = (lease: Lease, signal: AbortSignal) => Promise<unknown>

/** So often the daemon died with it in flight: it is delivered alone, or held. */
const SUSPECT = 2
const POISON = 3
/** Longest setTimeout: 2^31-1 ms. */
const LONGEST_SLEEP = 2_147_483_647
/** After trouble with the queue, and where a due message could not be claimed (ms). */
const PAUSE = 1_000
const SHORT_PAUSE = 50

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #stopping = new AbortController()
  #activeLimit: number
  #timer: NodeJS.Timeout | undefined
  #inFlight = 0
  /** A turn is asked for; one is about to begin, or runs. */
  #wanted = false
  #turning = false
  /** The last look found nothing due. */
  #rested = false
  /** Nothing is claimed any more. */
  #ending = false
  /** Where a suspect waits until nothing is in flight; and that one is out. */
  #suspectLane: string | undefined
  #alone = false
  #trouble = ''
  #onQuiet: (() => void)[] = []
  /** When the turn began that runs now, by the monotonic clock. */
  turnBeganAt: number | undefined
  /** When something was found that waits for a turn; until one has ended. */
  #foundIdleAt: number | undefined

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#activeLimit = options.activeLimit
    // Each attempt may listen, and Node warns of more than ten.
    setMaxListeners(0, this.#stopping.signal)
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * Since when nothing is done though there is something to do, by the monotonic clock: the
   * watchdog asks, again and again. What is due and waits for a turn gets one, as after a step of
   * the wall clock, which no timer notices; if it gets none, that counts from now on.
   */
  idleSince(): number | undefined {
    if (this.turnBeganAt !== undefined) return this.turnBeganAt
    if (this.#ending || this.#room() <= 0) return undefined
    const { claims, clock, lanes } = this.#options
    const due = claims.nextDue((lane) => lanes.room(lane))
    if (due === undefined || due > clock.now()) return undefined
    this.kick()
    return (this.#foundIdleAt ??= clock.monotonic())
  }

  configure(activeLimit: number): void {
    this.#activeLimit = activeLimit
    this.kick()
  }

  /** Asks for a turn soon; many at once are one. */
  kick(): void {
    this.#wanted = true
    if (this.#turning || this.#ending) return
    this.#turning = true
    setImmediate(() => void this.#turn())
  }

  /** Resolves once nothing is due and nothing in flight: for `msgqd --once`. */
  quiet(): Promise<void> {
    this.kick()
    return this.#quiet()
  }

  /** Claims nothing more and waits for what is in flight; after `grace` ms it is put back. */
  async stop(grace: number): Promise<void> {
    this.#end()
    const patience = setTimeout(() => this.abort(), grace)
    await this.#quiet()
    clearTimeout(patience)
  }

  /** Claims nothing more, and ends the attempts under way; their messages are put back. */
  abort(): void {
    this.#end()
    this.#stopping.abort()
    // Who waits may wait for a timer alone, which will not ring any more.
    this.#sayIfQuiet()
  }

  #end(): void {
    this.#ending = true
    clearTimeout(this.#timer)
  }

  async #turn(): Promise<void> {
    this.#wanted = this.#rested = false
    this.turnBeganAt = this.#options.clock.monotonic()
    try {
      if (!this.#ending) await this.#claim()
      this.#trouble = ''
    } catch (error) {
      this.#complain(error)
    }
    this.turnBeganAt = undefined
    this.#foundIdleAt = undefined
    this.#turning = false
    if (this.#wanted) this.kick()
    this.#sayIfQuiet()
  }

  async #claim(): Promise<void> {
    const { claims, lanes } = this.#options
    const suspectLane = this.#suspectLane
    const max = this.#room()
    // Where there is no room, the end of an attempt kicks.
    if (max <= 0) return
    this.#suspectLane = undefined
    const room = (lane: string) => lanes.room(lane)
    const { ordered } = lanes
    const leases = await claims.claim(
      suspectLane === undefined
        ? { room, max, ordered }
        : { room: (lane) => (lane === suspectLane ? room(lane) : 0), max: 1, ordered },
    )
    const only = leases.length === 1 && this.#inFlight === 0
    for (const lease of leases) this.#begin(lease, only)
    if (this.#room() > 0) this.#sleepUntil(claims.nextDue(room), leases.length)
  }

  /** How many more may be claimed: none while a suspect is out, or waits for the others. */
  #room(): number {
    const waits = this.#suspectLane !== undefined && this.#inFlight > 0
    return this.#alone || waits ? 0 : this.#activeLimit - this.#inFlight
  }

  /**
   * A message in whose delivery the daemon died twice goes alone. Until it can it is put back,
   * so that it is not in flight when the daemon dies of another; after a third time it is held.
   */
  #begin(lease: Lease, only: boolean): void {
    const died = interruptions(lease.trail)
    if (this.#ending) this.#run(lease, this.#putBack)
    else if (died >= POISON) this.#run(lease, this.#hold)
    else if (died < SUSPECT) this.#run(lease, this.#options.deliver)
    else if (only) {
      this.#alone = true
      this.#run(lease, this.#options.deliver)
    } else {
      this.#suspectLane ??= lease.lane
      this.#run(lease, this.#putBack)
    }
  }

  readonly #putBack: Course = (lease, signal) =>
    finish(lease, { to: 'released' }, signal, this.#options)

  readonly #hold: Course = (lease, signal) => {
    const { clock, log } = this.#options
    const reason = `the daemon died ${POISON} times while it was delivered`
    log.write('error', { event: 'held', id: lease.id, reason }, `held: ${reason}`)
    const at = new Date(clock.now()).toISOString()
    const line = { at, act: 'held', reason } as const
    return finish(lease, { to: 'held', line }, signal, this.#options)
  }

  #run(lease: Lease, course: Course): void {
    const { lanes } = this.#options
    this.#inFlight++
    lanes.begin(lease.lane, lease.id)
    void course(lease, this.#stopping.signal).finally(() => {
      this.#inFlight--
      // Nothing else is out while a suspect is.
      this.#alone = false
      lanes.end(lease.lane, lease.id)
      this.kick()
      this.#sayIfQuiet()
    })
  }

  #complain(error: unknown): void {
    const { log, onFenced } = this.#options
    if (error instanceof FencedError) {
      this.#end()
      onFenced(error)
      return
    }
    const reason = plainError(error)
    if (reason !== this.#trouble)
      log.write('error', { event: 'trouble', reason }, 'cannot claim: tried again')
    this.#trouble = reason
    this.#sleep(PAUSE)
  }

  #sleepUntil(due: number | undefined, claimed: number): void {
    const { clock, lanes } = this.#options
    const now = clock.now()
    clearTimeout(this.#timer)
    const owes = this.#options.claims.owesLook === true
    this.#rested = !owes && (due === undefined || due > now) && !this.#isPaced(now)
    const next = Math.min(due ?? Infinity, lanes.nextOpening() ?? Infinity)
    if (next === Infinity) return
    // Due and yet not claimed: somebody moved it, and a look will tell. Never spin.
    this.#sleep(next > now || claimed > 0 ? next - now : SHORT_PAUSE)
  }

  /** Somebody waits for the end, and something due waits for its rate alone. */
  #isPaced(now: number): boolean {
    if (this.#onQuiet.length === 0) return false
    const { claims, lanes } = this.#options
    const due = claims.nextDue((lane) => (lanes.isPaced(lane) ? 1 : 0))
    return due !== undefined && due <= now
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#ending) return
    this.#timer = setTimeout(() => this.kick(), Math.min(Math.max(0, ms), LONGEST_SLEEP))
  }

  #quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet.push(resolve)
      this.#sayIfQuiet()
    })
  }

  #sayIfQuiet(): void {
    if (this.#inFlight > 0 || this.#turning) return
    if (this.#ending || this.#rested) for (const say of this.#onQuiet.splice(0)) say()
  }
}
