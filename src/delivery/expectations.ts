/**
 * expectations - tells of what has to come now and then and did not: the dead man's switch.
 *
 * Goes by the journal's lines as they are noted, and at a start by those that were noted since
 * it last kept what it knows. Once a miss, and once more when it is back, over restarts: what is
 * told is written down before it is told, with the seed of its ids. A message that still stands
 * on the doorstep has come. While the clock is in doubt nothing is missed.
 */
import type { Clock } from '../base/clock.ts'
import { plainError } from '../base/errno.ts'
import type { Expectation } from '../config/after.ts'
import { isId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { EVENT_LANE, laneOf } from '../message/lane.ts'
import { storyMatcher } from '../message/selector.ts'
import type { Rounds } from '../queue/queue.ts'
import type { Log } from './log.ts'
import { wordAbsence } from './notice.ts'
import { tellAll } from './telling.ts'
import type { TellOptions } from './telling.ts'

export interface ExpectOptions extends TellOptions {
  readonly rounds: Rounds
  readonly clock: Clock
  readonly log: Log
  readonly ids: () => string
  readonly expected: () => readonly Expectation[]
  readonly mayExpire: () => boolean
}

/** What is known of one of them. */
interface Known {
  readonly seenAt: number
  /** It was told that it did not come. */
  readonly missed?: true
  /** What is being told, and the seed of its ids. */
  readonly making?: { readonly kind: 'missing' | 'back'; readonly seed: string }
}

const NAME = 'expect'
const VERSION = 1
/** What was seen is kept this often (ms), or more often for what is expected sooner. */
const KEEP_EVERY = 60_000
/** After a start the doorstep is looked at first (ms). */
const GRACE = 5_000

export class Expectations {
  readonly #options: ExpectOptions
  #known: Map<string, Known> | undefined
  #kept = ''
  #keptAt = -Infinity
  /** The last pass that ran went by this list. */
  #patterns: readonly Pattern[] = []
  #of: readonly Expectation[] | undefined
  readonly #startedAt: number
  #trouble = ''

  constructor(options: ExpectOptions) {
    this.#options = options
    this.#startedAt = options.clock.monotonic()
  }

  /** Hears a line of the journal: costs nothing where nothing is expected. */
  hear(line: JournalLine): void {
    if (this.#options.expected().length === 0) return
    const known = this.#known
    if (known === undefined) return
    for (const { name, fits } of this.#all()) {
      const before = known.get(name)
      if (before === undefined || !fits(line)) continue
      const at = Date.parse(line.at) - (line.event === 'queued' ? (line.ageMs ?? 0) : 0)
      if (at > before.seenAt) known.set(name, { ...before, seenAt: at })
    }
  }

  /** Looks at all of them, and tells what is due: how many notices. */
  async pass(): Promise<number> {
    if (this.#options.expected().length === 0) return 0
    try {
      const made = await this.#pass()
      this.#trouble = ''
      return made
    } catch (error) {
      const reason = plainError(error)
      const fields = { event: 'trouble', reason }
      if (reason !== this.#trouble)
        this.#options.log.write('error', fields, `expect: ${reason}; tried again`)
      this.#trouble = reason
      return 0
    }
  }

  async close(): Promise<void> {
    if (this.#known !== undefined) await this.#keep().catch(() => {})
  }

  async #pass(): Promise<number> {
    const { clock, expected, mayExpire } = this.#options
    await this.#open()
    let made = 0
    for (const one of expected()) {
      const { seenAt, missed, making } = this.#known!.get(one.name)!
      const isLate = clock.now() - seenAt > one.every
      if (making !== undefined) made += await this.#tell(one, making.kind, making.seed)
      else if (missed === true && !isLate) made += await this.#tell(one, 'back')
      else if (missed !== true && isLate && mayExpire() && !this.#isEarly())
        if (!(await this.#isWaiting(one, seenAt))) made += await this.#tell(one, 'missing')
    }
    const least = Math.min(...expected().map(({ every }) => every / 10), KEEP_EVERY)
    if (clock.monotonic() - this.#keptAt >= least) await this.#keep()
    return made
  }

  #isEarly(): boolean {
    const { clock, expected } = this.#options
    const grace = Math.min(GRACE, ...expected().map(({ every }) => every / 2))
    return clock.monotonic() - this.#startedAt < grace
  }

  /** What was kept; what is new is expected from now on. */
  async #open(): Promise<void> {
    const { clock, desk, expected, rounds } = this.#options
    const isFirst = this.#known === undefined
    this.#known ??= parse(await rounds.remembered(NAME))
    const now = clock.now()
    let isNew = false
    let since = now
    for (const { name } of expected()) {
      const known = this.#known.get(name)
      // By a clock that was ahead it would not be missed for as long.
      if (known !== undefined && known.seenAt <= now) since = Math.min(since, known.seenAt)
      else {
        this.#known.set(name, { seenAt: now })
        isNew = true
      }
    }
    if (isFirst && since < now)
      for await (const line of desk.history({ after: since })) this.hear(line)
    if (isNew) await this.#keep()
  }

  /** Tells it: written down, told, done. */
  async #tell(one: Expectation, kind: 'missing' | 'back', begun?: string): Promise<number> {
    const { clock, ids, log, sender } = this.#options
    const { name, every, notify } = one
    const before = this.#known!.get(name)!
    const { seenAt, missed } = before
    const seed = begun ?? ids()
    this.#known!.set(name, { ...before, making: { kind, seed } })
    if (begun === undefined) await this.#keep()
    const host = sender.host ?? 'this host'
    const wording = wordAbsence({
      kind,
      name,
      every,
      host,
      lastAt: seenAt,
      now: clock.now(),
    })
    const isInDoubt = begun !== undefined
    const made = await tellAll(
      { seed, kind, wording, to: notify, isInDoubt },
      this.#options,
    )
    const { making: _, missed: __, ...rest } = this.#known!.get(name)!
    this.#known!.set(name, kind === 'missing' ? { ...rest, missed: true } : rest)
    await this.#keep()
    const told = [...made].map(([to, id]) => `${to} as ${id}`).join(', ')
    const level = kind === 'missing' ? 'warn' : 'info'
    const fields = { event: 'notice', kind, expected: name, ...(missed ? { missed } : {}) }
    log.write(level, fields, `${wording.subject}; told ${told}`)
    return 1
  }

  /** True for one that came, and was not taken off the doorstep yet. */
  async #isWaiting(one: Expectation, seenAt: number): Promise<boolean> {
    const { event, to, key, when } = one
    if (when === 'delivered') return false
    const matches = storyMatcher({
      ...(event === undefined ? {} : { events: [event] }),
      ...(key === undefined ? {} : { keys: [key] }),
    })
    const meant = to === undefined ? undefined : patternOf(to)
    for await (const met of this.#options.rounds.meet(['incoming'])) {
      if (to !== undefined && !meant!.test(met.entry.lane) && met.entry.lane !== laneOr(to))
        continue
      const story = await met.story()
      if (story?.envelope === undefined || matches?.(story) === false) continue
      const at = Date.parse(story.envelope.createdAt)
      if (at <= seenAt) continue
      this.#known!.set(one.name, { ...this.#known!.get(one.name)!, seenAt: at })
      return true
    }
    return false
  }

  #all(): readonly Pattern[] {
    const list = this.#options.expected()
    if (this.#of !== list) this.#patterns = list.map(patternIn)
    this.#of = list
    return this.#patterns
  }

  /** What nobody expects any more is forgotten. */
  async #keep(): Promise<void> {
    const { clock, expected, rounds } = this.#options
    const names = new Set(expected().map(({ name }) => name))
    for (const name of this.#known!.keys()) if (!names.has(name)) this.#known!.delete(name)
    const known = format(this.#known!)
    const text = JSON.stringify(known)
    this.#keptAt = clock.monotonic()
    if (text !== this.#kept) await rounds.remember(NAME, known)
    this.#kept = text
  }
}

interface Pattern {
  readonly name: string
  readonly fits: (line: JournalLine) => boolean
}

/** Which lines say that it came. */
function patternIn({ name, event, to, key, when }: Expectation): Pattern {
  const heard = when === 'accepted' ? 'queued' : 'delivered'
  const [ofEvent, ofTo, ofKey] = [event, to, key].map((text) =>
    text === undefined ? undefined : patternOf(text),
  )
  const lane = to === undefined ? undefined : laneOr(to)
  return {
    name,
    fits: (line) => {
      if (line.event !== heard) return false
      if (
        ofEvent !== undefined &&
        !(line.lane === EVENT_LANE && ofEvent.test(line.to ?? ''))
      )
        return false
      const isThere = line.lane === lane || ofTo?.test(line.lane ?? '')
      if (ofTo !== undefined && isThere !== true) return false
      return ofKey === undefined || ofKey.test(line.key ?? '')
    },
  }
}

/** The lane of a URL or a name; what has a star in it is none. */
function laneOr(to: string): string {
  return to.includes('*') ? to : laneOf(to)
}

function patternOf(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

function format(known: ReadonlyMap<string, Known>): unknown {
  const all = [...known].map(([name, { seenAt, ...rest }]) => [
    name,
    { seenAt: new Date(seenAt).toISOString(), ...rest },
  ])
  return { v: VERSION, expected: Object.fromEntries(all) as object }
}

function parse(raw: unknown): Map<string, Known> {
  const known = new Map<string, Known>()
  const { v, expected } = (raw ?? {}) as Record<string, unknown>
  if (v !== VERSION || typeof expected !== 'object') return known
  for (const [name, given] of Object.entries(expected ?? {})) {
    const { seenAt, missed, making } = (given ?? {}) as Record<string, unknown>
    const at = Date.parse(String(seenAt))
    if (Number.isNaN(at)) continue
    const { kind, seed } = (making ?? {}) as Record<string, unknown>
    const isMaking =
      (kind === 'missing' || kind === 'back') && typeof seed === 'string' && isId(seed)
    known.set(name, {
      seenAt: at,
      ...(missed === true ? { missed: true } : {}),
      ...(isMaking ? { making: { kind, seed } } : {}),
    })
  }
  return known
}
