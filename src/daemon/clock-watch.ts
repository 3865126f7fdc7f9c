/**
 * clock-watch - keeps the guard of the clock awake, and does what its doubts call for.
 *
 * Once a minute it looks, and leaves in the spool what the next start has to know. A doubt is
 * said once. When the clock went back, what waits for a time that is far ahead now is made due
 * earlier, and lanes that are closed until then are opened. That a file cannot be written or a
 * folder not be read is said, and stops no delivery.
 */
import type { Clock } from '../base/clock.ts'
import { briefDuration } from '../base/duration.ts'
import { ClockGuard } from '../delivery/clock-guard.ts'
import type { ClockEvent, Doubt } from '../delivery/clock-guard.ts'
import type { Log } from '../delivery/log.ts'
import type { ClockStatus } from '../delivery/status.ts'
import { Trouble } from '../delivery/trouble.ts'
import { pullIn, readWitness, writeWitness } from '../queue/open.ts'
import type { PullRule } from '../queue/open.ts'

export interface ClockWatchOptions {
  readonly spool: string
  readonly clock: Clock
  readonly log: Log
  /** What is due too late now that the clock went back, by the configuration in force. */
  readonly rule: () => PullRule
  /**
   * The clock went back: times that were counted by it are worth nothing. Not called for what the
   * last daemon left: nothing was counted yet, and nothing may go out before all else has begun.
   */
  readonly onBack: () => void
}

const LOOK_EVERY = 60_000

export class ClockWatch {
  readonly #options: ClockWatchOptions
  /** Undefined until it watches: nobody knows yet what time it is. */
  #guard: ClockGuard | undefined
  #timer: NodeJS.Timeout | undefined
  /** It went back since it was last believed. */
  #wentBack = false
  readonly #trouble: Trouble
  readonly #stopping = new AbortController()
  #writing: Promise<void> = Promise.resolve()
  #pulling: Promise<void> = Promise.resolve()

  constructor(options: ClockWatchOptions) {
    this.#options = options
    this.#trouble = new Trouble(options.log, (why) => `clock: ${why}`)
  }

  /** Begins to watch. The lock must be held: what the last daemon left is taken over. */
  async open(): Promise<void> {
    const { clock, spool } = this.#options
    const known = await readWitness(spool)
    this.#guard = new ClockGuard(clock, known, (event) => this.#hear(event))
    const { doubt } = this.#guard
    if (doubt !== undefined) this.#hear({ kind: 'doubted', doubt }, () => {})
    this.#write()
    await this.#writing
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY)
    this.#timer.unref()
  }

  /** False while the clock is in doubt, and before it is watched. */
  mayExpire(): boolean {
    return this.#guard?.mayExpire() ?? false
  }

  /** An operator says that it is right; false: nobody doubted it. Durable when it resolves. */
  async confirm(): Promise<boolean> {
    const doubted = this.#guard?.confirm() ?? false
    await this.#writing
    return doubted
  }

  /** What `msgq status` shows of a doubt. */
  status(): ClockStatus | undefined {
    this.#guard?.look()
    const doubt = this.#guard?.doubt
    if (doubt === undefined) return undefined
    const { since, step } = doubt
    return { doubtedSince: new Date(since).toISOString(), stepMs: step }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    this.#look()
    await this.#writing
    await this.#pulling
  }

  #look(): void {
    this.#guard?.look()
    this.#write()
  }

  #hear(event: ClockEvent, onBack = this.#options.onBack): void {
    const { log } = this.#options
    if (event.kind === 'believed') {
      const why =
        event.by === 'time' ? 'it was consistent for an hour' : 'an operator says so'
      const fields = { event: 'clock', believed: true, by: event.by }
      log.write('info', fields, `the clock is believed again: ${why}`)
    } else {
      const { step } = event.doubt
      const fields = { event: 'clock', believed: false, stepMs: step }
      log.write('warn', fields, doubtText(event.doubt))
      this.#wentBack ||= step < 0
    }
    // At the end of the doubt once more: for what came to the folders while they were read.
    if (this.#wentBack) {
      onBack()
      this.#pulling = this.#pulling.then(() => this.#trouble.tried(() => this.#pullIn()))
    }
    if (event.kind === 'believed') this.#wentBack = false
    this.#write()
  }

  async #pullIn(): Promise<void> {
    const { spool, log, rule } = this.#options
    const pulled = await pullIn(spool, rule(), this.#stopping.signal)
    const fields = { event: 'clock', pulled }
    if (pulled > 0)
      log.write(
        'info',
        fields,
        `the clock went back: ${pulled} due earlier than their names`,
      )
  }

  #write(): void {
    const guard = this.#guard
    if (guard === undefined) return
    const write = () => writeWitness(this.#options.spool, guard.witness)
    this.#writing = this.#writing.then(() => this.#trouble.tried(write))
  }
}

function doubtText({ step }: Doubt): string {
  const how = `${briefDuration(Math.abs(step))} ${step < 0 ? 'back' : 'forward'}`
  return `the clock went ${how}: nothing expires until it was right for an hour, or msgq check --clock-ok`
}
