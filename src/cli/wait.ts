/**
 * wait - `msgq send --wait`: stays until it is known what became of the messages, and says it.
 *
 * What became of them src/library/waiter.ts finds out. What is known before the first byte is
 * written (that we may not look) is said then.
 */
import { formatDuration } from '../base/duration.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import type { SpoolPlace } from '../config/find.ts'
import { printable } from '../base/text.ts'
import { shortId } from '../message/id.ts'
import type { Suspension } from '../message/suspension.ts'
import { checkReadable, holderOf, openDesk } from '../queue/open.ts'
import { WORSE, kindOf } from '../library/end.ts'
import type { End, Kind } from '../library/end.ts'
import { Waiter as Watch } from '../library/waiter.ts'
import { exactTime } from './clock-text.ts'
import type { Io } from './command.ts'
import { reasonOf } from './reason.ts'
import { spanOf } from '../intake/when.ts'

/** Exit codes once a message is durable; timeout(1) has 124. */
const CODES: Readonly<Record<Kind, number>> = {
  delivered: 0,
  late: 124,
  held: 3,
  failed: 1,
}

/** How a message ended, and what to say of it on stderr; nothing where all is well. */
interface Told {
  readonly kind: Kind
  readonly text?: string | undefined
}

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
  readonly #watch: Watch
  readonly #timeout: number

  private constructor(io: Io, place: SpoolPlace, watch: Watch, timeout: number) {
    this.#io = io
    this.#place = place
    this.#watch = watch
    this.#timeout = timeout
  }

  /** Throws (77) for who may send into this spool and not look into it. */
  static async open(io: Io, place: SpoolPlace, timeout: number): Promise<Waiter> {
    try {
      checkReadable(place.spool)
      const desk = await openDesk(place.spool, { clock: io.clock, anyFilesystem: true })
      return new Waiter(io, place, await Watch.ready(desk, io.clock), timeout)
    } catch (error) {
      if (!(error instanceof MsgqError) || error.code !== 'no-permission') throw error
      const why = `--wait: who may not look into the spool cannot know what becomes of it: ${error.message}`
      const hint = 'nothing was queued: send it without --wait, or as the user of the spool'
      throw new MsgqError('no-permission', why, hint, error)
    }
  }

  /** Waits for the end of each; resolves with the exit code, and never throws what is 64 to 78. */
  async until(ids: readonly string[]): Promise<number> {
    const over = new AbortController()
    const timer = setTimeout(() => over.abort(), this.#timeout)
    try {
      await this.#sayIfDown()
      const wanted = { signal: over.signal, timeout: this.#timeout }
      const ends = await this.#watch.until(ids, wanted)
      return this.#report(ids, (id) => this.#tell(id, ends.get(id) as End))
    } catch (error) {
      if (!(error instanceof MsgqError) && errnoOf(error) === undefined) throw error
      const text = `is queued, and cannot be waited for: ${plainError(error)}`
      return this.#report(ids, (id) => {
        const end = this.#watch.isOpen(id) ? undefined : this.#watch.ends.get(id)
        return end === undefined ? { kind: 'late', text } : this.#tell(id, end)
      })
    } finally {
      clearTimeout(timer)
    }
  }

  #report(ids: readonly string[], told: (id: string) => Told): number {
    let worst = 0
    for (const id of ids) {
      const { kind, text } = told(id)
      if (text !== undefined) this.#io.warn(`send: ${shortId(id)} ${text}`)
      worst = Math.max(worst, WORSE.indexOf(kind))
    }
    return CODES[WORSE[worst] as Kind]
  }

  async #sayIfDown(): Promise<void> {
    // Who cannot tell says nothing.
    const holder = await holderOf(this.#place.spool, this.#io.clock).catch(() => 'unknown')
    if (holder === undefined)
      this.#io.warn('send: msgqd is not running: it goes out once it is started; waiting')
  }

  #tell(own: string, end: End): Told {
    const { instead } = end
    const text = this.#textOf(instead?.id ?? own, end)
    const as = instead?.as === 'child' ? 'became' : 'is a repeat of'
    const isOther = instead !== undefined && text !== undefined
    return { kind: kindOf(end), text: isOther ? `${as} ${instead.id}: ${text}` : text }
  }

  #textOf(id: string, end: End): string | undefined {
    const { outcome, state, by, trail = [], suspension } = end
    const now = this.#io.clock.now()
    const reason = end.reason ?? reasonOf(trail, now)?.text
    const shown = reason === undefined ? undefined : printable(reason, 500)
    const why = shown === undefined ? '' : `: ${shown}`
    const who = by === undefined ? '' : ` by ${by}`
    switch (outcome) {
      case 'delivered':
        return undefined
      case 'unknown':
        return UNKNOWN
      case 'dropped':
        return `dropped${why}`
      case 'suspended':
        return heldBy(suspension as Suspension, now)
      case 'held':
        return `${state ?? outcome}${who}${why}; msgq release ${shortId(id)}`
      case 'waiting': {
        const { due = 0 } = end
        const isLater = state === 'deferred' && due > now
        const next = isLater ? `, next try ${exactTime(due, now)}` : ''
        const because = shown === undefined ? '' : ` (${shown})`
        const after = `not delivered in ${formatDuration(this.#timeout)}`
        return `${after}: ${state}${next}${because}; it goes on: msgq show ${shortId(id)}`
      }
      default:
        return `${state ?? outcome}${who}${why}`
    }
  }
}

/** It waits for a lane that does not go on. */
function heldBy({ lane, by, why, until }: Suspension, now: number): string {
  const end = until === undefined ? '' : ` until ${exactTime(until, now)}`
  const who = by === undefined ? '' : ` by ${by}`
  const reason = why === undefined ? '' : `: ${printable(why, 500)}`
  return `waits: ${lane} is suspended${end}${who}${reason}; msgq resume ${lane}`
}
