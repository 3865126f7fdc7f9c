/**
 * full-screen - a terminal that is ours for a while: drawn in place, and given back as it was.
 *
 * On the alternate screen, so that what stood there stands there again; nothing is cleared before
 * it is written over, so that nothing flickers. Keys come one by one. However it ends, `close`
 * gives the terminal back, and a second call does nothing.
 */
import type { Io } from './command.ts'

/** Without a cursor, and nothing wraps: a line that is wider than it seems is cut. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'
/** The size of a terminal that does not say. */
const USUAL = { columns: 80, rows: 24 }

export class FullScreen {
  readonly #io: Io
  readonly #onKey: (key: string) => void
  readonly #onResize: () => void
  #isOpen = false

  constructor(io: Io, onKey: (key: string) => void, onResize: () => void) {
    this.#io = io
    this.#onKey = onKey
    this.#onResize = onResize
  }

  /** What there is to draw on. To clear behind the last column is to clear it, so it is left. */
  get size(): { columns: number; rows: number } {
    const { columns, rows } = this.#io.stdout
    return { columns: (columns || USUAL.columns) - 1, rows: rows || USUAL.rows }
  }

  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const { stdin, stdout } = this.#io
    stdout.write(ENTER)
    stdout.on('resize', this.#onResize)
    if (stdin.isTTY) {
      stdin.setRawMode(true)
      stdin.on('data', this.#heard)
      stdin.resume()
    }
  }

  /** Draws over what stood there. */
  async draw(lines: readonly string[]): Promise<void> {
    if (!this.#isOpen) return
    const text = lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')
    await this.#io.print(`${HOME}${text}${CLEAR_BELOW}`)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { stdin, stdout } = this.#io
    stdout.off('resize', this.#onResize)
    if (stdin.isTTY) {
      stdin.off('data', this.#heard)
      stdin.setRawMode(false)
      stdin.pause()
    }
    stdout.write(LEAVE)
  }

  readonly #heard = (bytes: Buffer | string): void => {
    for (const key of bytes.toString()) this.#onKey(key)
  }
}
