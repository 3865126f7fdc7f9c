/**
 * spool - the file engine: a message is one file, its folder its state, its name its schedule.
 *
 * Guarantees what queue.ts asks of an engine. The state table stands in moves.ts and in
 * spool/README.md, with what a crash on either side of each step leaves. Everything in memory
 * here is a cache. Until `recover` took the lock it claims and settles nothing.
 */
import { randomFillSync } from 'node:crypto'

import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import type { Body } from '../../message/body.ts'
import { idMaker } from '../../message/id.ts'
import type { JournalLine } from '../../message/journal-line.ts'
import type { Entry, Selector } from '../../message/selector.ts'
import type { State } from '../../message/state.ts'
import type { Suspension } from '../../message/suspension.ts'
import type { ActLine } from '../../message/trail.ts'
import { MsgqError } from '../../base/errors.ts'
import type { Offspring } from '../fan-out.ts'
import { reportLine } from '../journal.ts'
import { FencedError } from '../queue.ts'
import type {
  Accepted,
  Act,
  ActOptions,
  ActResult,
  Claims,
  Engine,
  JournalQuery,
  Lease,
  Mark,
  Message,
  OnlyOne,
  Page,
  Placement,
  Report,
  Settlement,
  Sighting,
  Stats,
  Submission,
} from '../queue.ts'
import type { AdoptOptions } from './adopt.ts'
import { Agenda } from './agenda.ts'
import { Backlog } from './backlog.ts'
import { claimDue } from './claim-due.ts'
import { ClaimTable } from './claims.ts'
import { SpoolDesk } from './desk.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { FolderSync } from './folder-sync.ts'
import { Housekeeping } from './housekeeping.ts'
import { SpoolJournal } from './journal.ts'
import { KeyDoor } from './key-door.ts'
import { KeyGate } from './key-gate.ts'
import { Layout, cannotUse, survey } from './layout.ts'
import { Lock } from './lock.ts'
import { MOVES, Mover } from './moves.ts'
import type { Move } from './moves.ts'
import { Order } from './order.ts'
import { SpoolOutbox, ring } from './outbox.ts'
import type { OutboxOptions } from './outbox.ts'
import { Quota, UNBOUND } from './quota.ts'
import type { Bounds } from './quota.ts'
import { recoverActive } from './recover.ts'
import { SpoolRounds } from './rounds.ts'
import { SuspendedFolder } from './suspended.ts'
import { timedSync } from './timed-sync.ts'
import type { OnSync } from './timed-sync.ts'
import { watchWake } from './wake.ts'
import type { Wake } from './wake.ts'

export interface SpoolOptions extends OutboxOptions {
  readonly report?: (report: Report) => void
  /** How long an idempotency key counts after its message has left the queue (ms). */
  readonly keyWindow?: number
  /** How long a day of the journal is kept (ms). */
  readonly retention?: number
  /** How long a message stays in bounce/ (ms), as of now. */
  readonly keepBounced?: () => number
  /** False for one that bounced then and is still wanted there, however old it is. */
  readonly mayForget?: (lane: string, bouncedAt: number) => boolean
  /** Hears each line of the journal as it is noted. */
  readonly onNote?: (line: JournalLine) => void
  /** Hears what the syncs of folders take. */
  readonly onSync?: OnSync
  /** False while nobody knows what time it is: nothing is removed then because it is old. */
  readonly mayExpire?: () => boolean
  /** Why a file that is to be adopted may not go; undefined for one that may. */
  readonly misfit?: AdoptOptions['misfit']
  /** Who else may send, and how much. */
  readonly submit?: Bounds
  /** Another way to own the spool, and another state table: for tests. */
  readonly takeLock?: TakeLock
  readonly moves?: readonly Move[]
}

/** Takes the spool, for good or `briefly`: who starts meanwhile then waits. */
export type TakeLock = (
  layout: Layout,
  clock: Clock,
  briefly: boolean,
) => Promise<Ownership>

/** Our right to serve the spool. */
export type Ownership = Pick<Lock, 'held' | 'release'>

/** A day: what senders repeat, they repeat sooner. */
const KEY_WINDOW = 86_400_000

export class SpoolEngine implements Engine {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #report: (report: Report) => void
  readonly #outbox: SpoolOutbox
  readonly #keyDoor: KeyDoor
  readonly #desk: SpoolDesk
  readonly #suspended: SuspendedFolder
  readonly #rounds: SpoolRounds
  readonly #journal: SpoolJournal
  readonly #note: (line: JournalLine) => void
  readonly #agenda = new Agenda()
  readonly #claims: ClaimTable
  readonly #quota: Quota
  readonly #door: Doorkeeper
  readonly #backlog: Backlog
  readonly #order: Order
  readonly #housekeeping: Housekeeping
  readonly #sync: FolderSync
  readonly #claimDue: (want: Parameters<Claims['claim']>[0], leases: Lease[]) => void
  readonly #recover: () => Promise<number>
  readonly #takeLock: TakeLock
  #lock: Ownership | undefined
  #wake: Wake | undefined
  /** Tells who serves the spool that something came; absent while nobody does. */
  #hint: (() => void) | undefined

