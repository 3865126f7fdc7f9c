/**
 * parts - what a daemon is made of, in the order of who needs whom. Nothing begins here.
 *
 * The one place that knows all of them: here it stands who hears what of whom. What each of them
 * does is told by its own file, when it begins and ends by daemon.ts.
 */
import { randomFillSync } from 'node:crypto'

import type { Clock } from '../base/clock.ts'
import type { MsgqError } from '../base/errors.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/config.ts'
import { disabledLanes } from '../config/order.ts'
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
import { pullRule } from '../delivery/routing.ts'
import { Scheduler } from '../delivery/scheduler.ts'
import { Suspender } from '../delivery/suspender.ts'
import { Tally, tallied } from '../delivery/tally.ts'
import { misfitIn } from '../intake/fit.ts'
import { termsIn } from '../intake/terms.ts'
import { idMaker } from '../message/id.ts'
import { openEngine } from '../queue/open.ts'
import type { Engine } from '../queue/queue.ts'
import { createTransport } from '../transport/pick.ts'
import type { SecretSource, Transport } from '../transport/transport.ts'
import { ClockWatch } from './clock-watch.ts'
import { Configuration } from './configuration.ts'
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

export interface Parts {
  readonly configuration: Configuration
  readonly troubles: Troubles
  readonly clockWatch: ClockWatch
  readonly engine: Engine
  readonly lanes: Lanes
  readonly suspender: Suspender
  readonly recalls: Recalls
  readonly aftercare: Aftercare
  readonly transport: Transport
  readonly scheduler: Scheduler
  readonly meters: Meters
}

/** Who counts what. */
export interface Meters {
  readonly counts: EngineCounts
  readonly attempts: AttemptCounts
  readonly headcount: Headcount
  readonly lastAttempts: LastAttempts
  readonly tally: Tally
}

/** Makes them. The spool must be there; whose it is is not asked yet. */
export async function assemble(options: DaemonOptions): Promise<Parts> {
  const { config, clock, env } = options
  const configuration = new Configuration(config, clock)
  const { spool } = config
  const troubles = new Troubles(options.log, clock)
  const clockWatch = new ClockWatch({
    spool,
    clock,
    log: options.log,
    rule: () => pullRule(clock.now(), configuration.routing),
    onBack: () => {
      lanes.open()
      kick()
    },
  })
  const mayExpire = () => clockWatch.mayExpire()
  const kick = () => scheduler.kick()
  const destinations = () => configuration.now.destinations

  const counts = new EngineCounts(destinations)
  // It is built upon the engine, which asks it before it lets go of what bounced.
  let aftercare: Aftercare | undefined
  const engine = await openEngine(spool, {
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
    mayExpire,
    limits: () => configuration.now.send,
    misfit: (draft, body) => misfitIn(draft, body, termsIn(configuration.now)),
    submit: { ...config.submit, minFree: config.send.minFree },
    report: (report) => troubles.hear(report),
  })
  const log = journaled(options.log, engine, clock)

  const secrets: SecretSource = (reference, form) =>
    readSecret(reference, secretPlace(configuration.now, env), form)
  const lanes = new Lanes(
    clock,
    (lane) => configuration.routing.ruleOf(lane),
    () => configuration.routing.ordered,
  )
  const suspender = new Suspender({
    suspensions: engine,
    disabled: () => disabledLanes(configuration.now, configuration.since),
    lanes,
    clock,
    log,
    mayExpire,
    configOf: (lane) => printOf(destinations().get(lane), secrets),
    onChange: kick,
  })
  aftercare = new Aftercare({
    engine,
    config: () => configuration.now,
    clock,
    log: options.log,
    sender: senderOfOurs(),
    ids: idMaker(clock.now, (bytes) => randomFillSync(bytes)),
    mayExpire,
    onMade: kick,
  })

  const lastAttempts = new LastAttempts(log, clock.now)
  const attempts = new AttemptCounts(lastAttempts, destinations)
  const tally = new Tally(clock)
  const claims = tallied(engine, tally)
  const recalls = new Recalls()
  const transport = createTransport({ clock, version: VERSION, env, secrets })
  const deliver = deliverer({
    claims,
    clock,
    dice: Math.random,
    lanes,
    log: attempts,
    recalls,
    transport,
    routing: () => configuration.routing,
    suspend: (lane, why, beganAt) => void suspender.suspend(lane, why, beganAt),
    mayExpire,
  })
  const scheduler = new Scheduler({
    claims,
    clock,
    lanes,
    log,
    activeLimit: config.activeLimit,
    deliver,
    onFenced: options.onFenced,
  })
  const headcount = new Headcount({ rounds: engine, clock, destinations })

  return {
    configuration,
    troubles,
    clockWatch,
    engine,
    lanes,
    suspender,
    recalls,
    aftercare,
    transport,
    scheduler,
    meters: { counts, attempts, headcount, lastAttempts, tally },
  }
}
