/**
 * daemon - one spool served: everything that lives between start and stop.
 *
 * Order of the start: the lock and what the last daemon left, then what is known of the clock and
 * of the lanes, then deliveries. Order of the stop: no new claims, what is on the wire ends or is
 * put back, sync, and only then the lock goes. What it is made of stands in parts.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { plainError } from '../base/errno.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/config.ts'
import { publishLimits } from '../config/limits.ts'
import type { Recall, Recalled } from '../delivery/recalls.ts'
import { laneStatus } from '../delivery/status.ts'
import type { DaemonStatus, LaneStatus } from '../delivery/status.ts'
import { makeSpool } from '../queue/open.ts'
import type { Desk, Doorway, Stats } from '../queue/queue.ts'
import type { Change } from './configuration.ts'
import { assemble } from './parts.ts'
import type { DaemonOptions, Meters, Parts } from './parts.ts'
import { statusOf } from './status.ts'

/** A scheduler that does nothing for longer is stuck, and the watchdog is not fed (ms). */
const STUCK = 60_000
/** What a stop does beside waiting for requests: put back, sync, let go (ms). */
const STOP_REST = 20_000
/** What an operator wants back is settled by then, or he is told that it is not (ms). */
const RECALL_PATIENCE = 3_000

export class Daemon {
  readonly #options: DaemonOptions
  readonly #parts: Parts
  readonly #startedAt: number

  private constructor(options: DaemonOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    this.#startedAt = parts.configuration.since
  }

  /** Takes the spool and puts what was in flight back. Throws a MsgqError when it cannot. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { config, log } = options
    await makeSpool(config.spool)
    const parts = await assemble(options)
    const daemon = new Daemon(options, parts)
    const { interrupted } = await parts.engine.recover()
    await parts.clockWatch.open()
    for (const warning of config.warnings) log.write('warn', { event: 'config' }, warning)
    await daemon.#publish()
    const fields = { version: VERSION, pid: process.pid, spool: config.spool, interrupted }
    const message = `msgqd ${VERSION} serves ${config.spool}`
    log.write('info', { event: 'start', ...fields }, message)
    await parts.aftercare.begin()
    // The last of them: from then on it lets lanes go.
    await parts.suspender.open()
    return daemon
  }

  /** What the doors speak to. */
  get queue(): Doorway & Desk {
    return this.#parts.engine
  }

  /** What was counted since the start, and what is in the queue. */
  get meters(): Meters {
    return this.#parts.meters
  }

  /** What is in force. */
  get config(): Config {
    return this.#parts.configuration.now
  }

  /** Begins to deliver, and goes on until it is stopped. */
  async run(): Promise<void> {
    const { engine, scheduler, aftercare } = this.#parts
    await engine.watch(() => scheduler.kick())
    scheduler.kick()
    aftercare.open()
  }

  /** Delivers what is due, and resolves once nothing is due and nothing in flight. */
  async runOnce(): Promise<void> {
    const { scheduler, aftercare } = this.#parts
    await scheduler.quiet()
    if ((await aftercare.look(true)) > 0) await scheduler.quiet()
  }

  /** Takes another configuration for all that comes from now on. */
  async configure(config: Config): Promise<Change> {
    const { configuration, suspender, engine, scheduler } = this.#parts
    const change = await configuration.take(config)
    const { newLanes } = change
    await suspender.look()
    // What waited for a destination to be known is due now.
    if (newLanes.length > 0) await engine.act('flush', { lanes: newLanes }, { by: 'msgqd' })
    // What a rule suspended may go on by it.
    await suspender.look()
    scheduler.configure(config.activeLimit)
    return change
  }

  /** Opens closed lanes and looks at once; how many were closed. */
  flush(only?: readonly string[]): number {
    const { lanes, scheduler } = this.#parts
    const opened = lanes.open(only)
    scheduler.kick()
    return opened
  }

  /** An operator suspended or resumed lanes: what the lanes are now that he names. */
  async lookAtSuspended(named: readonly string[]): Promise<LaneStatus[]> {
    const { suspender, lanes } = this.#parts
    await suspender.look()
    const all = lanes.states().map(laneStatus)
    return all.filter(({ lane }) => named.includes(lane))
  }

  /**
   * An operator wants messages back that are under way: what became of each, durably. Undefined
   * for one that is not under way, `waits` for one that the disk does not let us settle.
   */
  async recall(
    ids: readonly string[],
    recall: Recall,
  ): Promise<(Recalled | 'waits' | undefined)[]> {
    const { recalls, engine } = this.#parts
    const patience = sleep(RECALL_PATIENCE, 'waits' as const, { ref: false })
    const recalled = await Promise.all(
      ids.map((id) => {
        const ended = recalls.recall(id, recall)
        return ended && Promise.race([ended, patience])
      }),
    )
    await engine.sync()
    return recalled
  }

  /** An operator says that the clock is right; false: nobody doubted it. */
  confirmClock(): Promise<boolean> {
    return this.#parts.clockWatch.confirm()
  }

  /**
   * False when the scheduler makes no progress: a turn that does not end, or something due that
   * it does not look at. systemd's watchdog then restarts us.
   */
  alive(): boolean {
    const idleSince = this.#parts.scheduler.idleSince()
    return idleSince === undefined || this.#options.clock.monotonic() - idleSince < STUCK
  }

  /** What lies in the folders. */
  count(): Promise<Stats> {
    return this.#parts.engine.stats()
  }

  status(): DaemonStatus {
    return statusOf(this.#parts, this.#startedAt)
  }

  /** How long a stop may take (ms). */
  stopTakes(): number {
    return this.config.stop.grace + STOP_REST
  }

  /** Ends what is on the wire within the grace time, and lets go of the spool. */
  async stop(): Promise<void> {
    const { scheduler, transport, aftercare, suspender, clockWatch, meters, engine } =
      this.#parts
    const { inFlight } = scheduler
    const message = `stopping, ${inFlight} on the wire`
    this.#options.log.write('info', { event: 'stop', inFlight }, message)
    await scheduler.stop(this.config.stop.grace)
    await transport.close()
    await aftercare.close()
    await suspender.close()
    await clockWatch.close()
    await meters.headcount.rest()
    await engine.close()
  }

  /** Ends the attempts under way at once. */
  abort(): void {
    this.#parts.scheduler.abort()
  }

  /** Tells `msgq send` what it must know: a courtesy, without which what waits is delivered. */
  async #publish(): Promise<void> {
    const { config, clock } = this.#options
    try {
      await publishLimits(config.spool, config, clock.now())
    } catch (error) {
      const message = `cannot publish the limits of msgq send: ${plainError(error)}`
      this.#parts.troubles.hear({ level: 'warn', event: 'trouble', message })
    }
  }
}
