/**
 * backlog - reads deferred/ into the agenda, in small pieces, while deliveries go on.
 *
 * At the start, when a lane has used up what is kept of it in memory, and every few minutes to
 * find what was moved there by hand. A file without a name of ours goes to incoming/, where
 * hand-made files are looked at; one that cannot be taken in stays, and is named once. A reading
 * that fails is reported, and begun again after a while.
 */
import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import type { Report } from '../queue.ts'
import type { Agenda } from './agenda.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { Layout } from './layout.ts'
import { isStaged, nameTest } from './name.ts'
import { namesInPieces } from './pieces.ts'
import { Trouble } from './trouble.ts'
import { waitingIn } from './waiting.ts'

/** So often (ms) it is read for what came by hand. */
const READ_EVERY = 600_000
/** Names that are read in one go. */
const PIECE = 1024
/** After a reading that failed (ms). */
const PAUSE = 60_000
const OURS = nameTest()

interface Deps {
  readonly layout: Layout
  readonly clock: Clock
  readonly agenda: Agenda
  readonly door: Doorkeeper
  readonly report: (report: Report) => void
}

export class Backlog {
  readonly #deps: Deps
  readonly #trouble: Trouble
  #reading: Promise<void> | undefined
  /** When it is read next, and when at the soonest (ms of the monotonic clock). */
  #next = -Infinity
  #soonest = -Infinity

  constructor(deps: Deps) {
    this.#deps = deps
    this.#trouble = new Trouble(deps.report)
  }

  /** Reads all of it; throws what the system says of the folder. */
  async read(): Promise<void> {
    const { layout, clock, agenda } = this.#deps
    this.#next = clock.monotonic() + READ_EVERY
    let complete = false
    agenda.beginReading()
    try {
      for await (const files of namesInPieces(layout.folder('deferred'), PIECE))
        for (const file of files) this.#admit(file)
      complete = true
    } finally {
      agenda.endReading(complete, clock.now())
    }
  }

  /** Begins to read it again where that is due. */
  refill(): void {
    const { clock, agenda, report } = this.#deps
    const now = clock.monotonic()
    if (this.#reading !== undefined || now < this.#soonest) return
    if (now < this.#next && !agenda.starving(clock.now())) return
    this.#reading = this.read()
      .catch((error: unknown) => {
        this.#soonest = this.#next = clock.monotonic() + PAUSE
        const message = `deferred/: ${plainError(error)}; read again in a minute`
        report({ level: 'error', event: 'trouble', message })
      })
      .finally(() => {
        this.#reading = undefined
      })
  }

  /** Resolves once nothing is read any more. */
  async rest(): Promise<void> {
    await this.#reading
  }

  #admit(file: string): void {
    const { agenda, door } = this.#deps
    if (isStaged(file) || (OURS.test(file) && agenda.isBeyond(file))) return
    this.#trouble.guard(`deferred/${file}`, () => {
      const waiting = waitingIn('deferred', file)
      if (waiting === undefined) door.stray('deferred', file)
      else door.admit(waiting)
    })
  }
}
