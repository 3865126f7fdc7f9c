/**
 * answers - what came of each line of a batch, said in the order of the lines.
 *
 * Lines are under way side by side; how many is bounded by number and by bytes. A line that is
 * wrong is refused and the others go on. Trouble that is not the line's own ends the batch: no
 * more lines are to be added, and those under way are still answered.
 */
import { plainError } from '../base/errno.ts'
import { EXIT_CODES, MsgqError, UnsureError } from '../base/errors.ts'
import { ReaderLeft } from './io.ts'

/** Lines under way at once. They share syncs, so that more of them take fewer for each. */
const ABREAST = 256
/** Bytes of lines under way at once; a single line may have more. */
const BYTES_ABREAST = 32 * 1024 * 1024

/** Exit code when nobody knows whether a line was queued. */
const UNSURE = 1

/** How answers reach a person, and how the one who adds lines hears of the end. */
export interface Voice {
  /** Says what a line came to. */
  answer(text: string): Promise<void>
  /** Says what is wrong. */
  warn(line: string): void
  /** No more lines are to be added. */
  onEnd(): void
}

export class Answers {
  readonly #voice: Voice
  #tail: Promise<void> = Promise.resolve()
  #underWay = 0
  #bytes = 0
  #last = 0
  #good = 0
  #refused = 0
  #exitCode: number | undefined
  #bug: unknown
  #freed: () => void = () => {}

  constructor(voice: Voice) {
    this.#voice = voice
  }

  /** True once no more lines are to be added. */
  get ended(): boolean {
    return this.#exitCode !== undefined
  }

  /** Resolves when a line of this length may be added. */
  async room(bytes: number): Promise<void> {
    while (
      this.#underWay >= ABREAST ||
      (this.#underWay > 0 && this.#bytes + bytes > BYTES_ABREAST)
    )
      await new Promise<void>((resolve) => {
        this.#freed = resolve
      })
  }

  /** Begins with a line; its answer is said after those of the lines before it. */
  add(number: number, bytes: number, take: () => Promise<string>): void {
    this.#underWay++
    this.#bytes += bytes
    this.#last = number
    const taken = Promise.allSettled([take()])
    this.#tail = this.#tail.then(async () => {
      const [answer] = await taken
      await this.#say(number, answer)
      this.#underWay--
      this.#bytes -= bytes
      this.#freed()
    })
  }

  /** Ends the batch with this exit code; the first one counts. */
  end(exitCode: number): void {
    if (this.#exitCode !== undefined) return
    this.#exitCode = exitCode
    this.#voice.onEnd()
  }

  /** Waits for the lines under way; resolves with the exit code and how many were taken. */
  async finish(): Promise<{ exitCode: number; good: number; refused: number }> {
    await this.#tail
    if (this.#bug !== undefined) throw this.#bug
    if (this.#exitCode)
      this.#voice.warn(`stopped behind line ${this.#last}: what follows was not read`)
    const exitCode = this.#exitCode ?? (this.#refused > 0 ? EXIT_CODES.data : 0)
    return { exitCode, good: this.#good, refused: this.#refused }
  }

  async #say(number: number, answer: PromiseSettledResult<string>): Promise<void> {
    try {
      if (answer.status === 'rejected') throw answer.reason
      this.#good++
      await this.#voice.answer(answer.value)
    } catch (error) {
      this.#complain(number, error)
    }
  }

  #complain(number: number, error: unknown): void {
    if (error instanceof ReaderLeft) return this.end(0)
    if (error instanceof UnsureError) {
      this.#voice.warn(`line ${number}: ${error.message}`)
      return this.end(UNSURE)
    }
    if (!(error instanceof MsgqError)) {
      this.#bug ??= error
      this.end(EXIT_CODES.software)
      this.#voice.warn(`line ${number}: ${plainError(error)}`)
      return
    }
    const hint = error.hint === undefined ? '' : ` (${error.hint})`
    this.#voice.warn(`line ${number}: ${error.message}${hint}`)
    if (error.code === 'data' || error.code === 'usage') this.#refused++
    else this.end(error.exitCode)
  }
}
