/**
 * daemon - one spool served: everything that lives between start and stop.
 *
 * Order of the start: the lock and what the last daemon left, then the control socket, then
 * readiness, then deliveries. Order of the stop: no new claims, what is on the wire ends or is
 * put back, sync, and only then the lock goes.
 */
import { randomFillSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/config.ts'
import { publishAnew, publishLimits } from '../config/limits.ts'
import { disabledLanes, orderedLanes } from '../config/order.ts'
import { printOf } from '../config/print.ts'
import { readSecret, secretPlace } from '../config/secret.ts'
import { Aftercare } from '../delivery/aftercare.ts'
import { AttemptCounts } from '../delivery/attempt-counts.ts'
import { deliverer } from '../delivery/deliver.ts'
import { EngineCounts } from '../delivery/engine-counts.ts'
import { Headcount } from '../delivery/headcount.ts'
import { journaled } from '../delivery/journal.ts'
import { Lanes } from '../delivery/lanes.ts'
import { LastAttempts } from '../delivery/last-attempts.ts'
import type { Log } from '../delivery/log.ts'
import { Recalls } from '../delivery/recalls.ts'
import type { Recall, Recalled } from '../delivery/recalls.ts'
import { pullRule, routingOf } from '../delivery/routing.ts'
import { Scheduler } from '../delivery/scheduler.ts'
import { laneStatus } from '../delivery/status.ts'
import type { DaemonStatus, LaneStatus } from '../delivery/status.ts'
import { Suspender } from '../delivery/suspender.ts'
import { Tally } from '../delivery/tally.ts'
import { idMaker } from '../message/id.ts'
import { makeSpool, openEngine } from '../queue/open.ts'
import type {
  Claims,
  Desk,
  Doorway,
  Engine,
  Lease,
  Report,
  Settlement,
  Stats,
} from '../queue/queue.ts'
import { createTransport } from '../transport/pick.ts'
import type { SecretSource, Transport } from '../transport/transport.ts'
import { ClockWatch } from './clock-watch.ts'
import { senderOfOurs } from './self.ts'
import { Troubles } from './troubles.ts'

export interface DaemonOptions {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  /** The spool is not ours any more; the program has to end (75). */
  readonly onFenced: (error: MsgqError) => void
}

/** Who counts what. */
export interface Meters {
  readonly counts: EngineCounts
  readonly attempts: AttemptCounts
  readonly headcount: Headcount
}

/** A scheduler that does nothing for longer is stuck, and the watchdog is not fed (ms). */
const STUCK = 60_000
/** What a stop does beside waiting for requests: put back, sync, let go (ms). */
const STOP_REST = 20_000
/** What an operator wants back is settled by then, or he is told that it is not (ms). */
const RECALL_PATIENCE = 3_000

export class Daemon {
  readonly #options: DaemonOptions
  readonly #engine: Engine
  readonly #scheduler: Scheduler
  readonly #lanes: Lanes
  readonly #suspender: Suspender
  readonly #recalls = new Recalls()
  readonly #aftercare: Aftercare
  readonly #lastAttempts: LastAttempts
  readonly #tally: Tally
  readonly #meters: Meters
  readonly #transport: Transport
  readonly #troubles = new Troubles()
  readonly #startedAt: number
  /** Undefined until the spool is ours. */
  #clockWatch: ClockWatch | undefined
  #config: Config
  #configAt: number
  #routing: ReturnType<typeof routingOf>

  private constructor(options: DaemonOptions, engine: Engine, counts: EngineCounts) {
    const { clock, config, env } = options
    const destinations = () => this.#config.destinations
    const log = journaled(options.log, engine, clock)
    const secrets: SecretSource = (reference, form) =>
      readSecret(reference, secretPlace(this.#config, env), form)
    this.#options = options
    this.#engine = engine
    this.#config = config
    this.#startedAt = this.#configAt = clock.now()
    this.#routing = routingOf(config)
    this.#tally = new Tally(clock)
    this.#lanes = new Lanes(
      clock,
      (lane) => this.#routing.ruleOf(lane),
      () => this.#routing.ordered,
    )
    this.#lastAttempts = new LastAttempts(log, clock.now)
    this.#meters = {
      counts,
      attempts: new AttemptCounts(this.#lastAttempts, destinations),
      headcount: new Headcount({ rounds: engine, clock, destinations }),
    }
    this.#suspender = new Suspender({
      suspensions: engine,
      disabled: () => disabledLanes(this.#config, this.#configAt),
      lanes: this.#lanes,
      clock,
      log,
      mayExpire: () => this.#clockWatch?.mayExpire() ?? false,
      configOf: (lane) => printOf(this.#config.destinations.get(lane), secrets),
      onChange: () => this.#scheduler.kick(),
    })
    this.#aftercare = new Aftercare({
      engine,
      config: () => this.#config,
      clock,
      log: options.log,
      sender: senderOfOurs(),
      ids: idMaker(clock.now, (bytes) => randomFillSync(bytes)),
      mayExpire: () => this.#clockWatch?.mayExpire() ?? false,
      onMade: () => this.#scheduler.kick(),
    })
    this.#transport = createTransport({
      clock,
      version: VERSION,
      env,
      secrets,
    })
    const claims = this.#counted(engine)
    const deliver = deliverer({
      claims,
      clock,
      dice: Math.random,
      lanes: this.#lanes,
      log: this.#meters.attempts,
      recalls: this.#recalls,
      transport: this.#transport,
      routing: () => this.#routing,
      suspend: (lane, why, beganAt) => void this.#suspender.suspend(lane, why, beganAt),
      mayExpire: () => this.#clockWatch?.mayExpire() ?? false,
    })
    this.#scheduler = new Scheduler({
      claims,
      clock,
      lanes: this.#lanes,
      log,
      activeLimit: config.activeLimit,
      deliver,
      onFenced: options.onFenced,
    })
  }

  /** Takes the spool and puts what was in flight back. Throws a MsgqError when it cannot. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { config, clock, log } = options
    await makeSpool(config.spool)
    const reports: Report[] = []
    let take = (report: Report): void => void reports.push(report)
    let mayExpire = () => false
    let limits = () => config.send
    let aftercare: Aftercare | undefined
    let destinations = () => config.destinations
    const counts = new EngineCounts(() => destinations())
    const engine = await openEngine(config.spool, {
      clock,
      anyFilesystem: config.anyFilesystem,
      messageSizeLimit: config.send.messageSizeLimit,
      keyWindow: config.keys.window,
      retention: config.log.retention,
      keepBounced: () => aftercare?.keepBounced() ?? Infinity,
      mayForget: (lane, at) => aftercare?.mayForget(lane, at) ?? false,
      onNote: (line) => {
        counts.note(line)
        aftercare?.hear(line)
      },
      onSync: (what, ms) => counts.synced(what, ms),
      mayExpire: () => mayExpire(),
      limits: () => limits(),
      submit: { ...config.submit, minFree: config.send.minFree },
      report: (report) => take(report),
    })
    const daemon = new Daemon(options, engine, counts)
    aftercare = daemon.#aftercare
    take = (report) => daemon.#hear(report)
    limits = () => daemon.#config.send
    destinations = () => daemon.#config.destinations
    for (const report of reports) daemon.#hear(report)
    const { interrupted } = await engine.recover()
    const clockWatch = await daemon.#watchClock()
    daemon.#clockWatch = clockWatch
    mayExpire = () => clockWatch.mayExpire()
    for (const warning of config.warnings) log.write('warn', { event: 'config' }, warning)
    try {
      await publishAnew(config.spool, config, clock.now())
    } catch (error) {
      // A courtesy: what waits is delivered without it, and that makes room.
      const message = `cannot publish the limits of msgq send: ${plainError(error)}`
      daemon.#hear({ level: 'warn', event: 'trouble', message })
    }
    log.write(
      'info',
      {
        event: 'start',
        version: VERSION,
        pid: process.pid,
        spool: config.spool,
        interrupted,
      },
      `msgqd ${VERSION} serves ${config.spool}`,
    )
    await daemon.#suspender.open()
    await daemon.#aftercare.begin()
    return daemon
  }

  /** What the doors speak to. */
  get queue(): Doorway & Desk {
    return this.#engine
  }

  /** What was counted since the start, and what is in the queue. */
  get meters(): Meters {
    return this.#meters
  }

  /** What is in force. */
  get config(): Config {
    return this.#config
  }

  /** Begins to deliver, and goes on until it is stopped. */
  async run(): Promise<void> {
    await this.#engine.watch(() => this.#scheduler.kick())
    this.#scheduler.kick()
    this.#aftercare.open()
  }

  /** Delivers what is due, and resolves once nothing is due and nothing in flight. */
  async runOnce(): Promise<void> {
    await this.#scheduler.quiet()
    if ((await this.#aftercare.look(true)) > 0) await this.#scheduler.quiet()
  }

  /** Takes another configuration for all that comes from now on. */
  async configure(config: Config): Promise<{ newLanes: string[]; needsRestart: string[] }> {
    const { clock, config: atStart } = this.#options
    const needsRestart = ['spool', 'anyFilesystem', 'submit', 'keys', 'log'].filter(
      (name) => !sameOption(atStart, config, name as keyof Config),
    )
    if (!sameDoors(atStart, config)) needsRestart.push('listen')
    const newLanes = [...config.destinations.keys()].filter(
      (name) => !this.#config.destinations.has(name),
    )
    const inForce = { ...config, spool: this.#config.spool }
    await publishLimits(inForce.spool, inForce, clock.now())
    this.#config = inForce
    this.#configAt = clock.now()
    this.#routing = routingOf(inForce)
    await this.#suspender.look()
    // What waited for a destination to be known is due now.
    if (newLanes.length > 0)
      await this.#engine.act('flush', { lanes: newLanes }, { by: 'msgqd' })
    // What a rule suspended may go on by it.
    await this.#suspender.look()
    this.#scheduler.configure(inForce.activeLimit)
    return { newLanes, needsRestart }
  }

  /** Opens closed lanes and looks at once; how many were closed. */
  flush(lanes?: readonly string[]): number {
    const opened = this.#lanes.open(lanes)
    this.#scheduler.kick()
    return opened
  }

  /** An operator suspended or resumed lanes: what the lanes are now that he names. */
  async lookAtSuspended(lanes: readonly string[]): Promise<LaneStatus[]> {
    await this.#suspender.look()
    return this.#laneStatus().filter(({ lane }) => lanes.includes(lane))
  }

  /**
   * An operator wants messages back that are under way: what became of each, durably. Undefined
   * for one that is not under way, `waits` for one that the disk does not let us settle.
   */
  async recall(
    ids: readonly string[],
    recall: Recall,
  ): Promise<(Recalled | 'waits' | undefined)[]> {
    const patience = sleep(RECALL_PATIENCE, 'waits' as const, { ref: false })
    const recalled = await Promise.all(
      ids.map((id) => {
        const ended = this.#recalls.recall(id, recall)
        return ended && Promise.race([ended, patience])
      }),
    )
    await this.#engine.sync()
    return recalled
  }

  /** An operator says that the clock is right; false: nobody doubted it. */
  async confirmClock(): Promise<boolean> {
    return (await this.#clockWatch?.confirm()) ?? false
  }

  /**
   * False when the scheduler makes no progress: a turn that does not end, or something due that
   * it does not look at. systemd's watchdog then restarts us.
   */
  alive(): boolean {
    const idleSince = this.#scheduler.idleSince()
    return idleSince === undefined || this.#options.clock.monotonic() - idleSince < STUCK
  }

  /** What lies in the folders. */
  count(): Promise<Stats> {
    return this.#engine.stats()
  }

  /** How long a stop may take (ms). */
  stopTakes(): number {
    return this.#config.stop.grace + STOP_REST
  }

  status(): DaemonStatus {
    const { spool, files, destinations } = this.#config
    const clock = this.#clockWatch?.status()
    const ordered = orderedLanes(this.#config)
    return {
      version: VERSION,
      pid: process.pid,
      spool,
      startedAt: new Date(this.#startedAt).toISOString(),
      configAt: new Date(this.#configAt).toISOString(),
      configFiles: files,
      destinations: [...destinations.keys()],
      ...(ordered.size === 0 ? {} : { ordered: [...ordered] }),
      inFlight: this.#scheduler.inFlight,
      recent: this.#tally.recent(),
      total: this.#tally.total(),
      lanes: this.#laneStatus(),
      lastAttempts: this.#lastAttempts.list(),
      ...(clock === undefined ? {} : { clock }),
      troubles: this.#troubles.list(),
    }
  }

  /** Ends what is on the wire within the grace time, and lets go of the spool. */
  async stop(): Promise<void> {
    const { grace } = this.#config.stop
    this.#options.log.write(
      'info',
      { event: 'stop', inFlight: this.#scheduler.inFlight },
      `stopping, ${this.#scheduler.inFlight} on the wire`,
    )
    await this.#scheduler.stop(grace)
    await this.#transport.close()
    await this.#aftercare.close()
    await this.#suspender.close()
    await this.#clockWatch?.close()
    await this.#meters.headcount.rest()
    await this.#engine.close()
  }

  /** Ends the attempts under way at once. */
  abort(): void {
    this.#scheduler.abort()
  }

  #laneStatus(): LaneStatus[] {
    return this.#lanes.states().map(laneStatus)
  }

  #watchClock(): Promise<ClockWatch> {
    const { clock, log } = this.#options
    return ClockWatch.open({
      spool: this.#config.spool,
      clock,
      log,
      rule: () => pullRule(clock.now(), this.#routing),
      onBack: () => void this.flush(),
    })
  }

  #hear(report: Report): void {
    const { clock, log } = this.#options
    const { level, event, id, message } = report
    log.write(level, { event, ...(id === undefined ? {} : { id }) }, message)
    this.#troubles.add(report, clock.now())
  }

  /** The engine's claims, counted. */
  #counted(engine: Engine): Claims {
    return {
      claim: (want) => engine.claim(want),
      readBody: (lease) => engine.readBody(lease),
      record: (lease, line) => engine.record(lease, line),
      nextDue: (room) => engine.nextDue(room),
      watch: (onHint) => engine.watch(onHint),
      settle: async (lease: Lease, settlement: Settlement) => {
        const settled = await engine.settle(lease, settlement)
        if (settled === 'ok') this.#tally.count(settlement.to)
        return settled
      },
    }
  }
}

/** What of `[listen]` a door is made of. */
function sameDoors({ listen: one }: Config, { listen: other }: Config): boolean {
  return (['http', 'connections', 'timeout'] as const).every(
    (name) => JSON.stringify(one[name]) === JSON.stringify(other[name]),
  )
}

function sameOption(one: Config, other: Config, name: keyof Config): boolean {
  return JSON.stringify(one[name]) === JSON.stringify(other[name])
}

/** What to say of an error that nobody foresaw. */
export function asTrouble(error: unknown): string {
  return error instanceof MsgqError ? error.message : plainError(error)
}
