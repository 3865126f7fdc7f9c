/**
 * memory - an engine without a disk, which keeps the seam honest.
 *
 * What the spool owes to files, names and locks is missing here, and what is left is the
 * meaning of the seam: what the suite asks of both is a promise, and no property of files. Each
 * method is done before it yields, so that it is whole. The store outlives an engine's death.
 */
import type { Clock } from '../../src/base/clock.ts'
import { MsgqError } from '../../src/base/errors.ts'
import type { Body } from '../../src/message/body.ts'
import type { JournalLine } from '../../src/message/journal-line.ts'
import { chainPart, chainWithin } from '../../src/message/chain.ts'
import { checkDraft } from '../../src/message/draft.ts'
import { seal, sha256 } from '../../src/message/envelope.ts'
import { fingerprint, isKeyed, keyDigest, wasRequeued } from '../../src/message/key.ts'
import { idTime } from '../../src/message/id.ts'
import { laneOf } from '../../src/message/lane.ts'
import type { Entry, Selector } from '../../src/message/selector.ts'
import { isInForce } from '../../src/message/suspension.ts'
import type { Suspension } from '../../src/message/suspension.ts'
import type { ActLine } from '../../src/message/trail.ts'
import { planFanOut } from '../../src/queue/fan-out.ts'
import {
  actLine,
  expandedLine,
  plainLine,
  queuedLine,
  reportLine,
} from '../../src/queue/journal.ts'
import type { State } from '../../src/message/state.ts'
import * as Queue from '../../src/queue/queue.ts'
import {
  firstDue,
  holdsAtDoor,
  notBeforeOf,
  planAct,
  planSettlement,
  statesMeant,
} from '../../src/queue/states.ts'
import {
  cannotRedirect,
  keptLine,
  planRedirect,
  redirectedId,
} from '../../src/queue/redirect.ts'
import { chronicle } from './memory-journal.ts'
import { bodyOf, cursorOf, entryOf, rawOf, statsOf } from './memory-store.ts'
import type { Item, MemoryStore } from './memory-store.ts'

export interface MemoryOptions {
  readonly clock: Clock
  readonly ids: () => string
  readonly keyWindow: number
  readonly report?: ((report: Queue.Report) => void) | undefined
}

export class MemoryEngine implements Queue.Engine {
  readonly #store: MemoryStore
  readonly #options: MemoryOptions
  readonly #hints = new Set<() => void>()
  #lastLane = ''

  constructor(store: MemoryStore, options: MemoryOptions) {
    this.#store = store
    this.#options = options
  }

