/**
 * live - the exchanges under way, each with the signal that ends it.
 *
 * One listener a signal: Node warns of more than ten, and looks through all of them at each
 * removal.
 */
import type { Exchange } from './exchange.ts'

export class Live {
  readonly #exchanges = new Map<Exchange, AbortSignal>()
  readonly #heard = new WeakSet<AbortSignal>()

  add(exchange: Exchange, signal: AbortSignal): void {
    if (!this.#heard.has(signal)) {
      this.#heard.add(signal)
      signal.addEventListener('abort', () => this.stop(signal), { once: true })
    }
    this.#exchanges.set(exchange, signal)
  }

  delete(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  /** Ends those of a signal, or all. */
  stop(signal?: AbortSignal): void {
    for (const [exchange, its] of this.#exchanges)
      if (signal === undefined || its === signal) exchange.stop()
  }
}
