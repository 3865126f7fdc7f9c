/**
 * waiter - stays until it is known what became of some messages.
 *
 * The journal says it first; now and then the queue itself is looked at, because the journal is
 * no more than the story. A message that is in no folder was delivered, dropped as a repeat, or
 * deleted: which of these only the journal knows, and where it does not nothing is claimed.
 * What to say of it is the caller's.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from '../base/clock.ts'
import { linked } from '../base/linked.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { inForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import type { Desk, Mark, Suspensions } from '../queue/queue.ts'
import { endIn, endOf, isWorse } from './end.ts'
import type { End } from './end.ts'

/** The queue itself is looked at so often (ms), and never in more than a tenth of the time. */
const LOOK_EVERY = 1_000
/** Of a message that is in no folder the journal may tell a moment later (ms). */
const MOMENT = 2_000

export interface Wanted {
  /** Time is over. */
  readonly signal: AbortSignal
  /** How long that is (ms): what is suspended for longer is not waited for. */
  readonly timeout: number
  /** They may have ended long ago: what is known of them counts. */
  readonly past?: boolean
}

/** Somebody who waits, ready before anything is queued. Waits once. */
export class Waiter {
  readonly #desk: Desk & Suspensions
  readonly #clock: Clock
  readonly #from: Mark
  readonly #ends = new Map<string, End>()
  /** Whose end is still to come, and which of ours have it too. */
  readonly #watched = new Map<string, readonly string[]>()
  readonly #children = new Set<string>()
  /** When time is over (epoch ms). */
  #overAt = Infinity

  private constructor(desk: Desk & Suspensions, clock: Clock, from: Mark) {
    this.#desk = desk
    this.#clock = clock
    this.#from = from
  }

  static async ready(desk: Desk & Suspensions, clock: Clock): Promise<Waiter> {
    return new Waiter(desk, clock, await desk.mark())
  }

