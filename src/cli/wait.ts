/**
 * wait - `msgq send --wait`: stays until it is known what became of the messages.
 *
 * The journal says it first; now and then the queue itself is looked at, because the journal is
 * no more than the story. A message that is in no folder was delivered, dropped as a repeat, or
 * deleted: which of these only the journal knows, and where it does not nothing is claimed.
 * What is known before the first byte is written (that we may not look) is said then.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { formatDuration } from '../base/duration.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import type { SpoolPlace } from '../config/find.ts'
import { printable } from '../base/text.ts'
import { shortId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { inForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import { holderOf, openDesk } from '../queue/open.ts'
import type { Desk, Mark, Suspensions } from '../queue/queue.ts'
import { exactTime } from './clock-text.ts'
import type { Io } from './command.ts'
import { reasonOf } from './reason.ts'
import { checkReadable } from './reading.ts'
import { linesOf } from './story.ts'
import { spanOf } from '../intake/when.ts'

/** Exit codes once a message is durable, from the best to the worst; timeout(1) has 124. */
const CODES = { delivered: 0, late: 124, held: 3, failed: 1 } as const

/** How a message ended, as far as its sender is concerned. */
interface End {
  readonly kind: keyof typeof CODES
  /** What to say of it on stderr; nothing where all is well. */
  readonly text?: string
}

const KINDS = Object.keys(CODES) as End['kind'][]

/** How bad it is. */
function rank({ kind }: End): number {
  return KINDS.indexOf(kind)
}

/** The queue itself is looked at so often (ms), and never in more than a tenth of the time. */
const LOOK_EVERY = 1_000
/** Of a message that is in no folder the journal may tell a moment later (ms). */
const MOMENT = 2_000
/** With these it begins anew. */
const AGAIN: ReadonlySet<string> = new Set(['released', 'requeued'])
const UNKNOWN = 'is gone, and the journal does not say how: delivered or deleted'
const DEFAULT = '60s'
/** As much as a timer can. */
const LONGEST = 2_147_483_647

/** How long to wait (ms); throws (usage) for what is no span. */
export function readTimeout(text = DEFAULT): number {
  return Math.min(LONGEST, spanOf('--timeout', text))
}

/** Somebody who waits, ready before anything is queued. */
export class Waiter {
  readonly #io: Io
  readonly #place: SpoolPlace
  readonly #desk: Desk & Suspensions
  readonly #from: Mark
  readonly #timeout: number
  readonly #ends = new Map<string, End>()
  /** Whose end is still to come, and which of ours have it too. */
  readonly #watched = new Map<string, readonly string[]>()
  readonly #children = new Set<string>()

  private constructor(
    io: Io,
    place: SpoolPlace,
    desk: Desk & Suspensions,
    from: Mark,
    timeout: number,
  ) {
    this.#io = io
    this.#place = place
    this.#desk = desk
    this.#from = from
    this.#timeout = timeout
  }

  /** Throws (77) for who may send into this spool and not look into it. */
  static async open(io: Io, place: SpoolPlace, timeout: number): Promise<Waiter> {
    try {
      checkReadable(place.spool)
      const desk = await openDesk(place.spool, { clock: io.clock, anyFilesystem: true })
      return new Waiter(io, place, desk, await desk.mark(), timeout)
    } catch (error) {
      if (!(error instanceof MsgqError) || error.code !== 'no-permission') throw error
      const why = `--wait: who may not look into the spool cannot know what becomes of it: ${error.message}`
      const hint = 'nothing was queued: send it without --wait, or as the user of the spool'
      throw new MsgqError('no-permission', why, hint, error)
    }
  }

