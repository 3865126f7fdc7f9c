/**
 * rig - one engine on an empty store, with a clock in hand, for one sentence of the suite.
 */
import { randomFillSync } from 'node:crypto'

import type { Test } from 'tap'

import type { Clock } from '../../../src/base/clock.ts'
import type { Body } from '../../../src/message/body.ts'
import type { Draft } from '../../../src/message/draft.ts'
import { idMaker } from '../../../src/message/id.ts'
import type { State } from '../../../src/message/state.ts'
import type { AttemptLine } from '../../../src/message/trail.ts'
import type { Engine, Lease, Message, Report } from '../../../src/queue/queue.ts'

/** How long keys count here after their messages have left (ms). */
export const KEY_WINDOW = 3_600_000

export interface OpenOptions {
  readonly clock: Clock
  /** Makes the ids of new messages. */
  readonly ids: () => string
  /** How long a key counts after its message has left (ms). */
  readonly keyWindow: number
  readonly report: (report: Report) => void
}

/** An engine on a store of its own, opened but not yet recovered. */
export interface Opened {
  readonly engine: Engine
  /** Opens the same store again, after a clean close or as after a kill (`crash`). */
  reopen(crash: boolean): Promise<Engine>
  dispose(): Promise<void>
  /** Opens the same store beside the first engine, as the command line does. */
  join?(): Promise<Engine>
  /** Changes a byte of a message's stored body. */
  damage?(id: string): Promise<void>
}

export type Open = (options: OpenOptions) => Promise<Opened>

/** A sentence and how it is checked. */
export type Promises = Readonly<Record<string, (t: Test, rig: Rig) => Promise<void>>>

/** A clock that stands still until it is moved. */
export class HandClock implements Clock {
  #now = Date.parse('2026-11-20T10:00:00.000Z')
  readonly now = (): number => this.#now
  readonly monotonic = (): number => this.#now
  pass(ms: number): void {
    this.#now += ms
  }
  iso(inMs = 0): string {
    return new Date(this.#now + inMs).toISOString()
  }
}

export class Rig {
  readonly t: Test
  readonly clock: HandClock
  readonly reports: Report[]
  readonly #open: Open
  readonly #opened: Opened
  engine: Engine

  private constructor(
    t: Test,
    open: Open,
    opened: Opened,
    clock: HandClock,
    reports: Report[],
  ) {
    this.t = t
    this.#open = open
    this.#opened = opened
    this.clock = clock
    this.reports = reports
    this.engine = opened.engine
  }

  /** Opens an engine and makes it the one that serves the queue. */
  static async open(t: Test, open: Open, ids?: () => string): Promise<Rig> {
    const clock = new HandClock()
    const reports: Report[] = []
    // Before the engine takes a folder of the test's, whose own teardown takes it away.
    t.teardown(() => opened.dispose())
    const opened: Opened = await open({
      clock,
      keyWindow: KEY_WINDOW,
      ids: ids ?? idMaker(clock.now, (bytes) => randomFillSync(bytes)),
      report: (report) => reports.push(report),
    })
    await opened.engine.recover()
    return new Rig(t, open, opened, clock, reports)
  }

  /** Another engine on a store of its own, with ids of the test's choice. */
  async anew(ids?: () => string): Promise<Rig> {
    return Rig.open(this.t, this.#open, ids)
  }

  /** Opens the store again and recovers; gives back how many were in flight. */
  async restart(crash: boolean): Promise<number> {
    this.engine = await this.#opened.reopen(crash)
    return (await this.engine.recover()).interrupted
  }

  /** An engine beside ours, or undefined, where the test is then skipped. */
  async join(): Promise<Engine | undefined> {
    if (this.#opened.join !== undefined) return this.#opened.join()
    this.t.pass('beside the daemon', { skip: 'this engine offers no second one' })
    return undefined
  }

  /** Spoils a message's body; false where that cannot be done, and the test is skipped. */
  async damage(id: string): Promise<boolean> {
    if (this.#opened.damage === undefined) {
      this.t.pass('damage', { skip: 'this engine offers no way to do it' })
      return false
    }
    await this.#opened.damage(id)
    return true
  }

  async send(draft: Draft = { to: 'ops' }, body: string | Uint8Array = 'hello') {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    return this.engine.enqueue({ draft, body: bytes, sender: { uid: 1000 } })
  }

  /** Leases of what is due; without a word there is room for whatever there is. */
  async claim(
    want: {
      room?: (lane: string) => number
      max?: number
      ordered?: (lane: string) => boolean
    } = {},
  ): Promise<readonly Lease[]> {
    return this.engine.claim({ room: () => 1000, max: 1000, ...want })
  }

  /** Lets the engine look at its door, without leasing anything. */
  async peek(): Promise<void> {
    this.t.strictSame(await this.claim({ room: () => 0 }), [])
  }

  /** The one lease that this lane has for us; no other lane is touched. */
  async claimFrom(lane: string): Promise<Lease> {
    const leases = await this.claim({ room: (of) => (of === lane ? 1 : 0) })
    this.t.equal(leases.length, 1, `one lease from ${lane}`)
    return leases[0]!
  }

  /** An attempt that ends now. */
  attempt(outcome: AttemptLine['outcome'], more: Partial<AttemptLine> = {}): AttemptLine {
    const at = this.clock.iso()
    return { at, try: 1, outcome, reason: 'HTTP 503', fault: 'receiver', ms: 12, ...more }
  }

  /** Puts a message into a state, by the shortest honest way; its lane is the state's name. */
  async make(state: State): Promise<string> {
    const id = await this.send({ to: state })
    if (state === 'incoming') return id
    const lease = await this.claimFrom(state)
    if (state === 'active') return id
    if (state === 'corrupt') {
      await this.damage(id)
      await this.engine.readBody(lease)
    } else if (state === 'deferred') {
      const due = this.clock.now() + 3_600_000
      await this.engine.settle(lease, {
        to: 'deferred',
        due,
        line: this.attempt('deferred'),
      })
    } else if (state === 'hold') {
      await this.engine.settle(lease, { to: 'held', line: this.attempt('held') })
    } else {
      await this.engine.settle(lease, { to: 'bounced', line: this.attempt('bounced') })
    }
    this.t.equal(await this.stateOf(id), state, `made one in ${state}`)
    return id
  }

  async stateOf(id: string): Promise<State | 'gone'> {
    return (await this.engine.get(id))?.entry.state ?? 'gone'
  }

  /** A message that must be there. */
  async look(id: string): Promise<Message> {
    const message = await this.engine.get(id)
    if (message === undefined) throw new Error(`${id} is gone`)
    return message
  }

  /** All that can be seen of all messages. */
  async snapshot(): Promise<readonly unknown[]> {
    const { items } = await this.engine.list({}, { limit: 1000 })
    return Promise.all(
      items.map(async (entry) => ({ entry, trail: (await this.look(entry.id)).trail })),
    )
  }
}

/** Every byte of a body, or of a stream. */
export async function bytesOf(
  from: Body | NodeJS.ReadableStream | undefined,
): Promise<Buffer> {
  if (from === undefined) throw new Error('there is nothing')
  if ('kind' in from && from.kind === 'bytes') return Buffer.from(from.bytes)
  const chunks: Buffer[] = []
  for await (const chunk of 'kind' in from ? from.open() : from)
    chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