  constructor(root: string, options: SpoolOptions) {
    const { clock, keyWindow = KEY_WINDOW, submit: bounds = UNBOUND } = options
    const say = options.report ?? (() => {})
    const layout = new Layout(root, bounds.shared)
    const journal = new SpoolJournal(layout, clock, say)
    const { onNote } = options
    const note = (line: JournalLine) => {
      this.#keyDoor.left(line.id)
      journal.note(line)
      onNote?.(line)
    }
    const report = (said: Report) => {
      const line = reportLine(said, clock.now())
      if (line !== undefined) note(line)
      say(said)
    }
    this.#layout = layout
    this.#journal = journal
    this.#note = note
    this.#clock = clock
    this.#report = report
    this.#takeLock = options.takeLock ?? Lock.take
    const onQueued = () => (this.#hint === undefined ? ring(layout) : this.#hint())
    const sync = timedSync('accepted', clock, options.onSync)
    const door = { serves: true, onQueued, syncFolder: sync }
    this.#outbox = new SpoolOutbox(root, { ...options, ...door })
    const { cautious } = survey(root, options.anyFilesystem ?? false)
    const mover = new Mover(layout, cautious, options.moves ?? MOVES)
    const gate = new KeyGate({ layout, mover, clock, report, keyWindow })
    const isTaken = (id: string) =>
      this.#agenda.get(id) !== undefined || this.#claims.has(id)
    this.#keyDoor = new KeyDoor({ layout, gate, clock, outbox: this.#outbox, isTaken })
    const deps = { layout, mover, clock, report, note, gate, agenda: this.#agenda }
    this.#desk = new SpoolDesk(layout, mover, clock, journal)
    this.#suspended = new SuspendedFolder(layout, clock)
    this.#rounds = new SpoolRounds(layout, clock, cautious)
    this.#sync = new FolderSync(
      layout,
      mover,
      report,
      timedSync('moved', clock, options.onSync),
    )
    this.#claims = new ClaimTable(deps)
    this.#housekeeping = new Housekeeping({
      ...deps,
      book: gate.book,
      keyWindow,
      bounds,
      journal,
      retention: options.retention ?? Infinity,
      keepBounced: options.keepBounced ?? (() => Infinity),
      mayForget: options.mayForget ?? (() => true),
      mayExpire: options.mayExpire ?? (() => true),
    })
    this.#quota = new Quota({ ...deps, claims: this.#claims, bounds })
    this.#door = new Doorkeeper({
      ...deps,
      claims: this.#claims,
      quota: this.#quota,
      nextId: options.nextId ?? idMaker(clock.now, (bytes) => randomFillSync(bytes)),
      messageSizeLimit: options.messageSizeLimit ?? Infinity,
      misfit: options.misfit,
    })
    const all = { ...deps, claims: this.#claims, door: this.#door }
    this.#backlog = new Backlog(all)
    this.#order = new Order(all)
    this.#claimDue = (want, leases) => claimDue(all, want, leases)
    this.#recover = () => recoverActive(all)
  }

  enqueue(submission: Submission): Promise<string> {
    return this.#outbox.enqueue(submission)
  }

  submit(submission: Submission, signal?: AbortSignal): Promise<Accepted> {
    return this.#keyDoor.submit(submission, signal)
  }

  refusal(): string | undefined {
    try {
      this.#fence()
      this.#outbox.check()
      return undefined
    } catch (error) {
      return plainError(error)
    }
  }

  get crowd(): number {
    return this.#keyDoor.crowd
  }

  find(ending: string): Promise<readonly Entry[]> {
    return this.#desk.find(ending)
  }

  get(id: string): Promise<Message | undefined> {
    return this.#desk.get(id)
  }

  firstOf(ending: string): Promise<string | undefined> {
    return this.#desk.firstOf(ending)
  }

  body(id: string): Promise<Body | undefined> {
    return this.#desk.body(id)
  }

  raw(id: string): Promise<NodeJS.ReadableStream | undefined> {
    return this.#desk.raw(id)
  }

  list(selector: Selector, page: { limit: number; after?: string }): Promise<Page> {
    return this.#desk.list(selector, page)
  }

  stats(): Promise<Stats> {
    return this.#desk.stats()
  }

  count(selector: Selector): ReturnType<SpoolDesk['count']> {
    return this.#desk.count(selector)
  }

  ages(selector: Selector, times: readonly number[]): ReturnType<SpoolDesk['ages']> {
    return this.#desk.ages(selector, times)
  }

  act(act: Act, selector: Selector, options: ActOptions): Promise<ActResult> {
    return this.#desk.act(act, selector, options)
  }

  mark(): Promise<Mark> {
    return this.#journal.mark()
  }

  history(query: JournalQuery): AsyncIterable<JournalLine> {
    return this.#journal.history(query)
  }

  note(line: JournalLine): void {
    this.#note(line)
  }

  noted(): Promise<void> {
    return this.#journal.noted()
  }

  suspend(suspension: Suspension): Promise<void> {
    return this.#suspended.suspend(suspension)
  }

  resume(lane: string, only?: OnlyOne): Promise<boolean> {
    return this.#suspended.resume(lane, only)
  }

  suspensions(): Promise<readonly Suspension[]> {
    return this.#suspended.suspensions()
  }

  meet(states: readonly State[]): AsyncIterable<Sighting> {
    return this.#rounds.meet(states)
  }

  stamp(state: State): string | undefined {
    return this.#rounds.stamp(state)
  }

  place(placement: Placement): Promise<void> {
    return this.#rounds.place(placement)
  }

  remember(name: string, known: unknown): Promise<void> {
    return this.#rounds.remember(name, known)
  }

  remembered(name: string): Promise<unknown> {
    return this.#rounds.remembered(name)
  }

  async recover({ claims } = { claims: true }): Promise<{ interrupted: number }> {
    this.#layout.make()
    this.#lock = await this.#takeLock(this.#layout, this.#clock, !claims)
    try {
      for (const message of this.#layout.share())
        this.#report({ level: 'error', event: 'trouble', message })
      const interrupted = await this.#recover()
      if (claims) await this.#backlog.read()
      this.#sync.soon()
      return { interrupted }
    } catch (error) {
      await this.close()
      throw error instanceof MsgqError ? error : cannotUse(this.#layout.root, error)
    }
  }

  async claim(want: Parameters<Claims['claim']>[0]): Promise<readonly Lease[]> {
    this.#fence()
    this.#door.look()
    await this.#door.seal()
    this.#backlog.refill()
    this.#housekeeping.begin()
    this.#order.look()
    const leases: Lease[] = []
    // What another user sealed shows only when it is claimed, and is a message once it is ours.
    do this.#claimDue(want, leases)
    while (leases.length < want.max && (await this.#door.seal()))
    this.#door.tidy()
    this.#sync.soon()
    return leases
  }

  async settle(lease: Lease, settlement: Settlement): Promise<'ok' | 'lost'> {
    this.#fence()
    const isOrdered = this.#agenda.isOut(lease.id)
    const settled = await (isOrdered ? this.#order : this.#claims).settle(lease, settlement)
    this.#sync.soon()
    if (settled === 'lost') return 'lost'
    if (!isOrdered && settled.waiting !== undefined) this.#agenda.add(settled.waiting)
    if (settled.children !== undefined) this.#greet(lease, settled.children)
    if (['delivered', 'expanded', 'deleted', 'bounced'].includes(settlement.to))
      this.#quota.clear(lease.id)
    return 'ok'
  }

  /** What an event became stands on the doorstep, and counts for who sent it. */
  #greet({ id, envelope }: Lease, children: readonly Offspring[]): void {
    this.#door.hint()
    if (this.#quota.has(id))
      for (const { entry } of children)
        this.#quota.charge(entry.id, envelope.sender.uid, envelope.bytes)
  }

  async record(lease: Lease, line: ActLine): Promise<'ok' | 'lost'> {
    this.#fence()
    return this.#claims.record(lease, line)
  }

  readBody(lease: Lease): Promise<Body | undefined> {
    return this.#claims.body(lease)
  }

  get owesLook(): boolean {
    return this.#door.owesLook
  }

  nextDue(room: (lane: string) => number): number | undefined {
    const due = this.#agenda.nextDue(room) ?? Infinity
    const next = Math.min(due, this.#door.nextLook ?? Infinity, this.#order.nextLook)
    return next === Infinity ? undefined : next
  }

  sync(): Promise<void> {
    return this.#sync.now()
  }

  async watch(onHint: () => void): Promise<void> {
    const hint = () => {
      this.#door.hint()
      onHint()
    }
    this.#hint = hint
    this.#wake = await watchWake(this.#layout, this.#clock, hint, this.#report)
  }

  async close(): Promise<void> {
    await this.#wake?.close()
    await this.#backlog.rest()
    await this.#quota.close()
    await this.#housekeeping.rest()
    // Who runs for a moment now and then has no other time for it.
    if (this.#lock?.held()) await this.#housekeeping.tidyJournal()
    await this.#journal.close()
    await this.#sync.close()
    await this.#lock?.release()
    this.#lock = undefined
  }

  #fence(): void {
    if (this.#lock?.held()) return
    throw new FencedError(
      `spool: ${this.#layout.root} is not ours any more: our heartbeat is late`,
      'another msgqd may serve it; this one has to stop',
    )
  }
}
