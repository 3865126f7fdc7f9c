/**
 * aftercare - what happens after a message failed, is late, or did not come: who looks, and when.
 *
 * One pass at a time, beside the deliveries. A look at bounce/ costs one stat while nothing
 * changes there; a look through what waits is made the seldomer the longer it takes, so that a
 * million messages do not keep us busy. Where nobody asked for anything nothing is looked at. While
 * the clock is in doubt nothing is late; bounces are told all the same.
 */
import type { Clock } from '../base/clock.ts'
import type { Fallback } from '../config/fallback.ts'
import type { Config } from '../config/config.ts'
import type { Sender } from '../message/envelope.ts'
import { idTime } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import type { Desk, History, Journal, Rounds, Sighting } from '../queue/queue.ts'
import { Expectations } from './expectations.ts'
import { waitsSince } from './fallback.ts'
import { Fallbacks } from './fallbacks.ts'
import type { Log } from './log.ts'
import { Notices } from './notices.ts'
import { serviceOf } from './telling.ts'

export interface AftercareOptions {
  readonly engine: Rounds & Pick<Desk, 'find'> & History & Pick<Journal, 'note'>
  readonly config: () => Config
  readonly clock: Clock
  readonly log: Log
  readonly sender: Sender
  readonly ids: () => string
  /** False while nobody knows what time it is. */
  readonly mayExpire: () => boolean
  /** Messages were made: they are due. */
  readonly onMade: () => void
}

/** Between two looks at bounce/ (ms), and between two looks through what waits, at most. */
const EVERY = 1_000
const LATE_EVERY = 60_000
/** Looks through what waits take this share of the time at most. */
const SHARE = 1 / 50
/** A name may appear in bounce/ so much later than the time that it says (ms). */
const LAG = 5_000

export class Aftercare {
  readonly #options: AftercareOptions
  readonly #bounced: Notices
  readonly #waiting: Notices
  readonly #fallbacks: Fallbacks
  readonly #expectations: Expectations
  #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> = Promise.resolve()
  #isClosed = false
  /** When what waits is looked through next (ms of the monotonic clock). */
  #lateAt = -Infinity
  #fallen: readonly [config: Config, fallbacks: ReadonlyMap<string, Fallback>] | undefined

  constructor(options: AftercareOptions) {
    const { engine, config, clock, log, sender, ids, mayExpire } = options
    this.#options = options
    const shared = { rounds: engine, desk: engine, journal: engine, clock, log }
    const telling = { ...shared, config, sender, ids }
    this.#bounced = new Notices(
      {
        kind: 'bounced',
        states: ['bounce'],
        rule: (final = false) => {
          const { notify: to, notifyWait: wait, notifyEvery: every } = config().bounce
          const reached = clock.now()
          // What bounces in this very millisecond may not be there yet.
          const lag = final ? 1 : Math.max(1, Math.min(LAG, wait))
          return { to, wait, every, reached, upTo: reached - lag }
        },
        timeOf: async ({ entry }) => entry.due,
        floor: () => clock.now() - 1,
      },
      telling,
    )
    this.#waiting = new Notices(
      {
        kind: 'waiting',
        states: ['active', 'deferred', 'incoming'],
        rule: () => {
          const { bounce, deferred } = config()
          const { notify, notifyWait: wait, notifyEvery: every } = bounce
          const to = deferred.warnAfter < Infinity ? notify : []
          const upTo = clock.now() - deferred.warnAfter
          return { to, wait, every, upTo, reached: upTo }
        },
        timeOf: waitingSince,
        floor: () => 0,
      },
      telling,
    )
    this.#fallbacks = new Fallbacks({
      ...shared,
      fallbacks: () => this.#fallbacksNow(),
      serviceOf: (to) => serviceOf(config().destinations.get(to)),
      mayExpire,
    })
    this.#expectations = new Expectations({
      ...telling,
      expected: () => config().expect,
      mayExpire,
    })
  }

  /** Fixes from where on it looks: to be called before anything is delivered. */
  async begin(): Promise<void> {
    await this.#bounced.begin()
    await this.#fallbacks.begin()
  }

  /** Looks now, and from then on by itself until it is closed. */
  open(): void {
    void this.#tick()
  }

  /** Hears a line of the journal as it is noted. */
  hear(line: JournalLine): void {
    this.#expectations.hear(line)
  }

  /**
   * Looks once, and says how many messages it made; in the last look of a daemon that goes what
   * would wait for more of its lane does not. Never rejects: each one says its own trouble.
   */
  async look(final = false): Promise<number> {
    const { clock, config, mayExpire, onMade } = this.#options
    const now = clock.monotonic()
    const isLate = mayExpire() && (final || now >= this.#lateAt)
    let made = await this.#bounced.pass(final)
    made += await this.#fallbacks.pass({ late: isLate, final })
    if (isLate) {
      made += await this.#waiting.pass(final)
      const { deferred } = config()
      const afters = [...this.#fallbacksNow().values()].map(({ after }) => after / 20)
      const rest = Math.min(LATE_EVERY, deferred.warnAfter / 20, ...afters)
      const took = clock.monotonic() - now
      this.#lateAt = now + Math.max(rest, took / SHARE)
    }
    made += await this.#expectations.pass()
    if (made > 0) onMade()
    return made
  }

  /** How long a message stays in bounce/ (ms). */
  keepBounced(): number {
    return this.#options.config().bounce.keep
  }

  /** False for a message in bounce/ that somebody has still to be told of, or wants a copy of. */
  mayForget(lane: string, bouncedAt: number): boolean {
    return this.#bounced.isTold(lane, bouncedAt) && this.#fallbacks.isDone(lane, bouncedAt)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#running
    await this.#bounced.close()
    await this.#waiting.close()
    await this.#fallbacks.close()
    await this.#expectations.close()
  }

  async #tick(): Promise<void> {
    this.#running = this.look()
    await this.#running
    if (this.#isClosed) return
    const { bounce, deferred, expect } = this.#options.config()
    const spans = [
      bounce.notify.length > 0 ? bounce.notifyWait / 2 : Infinity,
      deferred.warnAfter / 10,
      ...expect.map(({ every }) => every / 10),
      ...[...this.#fallbacksNow().values()].map(({ after }) => after / 10),
    ]
    const pause = Math.max(50, Math.min(EVERY, ...spans))
    this.#timer = setTimeout(() => void this.#tick(), pause)
  }

  /** By lane; made anew when the configuration is another one. */
  #fallbacksNow(): ReadonlyMap<string, Fallback> {
    const config = this.#options.config()
    if (this.#fallen?.[0] === config) return this.#fallen[1]
    const fallbacks = new Map<string, Fallback>()
    for (const { name, fallback } of config.destinations.values())
      if (fallback !== undefined) fallbacks.set(name, fallback)
    this.#fallen = [config, fallbacks]
    return fallbacks
  }
}

/** Since when a message waits, where that can be long enough. */
async function waitingSince(met: Sighting, upTo: number): Promise<number | undefined> {
  const { entry } = met
  // Younger by its id, or scheduled for later and not begun: nothing need be read.
  if (idTime(entry.id) > upTo || (entry.tries === 0 && entry.due > upTo)) return undefined
  const { envelope, trail } = (await met.story()) ?? {}
  return envelope === undefined ? undefined : waitsSince(envelope, trail!)
}
