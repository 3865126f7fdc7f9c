/**
 * support - a whole delivery in memory: engine, lanes, scheduler, and a transport that plays
 * what the test says. The clock stands still until the test moves it; pauses are real.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'tap'

import type { Destination, LaneOptions, RetryOptions } from '../../src/config/config.ts'
import type { Route } from '../../src/config/route.ts'
import { ClockGuard } from '../../src/delivery/clock-guard.ts'
import { deliverer } from '../../src/delivery/deliver.ts'
import { Lanes } from '../../src/delivery/lanes.ts'
import type { Log, LogLevel } from '../../src/delivery/log.ts'
import { Recalls } from '../../src/delivery/recalls.ts'
import { Scheduler } from '../../src/delivery/scheduler.ts'
import type { MsgqError } from '../../src/base/errors.ts'
import type { Draft } from '../../src/message/draft.ts'
import { seal } from '../../src/message/envelope.ts'
import { idMaker } from '../../src/message/id.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import type { TrailLine } from '../../src/message/trail.ts'
import type { Claims, Lease, Settlement } from '../../src/queue/queue.ts'
import type { Attempt, Transport } from '../../src/transport/transport.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { MemoryEngine } from '../queue/memory.ts'
import { MemoryStore } from '../queue/memory-store.ts'

export const RETRY: RetryOptions = {
  min: 10_000,
  factor: 2,
  max: 14_400_000,
  jitter: 0,
  tries: 0,
  lifetime: 432_000_000,
}

export const DELIVERED = {
  kind: 'delivered',
  reason: '200 OK',
  status: 200,
} as const satisfies Outcome
export const BUSY = {
  kind: 'deferred',
  reason: '503 Service Unavailable',
  status: 503,
  fault: 'receiver',
} as const satisfies Outcome
export const GONE = {
  kind: 'bounced',
  reason: '410 Gone',
  status: 410,
  fault: 'configuration',
} as const satisfies Outcome
/** The machine is not ready, and nothing was sent. */
export const UNCHARGED = {
  kind: 'deferred',
  reason: 'secret crm-token: no such file or directory',
  fault: 'configuration',
  uncharged: true,
} as const satisfies Outcome

export const ID = '01KAG6Z8K6Q4W5E6R7T8Y9V0A1'

/** A lease on a message of a few bytes, accepted when the hand-moved clock begins. */
export function leaseOf(
  draft: Partial<Draft> = {},
  more: Partial<Lease> & { createdAt?: number } = {},
): Lease {
  const { createdAt = new HandClock().now(), ...given } = more
  const accepted = { id: ID, now: createdAt, sender: { uid: 1000 } }
  const envelope = seal({ to: 'crm', ...draft }, Buffer.from('hello'), accepted)
  return {
    id: ID,
    token: '1',
    lane: 'crm',
    tries: 0,
    due: createdAt,
    envelope,
    trail: [],
    ...given,
  }
}

export function destinationOf(
  name: string,
  retry: Partial<RetryOptions> = {},
  lane: number | LaneOptions = 5,
): Destination {
  return {
    name,
    type: 'http',
    url: `https://${name}.example/in`,
    method: 'POST',
    headers: {},
    retry: { ...RETRY, ...retry },
    http: {
      timeout: 30_000,
      connectTimeout: 10_000,
      headersTimeout: 30_000,
      deny: [],
      allow: [],
    },
    lane: typeof lane === 'number' ? { window: lane } : lane,
    where: 'test',
  }
}

/** What was said, in order. */
export class Diary implements Log {
  readonly lines: { level: LogLevel; fields: Record<string, unknown>; message: string }[] =
    []
  write(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void {
    this.lines.push({ level, fields: { ...fields }, message })
  }
  /** The lines of one event. */
  of(event: string) {
    return this.lines.filter(({ fields }) => fields['event'] === event)
  }
}

type Play = (attempt: Attempt, signal: AbortSignal) => Outcome | Promise<Outcome>

/** Plays what it is told, and remembers what was begun and how much at once. */
export class Stage implements Transport {
  play: Play = () => DELIVERED
  /** Receivers' names in the order in which attempts were begun. */
  readonly begun: string[] = []
  readonly out = new Map<string, number>()
  readonly most = new Map<string, number>()

  async deliver(attempt: Attempt, signal: AbortSignal): Promise<Outcome> {
    const { name } = attempt.destination
    this.begun.push(name)
    for (const key of [name, 'all']) {
      const out = (this.out.get(key) ?? 0) + 1
      this.out.set(key, out)
      this.most.set(key, Math.max(out, this.most.get(key) ?? 0))
    }
    try {
      return await this.play(attempt, signal)
    } finally {
      for (const key of [name, 'all']) this.out.set(key, this.out.get(key)! - 1)
    }
  }
  async close(): Promise<void> {}

