/**
 * fallbacks - sends a copy of what is late, or bounced, to where its destination falls back to.
 *
 * Once a message, over restarts: a line in its trail is the witness. Order: 1. the ids of some
 * copies are written down, durably; 2. the copies are placed, durably; 3. each original gets its
 * line. Who dies after 1 or 2 finds the ids, and asks of those alone whether they are in the queue
 * or were in the journal. The original goes on as it was. Found by looking through the lanes that
 * have a fallback, so that it does not matter whether anything was tried: a lane may be suspended,
 * or closed. Which are wanted there, and as what, says fallback.ts.
 */
import type { Clock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import type { Fallback } from '../config/fallback.ts'
import { bytesOf } from '../message/body.ts'
import { childId } from '../message/child.ts'
import type { Envelope } from '../message/envelope.ts'
import { atText } from '../message/journal-line.ts'
import { shownTo } from '../message/mask.ts'
import type { Story } from '../message/selector.ts'
import type { Desk, History, Journal, Placement, Rounds, Sighting } from '../queue/queue.ts'
import { FallbackBook } from './fallback-book.ts'
import { copyOf, hasFallenBack, mayBeLate, wantOfBounced, wantOfLate } from './fallback.ts'
import type { Want } from './fallback.ts'
import type { Log } from './log.ts'
import { wasMade } from './telling.ts'
import { Trouble } from './trouble.ts'

export interface FallbackOptions {
  readonly rounds: Rounds
  readonly desk: Pick<Desk, 'find'> & Pick<History, 'history'>
  readonly journal: Pick<Journal, 'note'>
  readonly clock: Clock
  readonly log: Log
  /** By lane. */
  readonly fallbacks: () => ReadonlyMap<string, Fallback>
  /** Of which service a destination is, that shows a text to people. */
  readonly serviceOf: (to: string) => string | undefined
  /** False while nobody knows what time it is: nothing is late then. */
  readonly mayExpire: () => boolean
}

/** So many copies are made at once, or of so many bytes of bodies. */
const AT_ONCE = 32
const BYTES = 16 * 1024 * 1024
/** A name may appear so much later than the time that it says (ms). */
const LAG = 5_000

/** A copy that is to be made. */
interface Plan {
  readonly met: Sighting
  readonly copy: Omit<Placement, 'body'>
  readonly why: string
  /** Of its body. */
  readonly bytes: number
}

export class Fallbacks {
  readonly #options: FallbackOptions
  readonly #book: FallbackBook
  readonly #trouble: Trouble
  #stamp: string | undefined
  /** One that this pass could not read: the next one looks at it again. */
  #unread: string | undefined

  constructor(options: FallbackOptions) {
    this.#options = options
    this.#book = new FallbackBook(options.rounds)
    this.#trouble = new Trouble(options.log, (why) => `fallback: ${why}; tried again`)
  }

  /** True for what needs no copy any more, whatever it says. */
  isDone(lane: string, bouncedAt: number): boolean {
    if (!this.#options.fallbacks().has(lane)) return true
    return bouncedAt <= (this.#book.bouncedUpTo ?? -Infinity)
  }

  /** Looks, and makes the copies that are due: how many. */
  async pass({ late = true, final = false } = {}): Promise<number> {
    return this.#tried(async () => {
      this.#unread = undefined
      const made = (await this.#bounced(final)) + (late ? await this.#late() : 0)
      if (made > 0) await this.#book.keep()
      if (this.#unread !== undefined) throw new Error(`${this.#unread} cannot be read`)
      return made
    })
  }

  /** Fixes from where on copies are made, before anything can bounce. */
  async begin(): Promise<void> {
    await this.#tried(async () => 0)
  }

  async #tried(act: () => Promise<number>): Promise<number> {
    if (this.#options.fallbacks().size === 0) {
      this.#book.rest(this.#options.clock.now())
      return 0
    }
    const made = await this.#trouble.tried(async () => {
      await this.#book.open(this.#options.clock.now())
      return act()
    })
    return made ?? 0
  }

  async close(): Promise<void> {
    await this.#book.close().catch(() => {})
  }

  async #bounced(final: boolean): Promise<number> {
    const { rounds, clock, fallbacks } = this.#options
    const rules = fallbacks()
    const now = clock.now()
    const upTo = now - (final ? 1 : LAG)
    const stamp = rounds.stamp('bounce')
    if (stamp !== undefined && stamp === this.#stamp) return 0
    // A clock that went back: what has its copy says so itself.
    const from = Math.min(this.#book.bouncedUpTo!, now)
    let isRipe = true
    const made = await this.#each(['bounce'], async (met) => {
      const { lane, due } = met.entry
      const fallback = rules.get(lane)
      if (fallback === undefined || due <= from) return undefined
      if (due > upTo && due < now + 60_000) isRipe = false
      return this.#planFor(met, fallback, (story) => wantOfBounced(story, due, now))
    })
    this.#stamp = undefined
    if (this.#unread !== undefined) return made
    this.#book.bouncedUpTo = Math.max(from, upTo)
    if (isRipe) this.#stamp = stamp
    return made
  }

  async #late(): Promise<number> {
    const { clock, fallbacks, mayExpire } = this.#options
    const rules = fallbacks()
    if (![...rules.values()].some(({ after }) => after < Infinity)) return 0
    if (!mayExpire()) return 0
    return this.#each(['incoming', 'deferred'], async (met) => {
      const fallback = rules.get(met.entry.lane)
      const now = clock.now()
      if (fallback === undefined || !mayBeLate(met.entry, fallback, now)) return undefined
      return this.#planFor(met, fallback, (story) => wantOfLate(story, fallback, now))
    })
  }

  /** The copy of one; undefined where it needs none, or has had it. */
  async #planFor(
    met: Sighting,
    fallback: Fallback,
    wantOf: (story: Story) => Want | undefined,
  ): Promise<Plan | undefined> {
    const { id: parent } = met.entry
    if (this.#book.hasHad(parent)) return undefined
    const story = await met.story()
    const { envelope } = story ?? {}
    if (story?.unread) this.#unread = parent
    if (story === undefined || envelope === undefined) return undefined
    if (hasFallenBack(story.trail)) {
      this.#book.remember(parent)
      this.#book.doubts.delete(parent)
      return undefined
    }
    const want = wantOf(story)
    if (want === undefined) return undefined
    const id =
      this.#book.doubts.get(parent) ?? childId(parent, fallback.to, 'fallback', want.at)
    const { notice, sender } = envelope
    const copy = {
      id,
      draft: copyOf(envelope, fallback, this.#isOwn(envelope, fallback.to)),
      sender,
      parent,
      ...(notice === undefined ? {} : { notice }),
    }
    return { met, copy, why: want.why, bytes: envelope.bytes }
  }

  /** True where a body of JSON means there what it meant before: to no service, or to the same one. */
  #isOwn({ to: from = '', event }: Envelope, to: string): boolean {
    const { serviceOf } = this.#options
    const service = serviceOf(to)
    return service === undefined || (event === undefined && service === serviceOf(from))
  }

  /** Goes through messages, and makes the copies that are planned for some of them. */
  async #each(
    states: Parameters<Rounds['meet']>[0],
    planFor: (met: Sighting) => Promise<Plan | undefined>,
  ): Promise<number> {
    let made = 0
    let bytes = 0
    let plans: Plan[] = []
    for await (const met of this.#options.rounds.meet(states)) {
      const plan = await planFor(met)
      if (plan === undefined) continue
      plans.push(plan)
      bytes += plan.bytes
      if (plans.length < AT_ONCE && bytes < BYTES) continue
      made += await this.#make(plans)
      plans = []
      bytes = 0
    }
    return plans.length === 0 ? made : made + (await this.#make(plans))
  }

  async #make(plans: readonly Plan[]): Promise<number> {
    const inDoubt = new Set(this.#book.doubts.keys())
    for (const { met, copy } of plans) this.#book.doubts.set(met.entry.id, copy.id)
    await this.#book.keep()
    const made = await Promise.allSettled(
      plans.map((plan) => this.#makeOne(plan, inDoubt.has(plan.met.entry.id))),
    )
    const failed = made.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return made.filter((one) => one.status === 'fulfilled' && one.value).length
  }

  /** Makes one copy; false where the original has moved on, and is met again. */
  async #makeOne({ met, copy, why }: Plan, isInDoubt: boolean): Promise<boolean> {
    const { rounds, desk } = this.#options
    const { id: parent } = met.entry
    if (!(isInDoubt && (await wasMade(copy.id, desk)))) {
      const body = await bodyOf(met)
      if (body === undefined) {
        if (!isInDoubt) this.#book.doubts.delete(parent)
        return false
      }
      try {
        await rounds.place({ ...copy, body })
      } catch (error) {
        // It is there already, under the very same name.
        if (!(error instanceof MsgqError && error.code === 'software')) throw error
      }
    }
    await this.#witness(met, copy, why)
    return true
  }

  async #witness(met: Sighting, copy: Plan['copy'], why: string): Promise<void> {
    const { clock, journal, log } = this.#options
    const { id, lane } = met.entry
    const to = shownTo(copy.draft.to ?? '')
    const now = clock.now()
    const at = new Date(now).toISOString()
    const line = { at, act: 'redirected', as: copy.id } as const
    this.#book.remember(id)
    // Where it has moved, or the disk is full, its id stays on disk in place of the line.
    const reason = `to ${to} as ${copy.id}: ${why}`
    if (await met.tell({ ...line, reason }).catch(() => false)) this.#book.doubts.delete(id)
    journal.note({
      at: atText(now),
      event: 'redirected',
      id,
      lane,
      as: copy.id,
      reason: why,
    })
    const fields = { event: 'fallback', id, lane, to, as: copy.id }
    log.write('warn', fields, `${lane} falls back to ${to}: ${why}`)
  }
}

async function bodyOf(met: Sighting): Promise<Uint8Array | undefined> {
  const body = await met.body()
  // Moved between the two looks: the next pass finds it where it is then.
  return body && bytesOf(body).catch(() => undefined)
}
