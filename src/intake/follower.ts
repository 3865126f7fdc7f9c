/**
 * follower - follows the journal once for all who listen to it.
 *
 * Begins with the first listener and ends with the last. Who does not keep up loses his place
 * and nobody else's: what waits for him is bounded, and he is told that he was left behind.
 */
import type { JournalLine } from '../message/journal-line.ts'
import type { History } from '../queue/queue.ts'
import { Gone } from './client.ts'

/** Lines that may wait for one listener. */
const WAITING = 10_000

export class Follower {
  readonly #history: History
  readonly #listeners = new Set<Listener>()
  #course: { readonly ready: Promise<unknown>; readonly stop: AbortController } | undefined

  constructor(history: History) {
    this.#history = history
  }

  /** Resolves once nothing that is noted from now on will be missed. */
  async listen(
    matches: (line: JournalLine) => boolean,
    signal: AbortSignal,
  ): Promise<AsyncIterable<JournalLine>> {
    const listener = new Listener(matches)
    this.#listeners.add(listener)
    const leave = () => this.#leave(listener)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    this.#course ??= this.#begin()
    try {
      await this.#course.ready
    } catch (error) {
      leave()
      throw error
    }
    return listener
  }

  #leave(listener: Listener): void {
    listener.end()
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.#end()
  }

  #end(): void {
    this.#course?.stop.abort()
    this.#course = undefined
  }

  #begin() {
    const stop = new AbortController()
    const mark = this.#history.mark()
    const course = { ready: mark, stop }
    void mark
      .then((from) => this.#run({ from, follow: stop.signal }))
      .catch((error: unknown) => {
        if (stop.signal.aborted) return
        for (const listener of this.#listeners) listener.end(error)
        this.#listeners.clear()
        this.#end()
      })
    return course
  }

  async #run(query: { from: Awaited<ReturnType<History['mark']>>; follow: AbortSignal }) {
    for await (const line of this.#history.history(query)) {
      // Whoever came since listens to another course.
      if (query.follow.aborted) return
      for (const listener of this.#listeners)
        if (!listener.hear(line)) this.#listeners.delete(listener)
    }
  }
}

/** What waits for one of them. */
class Listener implements AsyncIterable<JournalLine> {
  readonly #matches: (line: JournalLine) => boolean
  #waiting: JournalLine[] = []
  #isOver = false
  #error: unknown
  #wake: () => void = () => {}

  constructor(matches: (line: JournalLine) => boolean) {
    this.#matches = matches
  }

  /** False for one that was left behind. */
  hear(line: JournalLine): boolean {
    if (!this.#matches(line)) return true
    this.#waiting.push(line)
    if (this.#waiting.length > WAITING) this.end(new Gone())
    else this.#wake()
    return !this.#isOver
  }

  end(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JournalLine, void> {
    for (;;) {
      const lines = this.#waiting
      this.#waiting = []
      yield* lines
      if (this.#waiting.length > 0) continue
      if (this.#isOver) break
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#error !== undefined) throw this.#error
  }
}
