/**
 * spool - the file engine: a message is one file, its folder its state, its name its schedule.
 *
 * Guarantees what queue.ts asks of an engine. The state table stands in moves.ts and in
 * spool/README.md, with what a crash on either side of each step leaves. Everything in memory
 * here is a cache. Until `recover` took the lock it claims and settles nothing.
 */
import { randomFillSync } from 'node:crypto'
import { opendir } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { syncFolder } from '../../base/durable.ts'
import { plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import type { Body } from '../../message/body.ts'
import { idMaker } from '../../message/id.ts'
import type { Entry, Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import type {
  Act,
  ActOptions,
  ActResult,
  Engine,
  Lease,
  Message,
  Page,
  Report,
  Settlement,
  Stats,
  Submission,
} from '../queue.ts'
import { Agenda } from './agenda.ts'
import type { Waiting } from './agenda.ts'
import { ClaimTable } from './claims.ts'
import { SpoolDesk } from './desk.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { Layout, survey } from './layout.ts'
import { Lock } from './lock.ts'
import { MOVES, Mover } from './moves.ts'
import type { Move } from './moves.ts'
import { isStaged, parseName } from './name.ts'
import { SpoolOutbox } from './outbox.ts'
import type { OutboxOptions } from './outbox.ts'
import { recoverActive } from './recover.ts'
import { Sweep } from './sweep.ts'
import { watchWake } from './wake.ts'
import type { Wake } from './wake.ts'

export interface SpoolOptions extends OutboxOptions {
  readonly report?: (report: Report) => void
  /** Another way to own the spool, and another state table: for tests. */
  readonly takeLock?: (layout: Layout, clock: Clock) => Promise<Ownership>
  readonly moves?: readonly Move[]
}

/** Our right to serve the spool. */
export type Ownership = Pick<Lock, 'held' | 'release'>

/** Folders that settled something are synced so often: a power cut repeats at most that. */
const SYNC_EVERY = 1_000
/**
 * So often (ms) deferred/ is read through again, to find what was moved there by hand, and
 * incoming/ is swept of what dead writers left.
 */
const REREAD_EVERY = 600_000

export class SpoolEngine implements Engine {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #report: (report: Report) => void
  readonly #outbox: SpoolOutbox
  readonly #mover: Mover
  readonly #desk: SpoolDesk
  readonly #agenda = new Agenda()
  readonly #claims: ClaimTable
  readonly #door: Doorkeeper
  readonly #sweep: Sweep
  readonly #takeLock: (layout: Layout, clock: Clock) => Promise<Ownership>
  #lock: Ownership | undefined
  #wake: Wake | undefined
  #syncTimer: NodeJS.Timeout | undefined
  #reading: Promise<void> | undefined
  #readAt = -Infinity

  constructor(root: string, options: SpoolOptions) {
    this.#layout = new Layout(root)
    this.#clock = options.clock
    this.#report = options.report ?? (() => {})
    this.#takeLock = options.takeLock ?? Lock.take
    this.#outbox = new SpoolOutbox(root, options)
    const { cautious } = survey(root, options.anyFilesystem ?? false)
    this.#mover = new Mover(this.#layout, cautious, options.moves ?? MOVES)
    // The desk has a mover of its own: it syncs what it touched itself, before it answers.
    const deskMover = new Mover(this.#layout, cautious, options.moves ?? MOVES)
    this.#desk = new SpoolDesk(this.#layout, deskMover, this.#clock)
    this.#claims = new ClaimTable(this.#layout, this.#mover, this.#clock, this.#report)
    this.#sweep = new Sweep(this.#layout, this.#clock)
    this.#door = new Doorkeeper({
      layout: this.#layout,
      mover: this.#mover,
      clock: this.#clock,
      agenda: this.#agenda,
      claims: this.#claims,
      report: this.#report,
      nextId: options.nextId ?? idMaker(this.#clock.now, (bytes) => randomFillSync(bytes)),
      messageSizeLimit: options.messageSizeLimit ?? Infinity,
    })
  }

  enqueue(submission: Submission): Promise<string> {
    return this.#outbox.enqueue(submission)
  }

  find(ending: string): Promise<readonly Entry[]> {
    return this.#desk.find(ending)
  }

  get(id: string): Promise<Message | undefined> {
    return this.#desk.get(id)
  }

  body(id: string): Promise<Body | undefined> {
    return this.#desk.body(id)
  }

  list(selector: Selector, page: { limit: number; after?: string }): Promise<Page> {
    return this.#desk.list(selector, page)
  }

  stats(): Promise<Stats> {
    return this.#desk.stats()
  }

  act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult> {
    return this.#desk.act(act, selector, options)
  }

  async recover(): Promise<{ interrupted: number }> {
    this.#layout.make()
    this.#lock = await this.#takeLock(this.#layout, this.#clock)
    const interrupted = await recoverActive({
      layout: this.#layout,
      mover: this.#mover,
      clock: this.#clock,
      door: this.#door,
      claims: this.#claims,
      report: this.#report,
    })
    await this.#readDeferred()
    this.#syncSoon()
    return { interrupted }
  }

  async claim(want: {
    room(lane: string): number
    max: number
  }): Promise<readonly Lease[]> {
    this.#fence()
    await this.#door.look()
    this.#refill()
    const leases: Lease[] = []
    while (leases.length < want.max) {
      const taken = new Map<string, number>()
      for (const lease of leases) taken.set(lease.lane, (taken.get(lease.lane) ?? 0) + 1)
      const room = (lane: string) => want.room(lane) - (taken.get(lane) ?? 0)
      const due = this.#agenda.take(this.#clock.now(), room, want.max - leases.length)
      if (due.length === 0) break
      for (const waiting of due) {
        const lease = this.#take(waiting)
        if (lease !== undefined) leases.push(lease)
      }
    }
    this.#door.clear()
    this.#syncSoon()
    return leases
  }

  settle(lease: Lease, settlement: Settlement): Promise<'ok' | 'lost'> {
    try {
      this.#fence()
      const settled = this.#claims.settle(lease, settlement)
      this.#syncSoon()
      if (settled === 'lost') return Promise.resolve('lost')
      if (settled.waiting !== undefined) this.#agenda.add(settled.waiting)
      return Promise.resolve('ok')
    } catch (error) {
      return Promise.reject(error)
    }
  }

  readBody(lease: Lease): Promise<Body | undefined> {
    return this.#claims.body(lease)
  }

  nextDue(room: (lane: string) => number): number | undefined {
    return this.#agenda.nextDue(room)
  }

  async watch(onHint: () => void): Promise<void> {
    this.#wake = await watchWake(this.#layout, onHint)
  }

  async close(): Promise<void> {
    await this.#wake?.close()
    await this.#reading
    clearTimeout(this.#syncTimer)
    this.#syncTimer = undefined
    await this.#syncTouched()
    await this.#lock?.release()
    this.#lock = undefined
  }

  #take(waiting: Waiting): Lease | undefined {
    const claimed = this.#claims.claim(waiting)
    if ('token' in claimed) return claimed
    if (claimed.kind === 'waits') this.#agenda.add(claimed.waiting)
    else if (claimed.kind === 'foreign') this.#door.takeIn(claimed.name, waiting.file)
    else if (claimed.kind === 'unsealed') this.#door.putBack(claimed.name)
    return undefined
  }

  #fence(): void {
    if (this.#lock?.held()) return
    throw new MsgqError(
      'temporary',
      `spool: ${this.#layout.root} is not ours any more: our heartbeat is late`,
      'another msgqd may serve it; this one has to stop',
    )
  }

  /** Reads deferred/ again when a lane ran dry, and every few minutes for what came by hand. */
  #refill(): void {
    const now = this.#clock.monotonic()
    if (this.#reading !== undefined) return
    if (now - this.#readAt < REREAD_EVERY && !this.#agenda.starving(this.#clock.now()))
      return
    this.#reading = this.#readDeferred()
      .catch((error: unknown) => {
        this.#report({
          level: 'error',
          event: 'trouble',
          message: `deferred/: ${plainError(error)}`,
        })
      })
      .finally(() => {
        this.#reading = undefined
      })
  }

  async #readDeferred(): Promise<void> {
    this.#readAt = this.#clock.monotonic()
    this.#sweep.pass()
    this.#agenda.reopen()
    const folder = await opendir(this.#layout.folder('deferred'), { bufferSize: 1024 })
    for await (const { name: file } of folder) {
      if (isStaged(file)) continue
      const name = parseName(file)
      if (name === undefined || name.claim !== undefined) {
        // Not a name of ours: it goes where hand-made files are looked at.
        this.#mover.move(
          'deferred',
          file,
          'incoming',
          `${this.#claims.nextToken()}-${file}`,
        )
        continue
      }
      const { id, lane, due } = name
      this.#door.admit({ state: 'deferred', file, id, lane, due })
    }
  }

  #syncSoon(): void {
    if (this.#mover.touched.size === 0) return
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      void this.#syncTouched()
    }, SYNC_EVERY)
  }

  async #syncTouched(): Promise<void> {
    const states: State[] = [...this.#mover.touched]
    this.#mover.touched.clear()
    for (const state of states) {
      try {
        await syncFolder(this.#layout.folder(state))
      } catch (error) {
        this.#report({
          level: 'error',
          event: 'trouble',
          message: `sync of ${state}/: ${plainError(error)}`,
        })
      }
    }
  }
}
