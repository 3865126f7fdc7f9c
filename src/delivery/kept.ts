/**
 * kept - something small that has to be known after a restart, by its name.
 *
 * Durable once it is written. What is not new is not written.
 */
import type { Rounds } from '../queue/queue.ts'

export class Kept {
  readonly #rounds: Pick<Rounds, 'remember' | 'remembered'>
  readonly #name: string
  #text = ''

  constructor(rounds: Pick<Rounds, 'remember' | 'remembered'>, name: string) {
    this.#rounds = rounds
    this.#name = name
  }

  /** What was kept; undefined where that is nothing, or cannot be read any more. */
  read(): Promise<unknown> {
    return this.#rounds.remembered(this.#name)
  }

  async write(known: unknown): Promise<void> {
    const text = JSON.stringify(known)
    if (text !== this.#text) await this.#rounds.remember(this.#name, known)
    this.#text = text
  }
}
