/**
 * housekeeping - what is removed from a spool now and then, beside the deliveries.
 *
 * What writers that died left in incoming/, keys that count no more, days of the journal that
 * are over for long, bounces that nobody requeued, what other users' garbage takes beyond their
 * bounds. A pass that fails is said, and made again the next time.
 */
import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import type { Report } from '../queue.ts'
import type { SpoolJournal } from './journal.ts'
import { pruneKeys } from './key-prune.ts'
import type { PruneDeps } from './key-prune.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import type { Bounds } from './quota.ts'
import { Sweep } from './sweep.ts'
import { removeBounced } from './sweep-bounce.ts'
import type { BounceDeps } from './sweep-bounce.ts'
import { boundCorrupt } from './sweep-corrupt.ts'

/** So often (ms). */
const EVERY = 600_000

interface Deps extends PruneDeps, BounceDeps {
  readonly layout: Layout
  readonly clock: Clock
  readonly mover: Mover
  readonly bounds: Bounds
  readonly report: (report: Report) => void
  readonly journal: SpoolJournal
  /** How long a day of the journal is kept (ms). */
  readonly retention: number
  /** False while nobody knows what time it is: nothing is removed then because it is old. */
  readonly mayExpire: () => boolean
}

export class Housekeeping {
  readonly #deps: Deps
  readonly #sweep: Sweep
  #doneAt: number
  #running: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
    this.#sweep = new Sweep(deps.layout, deps.clock)
    this.#doneAt = deps.clock.monotonic()
  }

  /** Begins a pass where one is due. */
  begin(): void {
    const now = this.#deps.clock.monotonic()
    if (now - this.#doneAt < EVERY) return
    this.#doneAt = now
    this.#running ??= this.#pass().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves once nothing is removed any more. */
  async rest(): Promise<void> {
    await this.#running
  }

  /** The days of the journal that are over for longer than they are kept. */
  async tidyJournal(): Promise<void> {
    const { journal, retention, mayExpire } = this.#deps
    if (mayExpire()) await this.#guard('log/', () => journal.prune(retention))
  }

  async #pass(): Promise<void> {
    const { mayExpire } = this.#deps
    await this.#guard('incoming/', async () => this.#sweep.pass())
    if (mayExpire()) await this.#guard('keys/', () => pruneKeys(this.#deps))
    await this.tidyJournal()
    if (mayExpire()) await this.#guard('bounce/', () => removeBounced(this.#deps))
    await this.#guard('corrupt/', () => boundCorrupt(this.#deps))
  }

  async #guard(where: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const message = `sweep of ${where}: ${plainError(error)}`
      this.#deps.report({ level: 'error', event: 'trouble', message })
    }
  }
}
