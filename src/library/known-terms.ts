/**
 * known-terms - the terms of a queue, for who asks again and again: believed for a second.
 */
import type { Terms } from '../intake/terms.ts'
import type { Ground } from './ground.ts'
import { termsOf } from './terms.ts'

/** They are read again after so long (ms). */
const FRESH = 1_000

export class KnownTerms {
  readonly #ground: Ground
  #known: { readonly terms: Terms; readonly at: number } | undefined

  constructor(ground: Ground) {
    this.#ground = ground
  }

  async now(): Promise<Terms> {
    const { clock, flags, place } = this.#ground
    const now = clock.monotonic()
    if (this.#known === undefined || now - this.#known.at >= FRESH) {
      const terms = await termsOf(this.#ground, flags, place, 'library')
      this.#known = { terms, at: now }
    }
    return this.#known.terms
  }

  /** As they were last; `now` was asked before. */
  get last(): Terms {
    return this.#known!.terms
  }
}
