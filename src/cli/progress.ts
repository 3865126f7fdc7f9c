/**
 * progress - a bar on a terminal for what takes longer than a second, and nothing anywhere else.
 *
 * It lives on stderr, redraws in its own line and is wiped away at the end, so that what is
 * printed stays clean.
 */
import { briefSpan } from './clock-text.ts'
import type { Io } from './command.ts'

/** Who is done sooner needs none (ms). */
const PATIENCE = 1_000
/** The least time between two drawings (ms). */
const EVERY = 100
const WIDTH = 24

export class Progress {
  readonly #io: Io
  readonly #label: string
  readonly #began: number
  #drawnAt = -Infinity
  #isDrawn = false

  constructor(io: Io, label: string) {
    this.#io = io
    this.#label = label
    this.#began = io.clock.monotonic()
  }

  /** So many of all have had their turn. */
  readonly tell = (seen: number, all: number): void => {
    const { stderr, clock, environment } = this.#io
    const now = clock.monotonic()
    const spent = now - this.#began
    if (stderr.isTTY !== true || spent < PATIENCE || now - this.#drawnAt < EVERY) return
    this.#drawnAt = now
    this.#isDrawn = true
    const share = all === 0 ? 1 : seen / all
    const full = Math.floor(share * WIDTH)
    const bar = `${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}`
    const left =
      seen === 0 || seen >= all ? '' : `, ${briefSpan((spent / seen) * (all - seen))} left`
    const count = `${seen.toLocaleString('en')} of ${all.toLocaleString('en')}`
    const line = `${this.#label} [${bar}] ${count}${left}`
    const wipe = environment.env['TERM'] === 'dumb' ? '' : WIPE
    stderr.write(`\r${line.slice(0, (stderr.columns || 80) - 1)}${wipe}`)
  }

  /** Wipes the bar away. */
  end(): void {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    const { stderr, environment } = this.#io
    stderr.write(environment.env['TERM'] === 'dumb' ? '\n' : `\r${WIPE}`)
  }
}

/** Clears from the cursor to the end of the line. */
const WIPE = '\u001b[K'