  /** How often a receiver was tried. */
  count(name: string): number {
    return this.begun.filter((other) => other === name).length
  }
}

/** A receiver that never answers: the attempt ends when it is cut off. */
export function silence(_attempt: Attempt, signal: AbortSignal): Promise<Outcome> {
  const cut: Outcome = { kind: 'deferred', reason: 'stopped', fault: 'configuration' }
  return new Promise((resolve) => {
    const stop = () => resolve(cut)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

/** A door that the test opens. */
export function gate<T = void>(): {
  readonly passed: Promise<T>
  open(value: T): void
} {
  let open!: (value: T) => void
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open: (value) => open(value) }
}

export interface House {
  readonly destinations: readonly Destination[]
  readonly activeLimit?: number
  readonly retry?: Partial<RetryOptions>
}

/** Everything between a queue and a transport. */
export class Delivery {
  readonly clock = new HandClock()
  readonly store = new MemoryStore()
  readonly engine: MemoryEngine
  readonly stage = new Stage()
  readonly diary = new Diary()
  readonly guard = new ClockGuard(this.clock, undefined, () => {})
  readonly recalls = new Recalls()
  readonly lanes: Lanes
  readonly scheduler: Scheduler
  readonly destinations: Map<string, Destination>
  routes: readonly Route[] = []
  unrouted: 'bounce' | 'drop' = 'bounce'
  readonly fenced: MsgqError[] = []
  readonly settled: { readonly id: string; readonly settlement: Settlement }[] = []
  /** Faults that a test puts between scheduler and engine. */
  faults: Partial<
    Pick<Claims, 'claim' | 'settle' | 'record' | 'readBody' | 'nextDue' | 'owesLook'>
  > = {}
  claimed = 0
  /** What a rule suspends. */
  suspend: (lane: string, why: string, beganAt: number) => void = () => {}

  private constructor({ destinations, activeLimit = 1000, retry = {} }: House) {
    this.destinations = new Map(destinations.map((it) => [it.name, it]))
    this.engine = new MemoryEngine(this.store, {
      clock: this.clock,
      ids: idMaker(this.clock.now, (bytes) => bytes.fill(7)),
      keyWindow: 86_400_000,
    })
    const { clock, stage, diary } = this
    this.lanes = new Lanes(
      clock,
      (lane) => this.destinations.get(lane) ?? destinationOf(lane),
    )
    const claims = this.#claims()
    this.scheduler = new Scheduler({
      claims,
      clock,
      lanes: this.lanes,
      log: diary,
      activeLimit,
      onFenced: (error) => void this.fenced.push(error),
      deliver: deliverer({
        claims,
        clock,
        dice: () => 0.5,
        lanes: this.lanes,
        log: diary,
        recalls: this.recalls,
        transport: stage,
        mayExpire: () => this.guard.mayExpire(),
        suspend: (lane, why, beganAt) => this.suspend(lane, why, beganAt),
        routing: () => ({
          destinationOf: ({ envelope }) => this.destinations.get(envelope.to ?? ''),
          retry: { ...RETRY, ...retry },
          events: { routes: this.routes, unrouted: this.unrouted },
        }),
      }),
    })
  }

  /** Opens the queue; nothing runs before the first kick. The end of the test stops it. */
  static async open(t: Test, house: House): Promise<Delivery> {
    const delivery = new Delivery(house)
    await delivery.engine.recover()
    t.teardown(() => {
      delivery.faults = {}
      return delivery.scheduler.stop(0)
    })
    return delivery
  }

  /** As the daemon runs: what arrives is a hint. */
  async watch(): Promise<void> {
    await this.engine.watch(() => this.scheduler.kick())
    this.scheduler.kick()
  }

  async send(to: string, more: Partial<Draft> = {}): Promise<string> {
    const body = Buffer.from('hello')
    return this.engine.enqueue({ draft: { to, ...more }, body, sender: { uid: 1000 } })
  }

  /** Several messages to one receiver. */
  async sendMany(to: string, count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.send(to)))
  }

  /** A message whose trail says how often the daemon died with it in flight. */
  async sendInterrupted(to: string, times: number): Promise<string> {
    const id = await this.send(to)
    const item = this.store.items.get(id)!
    const line = { at: this.clock.iso(), act: 'interrupted' } as const
    this.store.items.set(id, { ...item, trail: Array.from({ length: times }, () => line) })
    return id
  }

  /** Moves the clock, and has the scheduler look. */
  pass(ms: number): void {
    this.clock.pass(ms)
    this.scheduler.kick()
  }

  async stateOf(id: string): Promise<string> {
    return (await this.engine.get(id))?.entry.state ?? 'gone'
  }

  async trailOf(id: string): Promise<readonly TrailLine[]> {
    return (await this.engine.get(id))!.trail
  }

  /** Until a message is where it has to be. */
  async comesTo(id: string, state: string): Promise<void> {
    await until(async () => (await this.stateOf(id)) === state, `${id} in ${state}`)
  }

  /** Nothing more happens until the clock moves or something arrives. */
  async calm(): Promise<void> {
    await this.scheduler.quiet()
  }

  #claims(): Claims {
    const { engine } = this
    const owesLook = () => this.faults.owesLook ?? false
    return {
      get owesLook() {
        return owesLook()
      },
      claim: (want) => {
        this.claimed++
        return (this.faults.claim ?? ((wanted) => engine.claim(wanted)))(want)
      },
      settle: async (lease, settlement) => {
        const settled = await (this.faults.settle ?? ((...all) => engine.settle(...all)))(
          lease,
          settlement,
        )
        this.settled.push({ id: lease.id, settlement })
        return settled
      },
      record: (lease, line) =>
        (this.faults.record ?? ((...all) => engine.record(...all)))(lease, line),
      readBody: (lease) =>
        (this.faults.readBody ?? ((wanted) => engine.readBody(wanted)))(lease),
      nextDue: (room) =>
        (this.faults.nextDue ?? ((wanted) => engine.nextDue(wanted)))(room),
      watch: (onHint) => engine.watch(onHint),
    }
  }
}

/** Waits for what has to come; the limit is for a machine that is very busy. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  for (let left = 4000; !(await condition()); left--) {
    if (left === 0) throw new Error(`never: ${what}`)
    await sleep(5)
  }
}

/** An error as the system gives it. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says`), { code })
}
