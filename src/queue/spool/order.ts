/**
 * order - keeps the agenda true to who holds back whom.
 *
 * A chain stands still while one of it is in hand, or is not due. What is in hand says so itself
 * and is asked at each claim; one that is not due may have been deleted or held by an operator,
 * so that the files of some of them are looked for every second. Costs nothing without chains.
 */
import { lstatSync, readdirSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import type { Lease, Settlement } from '../queue.ts'
import type { Agenda } from './agenda.ts'
import type { ClaimTable } from './claims.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { Layout } from './layout.ts'
import { idIn } from './name.ts'
import type { Waiting } from './waiting.ts'

/** So often files are looked for, and so many of them (ms). */
const EVERY = 1_000
const MOST = 64

interface Deps {
  readonly layout: Layout
  readonly clock: Clock
  readonly agenda: Agenda
  readonly claims: ClaimTable
  readonly door: Doorkeeper
}

export class Order {
  readonly #deps: Deps
  /** Being settled: between two folders, or two places in memory. */
  readonly #settling = new Set<string>()
  #next = -Infinity
  #stands = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** When to look though nothing rings (epoch ms); Infinity: nobody holds back another one. */
  get nextLook(): number {
    if (!this.#stands) return Infinity
    const { clock } = this.#deps
    return clock.now() + Math.max(0, this.#next - clock.monotonic())
  }

  /** Lets the chains go on that nobody holds back any more. */
  look(): void {
    const { agenda, claims, clock, door } = this.#deps
    agenda.reconcile((id) => this.#settling.has(id) || claims.isOut(id) || door.has(id))
    const now = clock.monotonic()
    if (now < this.#next) return
    const standing = agenda.standing(clock.now(), MOST)
    this.#stands = standing.length > 0
    this.#next = now + EVERY
    const missing = standing.filter((waiting) => !this.#isThere(waiting))
    if (missing.length === 0) return
    const moved = this.#onDoorstep()
    for (const { id } of missing)
      if (moved.has(id)) door.hint()
      else agenda.forget(id)
  }

  /** Settles one that holds back its chain, which stands still until it is known where it went. */
  async settle(lease: Lease, settlement: Settlement): ReturnType<ClaimTable['settle']> {
    const { agenda, claims } = this.#deps
    const { id } = lease
    this.#settling.add(id)
    try {
      const settled = await claims.settle(lease, settlement)
      if (settled !== 'lost' && settled.waiting !== undefined) agenda.add(settled.waiting)
      else if (!claims.isOut(id)) agenda.back(id)
      return settled
    } finally {
      this.#settling.delete(id)
    }
  }

  #isThere({ state, file }: Waiting): boolean {
    const path = this.#deps.layout.file(state, file)
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  }

  #onDoorstep(): ReadonlySet<string> {
    return new Set(readdirSync(this.#deps.layout.folder('incoming')).map(idIn))
  }
}
