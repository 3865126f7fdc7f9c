/**
 * suspender - keeps the lanes in step with what is suspended in the queue, and says each change
 * once.
 *
 * The queue has the truth, but for what the configuration lets wait; an operator changes it
 * beside us: whoever does rings, and now and then we look by ourselves. What cannot be read leaves
 * in force what was. One that is over by itself is removed, but not while the clock is in doubt.
 * One that a rule made ends with the configuration that it was made under; one that a person made
 * never does.
 */
import type { Clock } from '../base/clock.ts'
import { inForce, suspensionText } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import type { Suspensions } from '../queue/queue.ts'
import type { Lanes } from './lanes.ts'
import type { Log } from './log.ts'
import { Trouble } from './trouble.ts'

/** So often we look by ourselves (ms): a person may have made or removed a file. */
const EVERY = 1_000

export interface SuspenderOptions {
  readonly suspensions: Suspensions
  /** Lanes that the configuration in force lets wait, whatever the queue says. */
  readonly disabled?: () => readonly Suspension[]
  readonly lanes: Lanes
  readonly clock: Clock
  readonly log: Log
  /** False while the clock is in doubt: nothing is removed then because it is over. */
  readonly mayExpire: () => boolean
  /** A print of what is in force for a lane: with another one what a rule suspended goes on. */
  readonly configOf: (lane: string) => string
  /** Lanes were suspended, or go on: not called before all else has begun. */
  readonly onChange: () => void
}

export class Suspender {
  readonly #options: SuspenderOptions
  #known: ReadonlyMap<string, Suspension> = new Map()
  /** Made by us, and not in the queue yet. */
  readonly #unwritten = new Map<string, Suspension>()
  /** When the last suspension of a lane ended (monotonic). */
  readonly #endedAt = new Map<string, number>()
  /** Those whose end was that their configuration is another, until that is said. */
  readonly #mended = new Set<string>()
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  readonly #trouble: Trouble

  constructor(options: SuspenderOptions) {
    this.#options = options
    this.#trouble = new Trouble(options.log, (why) => `suspended lanes: ${why}`)
  }

  /** Looks now, and from then on by itself until it is closed. */
  async open(): Promise<void> {
    await this.look()
    this.#timer = setInterval(() => void this.look(), EVERY)
  }

  /** Brings the lanes in step; resolves once what was there when it was called counts. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#trouble.tried(() => this.#look()))
    return this.#looking
  }

  /**
   * Suspends a lane by a rule's word, at once, and durably as soon as the disk lets us: until
   * then it is tried again at each look. Does nothing to a lane that is suspended, nor by the
   * word of an attempt that began (monotonic) before it went on for the last time.
   */
  async suspend(lane: string, why: string, beganAt: number): Promise<void> {
    const { clock, configOf } = this.#options
    const at = clock.now()
    if (inForce([...this.#known.values()], at).has(lane)) return
    if (beganAt < (this.#endedAt.get(lane) ?? -Infinity)) return
    const suspension = { lane, at, why, config: configOf(lane) }
    this.#unwritten.set(lane, suspension)
    this.#take([...this.#known.values()])
    await this.look()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  async #look(): Promise<void> {
    const { suspensions } = this.#options
    let all = await suspensions.suspensions()
    if (await this.#resumeMended(all)) all = await suspensions.suspensions()
    this.#take(all)
    await this.#removeOver(all)
    // Last: on a full disk those who resume a lane are heard all the same.
    for (const suspension of this.#unwritten.values()) {
      await suspensions.suspend(suspension)
      this.#unwritten.delete(suspension.lane)
    }
  }

  /** What counts from now on, and what is new in it. */
  #take(all: readonly Suspension[]): void {
    const { clock, disabled = () => [], lanes, onChange } = this.#options
    const next = inForce([...all, ...this.#unwritten.values(), ...disabled()], clock.now())
    const before = this.#known
    this.#known = next
    lanes.suspend(next)
    const changed = [...next.values()].filter(
      (suspension) => !isSame(before.get(suspension.lane), suspension),
    )
    const ended = [...before.values()].filter(({ lane }) => !next.has(lane))
    for (const suspension of changed) this.#say(suspension)
    for (const suspension of ended) {
      this.#endedAt.set(suspension.lane, clock.monotonic())
      this.#sayEnded(suspension)
    }
    if (this.#timer !== undefined && changed.length + ended.length > 0) onChange()
  }

  /** Lets go on what a rule suspended whose configuration is another now; true when some. */
  async #resumeMended(all: readonly Suspension[]): Promise<boolean> {
    const { suspensions, configOf } = this.#options
    let some = false
    for (const { lane, config } of this.#unwritten.values())
      if (config !== configOf(lane)) {
        this.#mended.add(lane)
        this.#unwritten.delete(lane)
      }
    for (const { lane, by, at, config } of all) {
      if (config === undefined || by !== undefined || config === configOf(lane)) continue
      this.#mended.add(lane)
      some = (await suspensions.resume(lane, { madeAt: at })) || some
    }
    return some
  }

  async #removeOver(all: readonly Suspension[]): Promise<void> {
    const { clock, mayExpire, suspensions } = this.#options
    const now = clock.now()
    if (!mayExpire()) return
    for (const { lane } of all)
      if (!this.#known.has(lane)) await suspensions.resume(lane, { overAt: now })
  }

  #say(suspension: Suspension): void {
    const { lane, by, why, until } = suspension
    const fields = {
      event: 'lane',
      lane,
      state: 'suspended',
      ...(by === undefined ? {} : { by }),
      ...(until === undefined ? {} : { until: iso(until) }),
      ...(why === undefined ? {} : { reason: why }),
    }
    const text = suspensionText(suspension, iso)
    this.#options.log.write('warn', fields, `${lane} suspended ${text}`)
  }

  #sayEnded({ lane, until = Infinity, disabled }: Suspension): void {
    const isOver = until <= this.#options.clock.now()
    const isMended = this.#mended.delete(lane)
    const word = isMended ? 'its configuration changed' : 'resumed'
    const ended = isOver ? 'its suspension is over' : word
    const reason = disabled ? 'enabled by the configuration' : ended
    const fields = { event: 'lane', lane, state: 'open', reason }
    this.#options.log.write('info', fields, `${lane} goes on: ${reason}`)
  }
}

function isSame(one: Suspension | undefined, other: Suspension): boolean {
  if (one?.disabled && other.disabled) return true
  return (
    one?.at === other.at &&
    one.by === other.by &&
    one.why === other.why &&
    one.until === other.until
  )
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