  async enqueue({
    draft,
    body,
    sender,
    parent,
    id: given,
  }: Queue.Submission): Promise<string> {
    checkDraft(draft)
    const now = this.#now()
    const id = given ?? this.#options.ids()
    if (this.#store.items.has(id))
      throw new MsgqError('temporary', `queue: the id ${id} is taken`, 'send it again')
    const accepted =
      parent === undefined ? { id, now, sender } : { id, now, sender, parent }
    const envelope = seal(draft, body, accepted)
    this.#store.items.set(id, {
      id,
      state: 'incoming',
      lane: laneOf(draft.to),
      due: firstDue(envelope, now),
      tries: 0,
      ...chainPart(envelope, firstDue(envelope, now) > now),
      envelope,
      body: Uint8Array.from(body),
      trail: [],
    })
    this.#ring()
    return id
  }

  async submit(
    submission: Queue.Submission,
    signal?: AbortSignal,
  ): Promise<Queue.Accepted> {
    signal?.throwIfAborted()
    const { draft, sender, body } = submission
    const { key } = draft
    if (key === undefined) return { id: await this.enqueue(submission), isRepeat: false }
    const digest = keyDigest({ sender, key })
    const said = fingerprint({ ...draft, sha256: sha256(body) })
    const record = this.#store.keys.get(digest)
    const isOver =
      record !== undefined &&
      this.#now() - record.keptAt >= this.#options.keyWindow &&
      !this.#store.items.has(record.id)
    const waiting = this.#store
      .select({ states: ['incoming'] })
      .map(({ envelope }) => envelope)
      .filter((envelope) => isKeyed(envelope) && keyDigest(envelope) === digest)[0]
    const first =
      record !== undefined && !isOver
        ? record
        : waiting && {
            id: waiting.id,
            fingerprint: fingerprint(waiting),
            hops: waiting.sender.hops,
          }
    const {
      id,
      sender: { hops = 0 },
    } = submission
    if (first === undefined && this.#store.items.has(id ?? ''))
      throw hops > 1 ? new Queue.LoopError(id!, hops) : new Queue.IdConflict(id!)
    if (first === undefined) return { id: await this.enqueue(submission), isRepeat: false }
    if (first.fingerprint !== said) throw new Queue.KeyConflict(first.id)
    if (hops > (first.hops ?? Infinity)) throw new Queue.LoopError(first.id, hops)
    return { id: first.id, isRepeat: true }
  }

  refusal(): string | undefined {
    return this.#store.owner === this ? undefined : 'queue: it is not ours'
  }

  get crowd(): number {
    return this.#store.select({ states: ['incoming'] }).length
  }

  async find(ending: string): Promise<readonly Entry[]> {
    return this.#store.select({ ids: [ending] }).map(entryOf)
  }

  async get(id: string): Promise<Queue.Message | undefined> {
    const item = this.#store.items.get(id)
    if (item === undefined) return undefined
    const { envelope, trail, defect, body } = item
    const size = JSON.stringify([envelope, trail]).length + body.length
    const message = { entry: entryOf(item), size, envelope, trail }
    return defect === undefined ? message : { ...message, defect }
  }

  async firstOf(ending: string): Promise<string | undefined> {
    const found = [...this.#store.repeats.keys()].filter((id) => id.endsWith(ending))
    return found.length === 1 ? this.#store.repeats.get(found[0]!) : undefined
  }

  async body(id: string): Promise<Body | undefined> {
    const item = this.#store.items.get(id)
    return item === undefined ? undefined : bodyOf(item)
  }

  async raw(id: string): Promise<NodeJS.ReadableStream | undefined> {
    const item = this.#store.items.get(id)
    return item === undefined ? undefined : rawOf(item)
  }

  async list(
    selector: Selector,
    page: { limit: number; after?: string },
  ): Promise<Queue.Page> {
    const rest = this.#store
      .select(selector)
      .filter((item) => page.after === undefined || cursorOf(item) > page.after)
    const items = rest.slice(0, page.limit)
    const last = items.at(-1)
    return last === undefined || items.length === rest.length
      ? { items: items.map(entryOf) }
      : { items: items.map(entryOf), next: cursorOf(last) }
  }

  async stats(): Promise<Queue.Stats> {
    return statsOf([...this.#store.items.values()])
  }

  async count(selector: Selector): Promise<Partial<Record<State, number>>> {
    const counts: Partial<Record<State, number>> = {}
    for (const { state } of this.#store.select(selector))
      counts[state] = (counts[state] ?? 0) + 1
    return counts
  }

  async ages(
    selector: Selector,
    times: readonly number[],
  ): Promise<ReadonlyMap<string, readonly number[]>> {
    const lanes = new Map<string, number[]>()
    for (const { id, lane } of this.#store.select(selector)) {
      const counts = lanes.get(lane) ?? [...times, 0].map(() => 0)
      const at = times.findIndex((time) => idTime(id) >= time)
      counts[at < 0 ? times.length : at]!++
      lanes.set(lane, counts)
    }
    return lanes
  }

  async act(
    act: Queue.Act,
    selector: Selector,
    options: Queue.ActOptions,
  ): Promise<Queue.ActResult> {
    const { by, reason, dryRun, redirect, onProgress } = options
    const { named = selector.ids !== undefined } = options
    if (redirect !== undefined) checkDraft({ to: redirect.to })
    const meant = { ...selector, states: statesMeant(act, selector) }
    const selected = this.#store.select(meant).slice(0, selector.limit)
    const done: string[] = []
    const skipped: { id: string; why: string }[] = []
    const made = new Map<string, string>()
    for (const item of selected) {
      onProgress?.(done.length + skipped.length, selected.length)
      if (redirect !== undefined) {
        const sent = this.#redirect(item, redirect, options, named)
        if ('why' in sent) skipped.push({ id: item.id, why: sent.why })
        else {
          done.push(item.id)
          made.set(item.id, sent.id)
        }
        continue
      }
      const move = planAct(act, item, {
        now: this.#now(),
        notBefore: notBeforeOf(item.envelope),
        named,
        by,
        reason,
      })
      if (typeof move === 'string') {
        skipped.push({ id: item.id, why: move })
        continue
      }
      done.push(item.id)
      if (dryRun) continue
      this.note(actLine(act, item, options, this.#now()))
      if (move.to === 'gone') this.#freeKey(item)
      this.#store.move(item, move)
    }
    if (done.length > 0 && !dryRun) this.#ring()
    onProgress?.(selected.length, selected.length)
    const result = { matched: selected.length, done, skipped }
    return redirect === undefined ? result : { ...result, made }
  }

  #redirect(
    item: Item,
    { to, keep }: Queue.Redirect,
    { by, reason, dryRun = false }: Queue.ActOptions,
    named: boolean,
  ): { id: string } | { why: string } {
    const { envelope, trail, body } = item
    const why = cannotRedirect(item)
    if (why !== undefined) return { why }
    if (bodyOf(item) === undefined) return { why: 'its body is not the one sealed' }
    const size = JSON.stringify([envelope, trail]).length + body.length
    const id = redirectedId(item.id, to, size)
    const context = { now: this.#now(), named, by, reason }
    const child = planRedirect({ entry: item, envelope, body }, to, id, context)
    if (dryRun) return { id }
    if (!this.#store.items.has(id))
      this.#store.items.set(id, {
        ...child.entry,
        envelope: child.envelope,
        body,
        trail: [child.line],
      })
    const { state, due, tries } = item
    if (keep) this.#store.move(item, { to: state, due, tries, line: keptLine(child) })
    else this.#store.move(item, { to: 'gone', due, tries })
    return { id }
  }

  async claim(want: Parameters<Queue.Claims['claim']>[0]): Promise<readonly Queue.Lease[]> {
    if (this.#store.owner !== this) throw new Queue.FencedError('queue: it is not ours')
    this.#clearDoorstep()
    const now = this.#now()
    const ready = new Map<string, Item[]>()
    const isFirst = this.#firsts(want.ordered)
    for (const item of this.#store.select({ states: ['deferred'] })) {
      if (item.due > now || !isFirst(item)) continue
      const lane = ready.get(item.lane) ?? []
      if (lane.length < want.room(item.lane)) ready.set(item.lane, [...lane, item])
    }
    const lanes = [...ready.keys()].toSorted()
    const turn = lanes.findIndex((lane) => lane > this.#lastLane)
    const order = turn < 0 ? lanes : [...lanes.slice(turn), ...lanes.slice(0, turn)]
    const leases: Queue.Lease[] = []
    for (let round = 0; order.some((lane) => ready.get(lane)![round]); round++)
      for (const lane of order) {
        const item = ready.get(lane)![round]
        if (item !== undefined && leases.length < want.max) leases.push(this.#lease(item))
      }
    this.#lastLane = leases.at(-1)?.lane ?? this.#lastLane
    return leases
  }

  async settle(lease: Queue.Lease, settlement: Queue.Settlement): Promise<'ok' | 'lost'> {
    const item = this.#leased(lease)
    if (item === undefined) return 'lost'
    const { envelope } = item
    const record = isKeyed(envelope) ? this.#store.keys.get(keyDigest(envelope)) : undefined
    if (settlement.to === 'expanded' && this.#proven(item) === undefined) return 'lost'
    if (settlement.to === 'expanded') this.#fanOut(item, settlement.destinations)
    if (settlement.to === 'deleted') this.#freeKey(item)
    else if (record !== undefined) record.keptAt = this.#now()
    this.#store.move(item, planSettlement(item, settlement, this.#now()))
    return 'ok'
  }

  #fanOut({ id, lane, envelope, body }: Item, destinations: readonly string[]): void {
    const children = planFanOut(envelope, destinations)
    for (const child of children)
      if (!this.#store.items.has(child.entry.id))
        this.#store.items.set(child.entry.id, {
          ...child.entry,
          envelope: child.envelope,
          body,
          trail: [],
        })
    if (children.length === 0) return
    const ids = children.map(({ entry }) => entry.id)
    this.note(expandedLine({ id, lane }, ids, this.#now(), envelope.event))
    this.#ring()
  }

  async record(lease: Queue.Lease, line: ActLine): Promise<'ok' | 'lost'> {
    const item = this.#leased(lease)
    if (item === undefined) return 'lost'
    this.#store.items.set(item.id, { ...item, trail: [...item.trail, line] })
    return 'ok'
  }

  async readBody(lease: Queue.Lease): Promise<Body | undefined> {
    const item = this.#leased(lease)
    if (item === undefined) return undefined
    return this.#proven(item)
  }

  /** The body; one that disproves itself is put aside. */
  #proven(item: Item): Body | undefined {
    const body = bodyOf(item)
    if (body === undefined) {
      const message = 'its body is not the one sealed'
      this.#store.putAside(item, message)
      const { id, lane } = item
      this.#report({ level: 'error', event: 'corrupt', id, lane, message })
    }
    return body
  }

  nextDue(room: (lane: string) => number): number | undefined {
    return this.#store
      .select({ states: ['incoming', 'deferred'] })
      .find((item) => room(item.lane) > 0)?.due
  }

  async watch(onHint: () => void): Promise<void> {
    this.#hints.add(onHint)
    this.#store.watchers.add(onHint)
  }

  async suspend(suspension: Suspension): Promise<void> {
    this.#store.suspended.set(suspension.lane, suspension)
  }

  async resume(lane: string, only?: Queue.OnlyOne): Promise<boolean> {
    const known = this.#store.suspended.get(lane)
    if (known === undefined) return false
    if (only !== undefined) {
      const isMeant =
        'madeAt' in only ? known.at === only.madeAt : !isInForce(known, only.overAt)
      if (!isMeant) return false
    }
    return this.#store.suspended.delete(lane)
  }

  async suspensions(): Promise<readonly Suspension[]> {
    return [...this.#store.suspended.values()].toSorted((a, b) =>
      a.lane < b.lane ? -1 : 1,
    )
  }

  async *meet(states: readonly State[]): AsyncGenerator<Queue.Sighting> {
    for (const { id, state } of this.#store.select({ states })) {
      const item = () => {
        const now = this.#store.items.get(id)
        return now?.state === state ? now : undefined
      }
      const met = item()
      if (met === undefined) continue
      yield {
        entry: entryOf(met),
        story: async () => item(),
        body: async () => {
          const now = item()
          return now === undefined ? undefined : bodyOf(now)
        },
        tell: async (line) => {
          const now = item()
          if (now !== undefined)
            this.#store.items.set(id, { ...now, trail: [...now.trail, line] })
          return now !== undefined
        },
      }
    }
  }

  stamp(): undefined {}

  async place(offspring: Queue.Placement): Promise<void> {
    const { id, draft, body, line } = offspring
    const now = this.#now()
    const envelope = seal(draft, body, { ...offspring, now })
    this.#store.items.set(id, {
      id,
      state: 'incoming',
      lane: laneOf(draft.to),
      due: firstDue(envelope, now),
      tries: 0,
      envelope,
      body: Uint8Array.from(body),
      trail: line === undefined ? [] : [line],
    })
    this.#ring()
  }

  async remember(name: string, known: unknown): Promise<void> {
    this.#store.known.set(name, JSON.stringify(known))
  }

  async remembered(name: string): Promise<unknown> {
    const known = this.#store.known.get(name)
    return known === undefined ? undefined : JSON.parse(known)
  }

  async recover(): Promise<{ readonly interrupted: number }> {
    if (this.#store.owner !== undefined && this.#store.owner !== this)
      throw new MsgqError('temporary', 'queue: it is served by another')
    this.#store.owner = this
    const found = this.#store.select({ states: ['active'] })
    const at = new Date(this.#now()).toISOString()
    for (const item of found) {
      this.note(plainLine('interrupted', item, this.#now()))
      this.#store.move(item, {
        to: 'incoming',
        due: item.due,
        tries: item.tries,
        line: { at, act: 'interrupted' },
      })
    }
    return { interrupted: found.length }
  }

  async sync(): Promise<void> {}

  note(line: JournalLine): void {
    this.#store.journal.push(line)
  }

  async noted(): Promise<void> {}

  async mark(): Promise<Queue.Mark> {
    return { place: this.#store.journal.length }
  }

  history(query: Queue.JournalQuery): AsyncIterable<JournalLine> {
    return chronicle(this.#store.journal, query)
  }

  async close(): Promise<void> {
    for (const onHint of this.#hints) this.#store.watchers.delete(onHint)
    if (this.#store.owner === this) this.#store.owner = undefined
  }

  /** What is new goes to `hold` where its sender wants that, and else waits for its time. */
  #clearDoorstep(): void {
    const found = this.#store.select({ states: ['incoming'] })
    for (const item of found.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      if (!this.#passes(item)) continue
      const { due, tries } = item
      const to = holdsAtDoor(item.envelope, item.trail) ? 'hold' : 'deferred'
      const queued = queuedLine(item.envelope, item, this.#now(), item.trail)
      if (queued !== undefined) this.note(queued)
      if (to === 'hold')
        this.note(plainLine('held', item, this.#now(), 'its sender said hold'))
      this.#store.move(item, { to, due, tries })
    }
  }

  /** False for a message that has not its key: it is dropped, or bounces. */
  #passes(item: Item): boolean {
    const { envelope, id, trail, tries } = item
    if (!isKeyed(envelope) || wasRequeued(trail)) return true
    const { keys, items, repeats } = this.#store
    const [digest, print] = [keyDigest(envelope), fingerprint(envelope)]
    const record = keys.get(digest)
    const isOver =
      record !== undefined &&
      !items.has(record.id) &&
      this.#now() - record.keptAt >= this.#options.keyWindow
    if (record === undefined || isOver) {
      const { hops } = envelope.sender
      keys.set(digest, { id, fingerprint: print, hops, keptAt: this.#now() })
      return true
    }
    if (record.id === id) return true
    if (record.fingerprint === print) {
      repeats.set(id, record.id)
      items.delete(id)
      const message = `dropped: a repeat of ${record.id}, by its key`
      const { lane } = item
      this.#report({ level: 'info', event: 'repeat', id, lane, of: record.id, message })
      return false
    }
    const reason = `its key was given to ${record.id}, which says something else`
    const due = this.#now()
    const line = { at: new Date(due).toISOString(), act: 'refused', reason } as const
    this.#store.move(item, { to: 'bounce', due, tries, line })
    const message = `bounced: ${reason}`
    this.#report({ level: 'warn', event: 'conflict', id, lane: item.lane, message })
    return false
  }

  /** True for what no other of its chain holds back. */
  #firsts(ordered: (lane: string) => boolean = () => false): (item: Item) => boolean {
    const keyOf = ({ lane, chain, state, due, envelope, tries }: Item) => {
      const whole = ordered(lane)
      // Of an ordered lane too: what has a time of its own goes out then.
      const isScheduled = whole && state !== 'active' && tries === 0 && due > this.#now()
      if (isScheduled && notBeforeOf(envelope) === due) return undefined
      const key = chainWithin(chain, whole)
      return key === undefined ? undefined : `${lane}~${key}`
    }
    const first = new Map<string, Item>()
    const waiting = this.#store.select({ states: ['incoming', 'active', 'deferred'] })
    for (const item of waiting) {
      const key = keyOf(item)
      const known = key === undefined ? undefined : first.get(key)
      const isBefore =
        known === undefined ||
        (item.state === 'active' && known.state !== 'active') ||
        ((item.state === 'active') === (known.state === 'active') && item.id < known.id)
      if (key !== undefined && isBefore) first.set(key, item)
    }
    return (item) => {
      const key = keyOf(item)
      return key === undefined || first.get(key)?.id === item.id
    }
  }

  #report(report: Queue.Report): void {
    const line = reportLine(report, this.#now())
    if (line !== undefined) this.note(line)
    this.#options.report?.(report)
  }

  #freeKey({ envelope, id }: Item): void {
    if (!isKeyed(envelope)) return
    const digest = keyDigest(envelope)
    if (this.#store.keys.get(digest)?.id === id) this.#store.keys.delete(digest)
  }

  #lease(item: Item): Queue.Lease {
    const token = String(++this.#store.claims)
    this.#store.items.set(item.id, { ...item, state: 'active', token })
    const { id, lane, tries, due, chain, envelope, trail } = item
    const lease = { id, token, lane, tries, due, envelope, trail }
    return chain === undefined ? lease : { ...lease, chain }
  }

  #leased(lease: Queue.Lease): Item | undefined {
    const item = this.#store.items.get(lease.id)
    return item?.token === lease.token ? item : undefined
  }

  #ring(): void {
    for (const onHint of this.#store.watchers) queueMicrotask(onHint)
  }

  #now(): number {
    return this.#options.clock.now()
  }
}
