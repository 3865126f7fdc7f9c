/**
 * expectations - tells of what has to come now and then and did not: the dead man's switch.
 *
 * Goes by the journal's lines as they are noted, and at a start by those that were noted since
 * it last kept what it knows. Once a miss, and once more when it is back, over restarts: what is
 * told is written down before it is told, with the seed of its ids. A message that still stands
 * on the doorstep has come. While the clock is in doubt nothing is missed.
 */
import type { Clock } from '../base/clock.ts'
import type { Expectation } from '../config/expect.ts'
import { isId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import type { Rounds } from '../queue/queue.ts'
import { isExpected, isMeantFor, saysItCame } from './arrival.ts'
import { Kept } from './kept.ts'
import type { Log } from './log.ts'
import { wordAbsence } from './notice.ts'
import { tellAll, toldText } from './telling.ts'
import type { TellOptions } from './telling.ts'
import { Trouble } from './trouble.ts'

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

const VERSION = 1
/** What was seen is kept this often (ms), or more often for what is expected sooner. */
const KEEP_EVERY = 60_000
/** After a start the doorstep is looked at first (ms). */
const GRACE = 5_000

export class Expectations {
  readonly #options: ExpectOptions
  readonly #kept: Kept
  readonly #trouble: Trouble
  #known: Map<string, Known> | undefined
  /** What was noted since it last kept what it knows was heard. */
  #hasRead = false
  #keptAt = -Infinity
  readonly #startedAt: number

  constructor(options: ExpectOptions) {
    this.#options = options
    this.#kept = new Kept(options.rounds, 'expect')
    this.#trouble = new Trouble(options.log, (why) => `expect: ${why}; tried again`)
    this.#startedAt = options.clock.monotonic()
  }

  /** Hears a line of the journal: costs nothing where nothing is expected. */
  hear(line: JournalLine): void {
    const known = this.#known
    if (known === undefined) return
    for (const one of this.#options.expected()) {
      const before = known.get(one.name)
      if (before === undefined || !saysItCame(line, one)) continue
      const at = Date.parse(line.at) - (line.event === 'queued' ? (line.ageMs ?? 0) : 0)
      if (at > before.seenAt) known.set(one.name, { ...before, seenAt: at })
    }
  }

  /** Looks at all of them, and tells what is due: how many notices. */
  async pass(): Promise<number> {
    if (this.#options.expected().length === 0) return 0
    return (await this.#trouble.tried(() => this.#pass())) ?? 0
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
    const { clock, desk, expected } = this.#options
    this.#known ??= parse(await this.#kept.read())
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
    if (!this.#hasRead && since < now)
      for await (const line of desk.history({ after: since })) this.hear(line)
    this.#hasRead = true
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
    const level = kind === 'missing' ? 'warn' : 'info'
    const fields = { event: 'notice', kind, expected: name, ...(missed ? { missed } : {}) }
    log.write(level, fields, `${wording.subject}; told ${toldText(made)}`)
    return 1
  }

  /** True for one that came, and was not taken off the doorstep yet. */
  async #isWaiting(one: Expectation, seenAt: number): Promise<boolean> {
    if (one.when === 'delivered') return false
    for await (const met of this.#options.rounds.meet(['incoming'])) {
      if (!isMeantFor(met.entry.lane, one)) continue
      const { envelope } = (await met.story()) ?? {}
      if (envelope === undefined || !isExpected(envelope, one)) continue
      const at = Date.parse(envelope.createdAt)
      if (at <= seenAt) continue
      this.#known!.set(one.name, { ...this.#known!.get(one.name)!, seenAt: at })
      return true
    }
    return false
  }

  /** What nobody expects any more is forgotten. */
  async #keep(): Promise<void> {
    const { clock, expected } = this.#options
    const names = new Set(expected().map(({ name }) => name))
    for (const name of this.#known!.keys()) if (!names.has(name)) this.#known!.delete(name)
    this.#keptAt = clock.monotonic()
    await this.#kept.write(format(this.#known!))
  }
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