  /** Waits for the end of each; resolves with the exit code, and never throws what is 64 to 78. */
  async until(ids: readonly string[]): Promise<number> {
    for (const id of ids) this.#watched.set(id, [id])
    const over = new AbortController()
    const timer = setTimeout(() => over.abort(), this.#timeout)
    try {
      await this.#sayIfDown()
      await Promise.race([this.#listen(over.signal), this.#look(over.signal)])
      for (const id of this.#watched.keys()) this.#end(id, await this.#late(id))
    } catch (error) {
      if (!(error instanceof MsgqError) && errnoOf(error) === undefined) throw error
      const text = `is queued, and cannot be waited for: ${plainError(error)}`
      for (const id of this.#watched.keys()) this.#end(id, { kind: 'late', text })
    } finally {
      clearTimeout(timer)
      over.abort()
    }
    return this.#report(ids)
  }

  #report(ids: readonly string[]): number {
    for (const id of ids) {
      const { text } = this.#ends.get(id)!
      if (text !== undefined) this.#io.warn(`send: ${shortId(id)} ${text}`)
    }
    const worst = Math.max(...ids.map((id) => rank(this.#ends.get(id)!)))
    return CODES[KINDS[worst]!]
  }

  async #sayIfDown(): Promise<void> {
    // Who cannot tell says nothing.
    const holder = await holderOf(this.#place.spool, this.#io.clock).catch(() => 'unknown')
    if (holder === undefined)
      this.#io.warn('send: msgqd is not running: it goes out once it is started; waiting')
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
    const { clock } = this.#io
    let missing = new Map<string, number>()
    let pause = LOOK_EVERY
    while (this.#watched.size > 0) {
      await sleep(pause, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const began = clock.monotonic()
      const ids = [...this.#watched.keys()]
      const { items } = await this.#desk.list({ ids }, { limit: ids.length })
      pause = Math.max(LOOK_EVERY, 10 * (clock.monotonic() - began))
      const there = new Map(items.map((entry) => [entry.id, entry.state]))
      const laneById = new Map(items.map((entry) => [entry.id, entry.lane]))
      const suspended = inForce(await this.#desk.suspensions(), clock.now())
      const still = new Map<string, number>()
      for (const id of ids) {
        const state = there.get(id)
        if (state === 'bounce' || state === 'corrupt' || state === 'hold')
          this.#end(id, await this.#stopped(id, state))
        else if (state === 'incoming' || state === 'deferred') {
          const suspension = suspended.get(laneById.get(id)!)
          // One that ends by itself may be over in time.
          if (suspension !== undefined && suspension.until === undefined)
            this.#end(id, heldBy(suspension))
        }
        if (state !== undefined) continue
        const since = missing.get(id) ?? began
        still.set(id, since)
        if (began - since >= MOMENT) await this.#leave(id)
      }
      missing = still
    }
  }

  #end(watched: string, end: End): void {
    for (const id of this.#watched.get(watched) ?? []) {
      const isFirst = id !== watched && end.text !== undefined
      const as = this.#children.has(watched) ? 'became' : 'is a repeat of'
      const text = isFirst ? { text: `${as} ${watched}: ${end.text}` } : {}
      const before = this.#ends.get(id)
      if (before === undefined || rank(end) > rank(before))
        this.#ends.set(id, { ...end, ...text })
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

  /** It is in no folder. */
  async #leave(id: string): Promise<void> {
    const lines = await linesOf(id, this.#desk)
    const expanded = lines.findLast(({ event }) => event === 'expanded')
    if (expanded !== undefined) return this.#watchChildren(expanded)
    const told = await this.#told(id)
    if (told !== undefined) return this.#end(id, told)
    const first = await this.#desk.firstOf(id)
    if (first !== undefined && this.#watched.has(id)) return this.#watchFirst(id, first)
    this.#end(id, { kind: 'late', text: UNKNOWN })
  }

  /** How the journal says that a message ended; undefined where it does not. */
  async #told(id: string): Promise<End | undefined> {
    let end: End | undefined
    for (const line of await linesOf(id, this.#desk))
      end = AGAIN.has(line.event) ? undefined : (endOf(line) ?? end)
    return end
  }

  /** It lies where it does not go on by itself. */
  async #stopped(id: string, state: 'bounce' | 'corrupt' | 'hold'): Promise<End> {
    const message = await this.#desk.get(id)
    const why = message && reasonOf(message.trail, this.#io.clock.now())?.text
    const text = `${state}${why === undefined ? '' : `: ${printable(why, 500)}`}`
    if (state !== 'hold') return { kind: 'failed', text }
    return { kind: 'held', text: `${text}; msgq release ${shortId(id)}` }
  }

  /** Time is over. */
  async #late(id: string): Promise<End> {
    const message = await this.#desk.get(id)
    const told = message === undefined ? await this.#told(id) : undefined
    if (message === undefined) return told ?? { kind: 'late', text: UNKNOWN }
    const { state, due, lane } = message.entry
    const now = this.#io.clock.now()
    const suspension = inForce(await this.#desk.suspensions(), now).get(lane)
    if (suspension !== undefined) return heldBy(suspension)
    const why = reasonOf(message.trail, now)?.text
    const next =
      state === 'deferred' && due > now ? `, next try ${exactTime(due, now)}` : ''
    const reason = why === undefined ? '' : ` (${printable(why, 500)})`
    const after = `not delivered in ${formatDuration(this.#timeout)}`
    const text = `${after}: ${state}${next}${reason}; it goes on: msgq show ${shortId(id)}`
    return { kind: 'late', text }
  }
}

/** It waits for a lane that does not go on. */
function heldBy({ lane, by, why }: Suspension): End {
  const who = by === undefined ? '' : ` by ${by}`
  const reason = why === undefined ? '' : `: ${printable(why, 500)}`
  const text = `waits: ${lane} is suspended${who}${reason}; msgq resume ${lane}`
  return { kind: 'held', text }
}

/** What a line of the journal says; undefined where it goes on. */
function endOf({ id, event, reason, by }: JournalLine): End | undefined {
  const why = reason === undefined ? '' : `: ${printable(reason, 500)}`
  const who = by === undefined ? '' : ` by ${by}`
  switch (event) {
    case 'delivered':
      return { kind: 'delivered' }
    case 'dropped':
      return { kind: 'delivered', text: `dropped${why}` }
    case 'bounced':
    case 'corrupt':
    case 'deleted':
    case 'expired':
      return { kind: 'failed', text: `${event}${who}${why}` }
    case 'held':
      return { kind: 'held', text: `held${who}${why}; msgq release ${shortId(id)}` }
    default:
      return undefined
  }
}