  /** How each ended, or where it was when time was over. */
  async until(
    ids: readonly string[],
    { signal, timeout, past = false }: Wanted,
  ): Promise<ReadonlyMap<string, End>> {
    for (const id of ids) this.#watched.set(id, [id])
    this.#overAt = this.#clock.now() + timeout
    const known = new AbortController()
    const { signal: over, release } = linked(signal, known.signal)
    try {
      if (past) await this.#recollect()
      // Most lanes are not, and to look for the messages costs more.
      else if ((await this.#suspended()).size > 0) await this.#find(ids)
      if (this.#watched.size > 0) await Promise.race([this.#listen(over), this.#look(over)])
      for (const id of this.#watched.keys()) this.#end(id, await this.#late(id))
    } finally {
      known.abort()
      release()
    }
    return this.#ends
  }

  /** What is known of them so far. */
  get ends(): ReadonlyMap<string, End> {
    return this.#ends
  }

  /** True while it has not ended, or not all of it. */
  isOpen(id: string): boolean {
    return [...this.#watched.values()].some((ids) => ids.includes(id))
  }

  /** Follows the journal until all have ended, or time is over. */
  async #listen(follow: AbortSignal): Promise<void> {
    const matches = ({ id }: JournalLine) => this.#watched.has(id)
    for await (const line of this.#desk.history({ from: this.#from, matches, follow })) {
      const end = endOf(line)
      if (end !== undefined) this.#end(line.id, end)
      else if (line.event === 'expanded') this.#watchChildren(line)
      else if (line.event === 'repeat' && line.of !== undefined)
        await this.#watchFirst(line.id, line.of)
      if (this.#watched.size === 0) return
    }
  }

  /** Looks at the queue until all have ended, or time is over. */
  async #look(signal: AbortSignal): Promise<void> {
    let missing = new Map<string, number>()
    let pause = LOOK_EVERY
    while (this.#watched.size > 0) {
      await sleep(pause, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const began = this.#clock.monotonic()
      const ids = [...this.#watched.keys()]
      const there = await this.#find(ids)
      pause = Math.max(LOOK_EVERY, 10 * (this.#clock.monotonic() - began))
      const still = new Map<string, number>()
      for (const id of ids) {
        if (there.has(id)) continue
        const since = missing.get(id) ?? began
        still.set(id, since)
        if (began - since < MOMENT || (await this.#leave(id))) continue
        this.#end(id, { outcome: 'unknown' })
      }
      missing = still
    }
  }

  /** Which of them are in the queue; those that do not go on by themselves have ended. */
  async #find(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { items } = await this.#desk.list({ ids }, { limit: ids.length })
    const suspended = await this.#suspended()
    for (const { id, state, lane } of items) {
      if (state === 'bounce' || state === 'corrupt' || state === 'hold')
        this.#end(id, await this.#stopped(id, state))
      else if (state === 'incoming' || state === 'deferred') {
        const suspension = suspended.get(lane)
        if (suspension !== undefined && !this.#isOverInTime(suspension))
          this.#end(id, { outcome: 'suspended', suspension })
      }
    }
    return new Set(items.map(({ id }) => id))
  }

  /** True for a suspension that ends by itself before our time is over. */
  #isOverInTime({ until }: Suspension): boolean {
    return until !== undefined && until <= this.#overAt
  }

  /** Lanes that are suspended now. */
  async #suspended(): Promise<ReadonlyMap<string, Suspension>> {
    return inForce(await this.#desk.suspensions(), this.#clock.now())
  }

  /** What is known before anything more happens, of what they became too. */
  async #recollect(): Promise<void> {
    // Those that are watched in place of another come up later in the same loop.
    for (const id of this.#watched.keys()) {
      const there = await this.#find([id])
      if (!there.has(id)) await this.#leave(id)
    }
  }

  #end(watched: string, end: End): void {
    for (const id of this.#watched.get(watched) ?? []) {
      const as = this.#children.has(watched) ? 'child' : 'first'
      const before = this.#ends.get(id)
      if (before === undefined || isWorse(end, before))
        this.#ends.set(id, id === watched ? end : { ...end, instead: { id: watched, as } })
    }
    this.#watched.delete(watched)
  }

  /** An event became messages: it ended when all of them have, as the worst of them. */
  #watchChildren({ id, children = [] }: JournalLine): void {
    const ours = this.#watched.get(id)
    if (ours === undefined) return
    this.#watched.delete(id)
    for (const child of children) {
      this.#children.add(child)
      this.#watched.set(child, ours)
    }
  }

  /** A repeat was dropped: what counts is what becomes of the first one. */
  async #watchFirst(repeat: string, first: string): Promise<void> {
    const ids = this.#watched.get(repeat) ?? []
    this.#watched.delete(repeat)
    this.#watched.set(first, [...(this.#watched.get(first) ?? []), ...ids])
    const told = await this.#told(first)
    if (told !== undefined) this.#end(first, told)
  }

  /** It is in no folder. False where nobody tells why. */
  async #leave(id: string): Promise<boolean> {
    const lines = await this.#linesOf(id)
    const expanded = lines.findLast(({ event }) => event === 'expanded')
    if (expanded !== undefined) this.#watchChildren(expanded)
    else {
      const told = endIn(lines)
      const first = told === undefined ? await this.#desk.firstOf(id) : undefined
      if (told !== undefined) this.#end(id, told)
      else if (first === undefined || !this.#watched.has(id)) return false
      else await this.#watchFirst(id, first)
    }
    return true
  }

  async #told(id: string): Promise<End | undefined> {
    return endIn(await this.#linesOf(id))
  }

  async #linesOf(id: string): Promise<JournalLine[]> {
    const lines: JournalLine[] = []
    for await (const line of this.#desk.history({ ids: [id] })) lines.push(line)
    return lines
  }

  /** It lies where it does not go on by itself. */
  async #stopped(id: string, state: 'bounce' | 'corrupt' | 'hold'): Promise<End> {
    const trail = (await this.#desk.get(id))?.trail ?? []
    const outcome = { bounce: 'bounced', corrupt: 'corrupt', hold: 'held' } as const
    return { outcome: outcome[state], state, trail }
  }

  /** Time is over. */
  async #late(id: string): Promise<End> {
    const message = await this.#desk.get(id)
    if (message === undefined) return (await this.#told(id)) ?? { outcome: 'unknown' }
    const { state, due, lane } = message.entry
    const suspension = (await this.#suspended()).get(lane)
    if (suspension !== undefined) return { outcome: 'suspended', suspension }
    return { outcome: 'waiting', state, due, trail: message.trail }
  }
}
