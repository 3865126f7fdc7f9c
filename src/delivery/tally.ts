/**
 * tally - what came of the attempts of the last minutes, and since the start.
 */
import type { Clock } from '../base/clock.ts'
import type { Claims, Settlement } from '../queue/queue.ts'

export type Counts = Readonly<Record<Settlement['to'], number>>

const MINUTE = 60_000
/** So many whole minutes are kept beside the one that runs. */
const MINUTES = 5

export class Tally {
  readonly #clock: Clock
  readonly #total = zero()
  #minutes: { began: number; counts: Record<Settlement['to'], number> }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  count(end: Settlement['to']): void {
    const began = Math.floor(this.#clock.monotonic() / MINUTE)
    let minute = this.#minutes.at(-1)
    if (minute?.began !== began) {
      minute = { began, counts: zero() }
      this.#minutes = [...this.#minutes.slice(-MINUTES), minute]
    }
    minute.counts[end]++
    this.#total[end]++
  }

  /** Since the start. */
  total(): Counts {
    return { ...this.#total }
  }

  /** Of the last five minutes, give or take one. */
  recent(): Counts {
    const since = Math.floor(this.#clock.monotonic() / MINUTE) - MINUTES
    const sum = zero()
    for (const { began, counts } of this.#minutes)
      if (began >= since)
        for (const end of Object.keys(sum) as Settlement['to'][]) sum[end] += counts[end]
    return sum
  }
}

/** The same claims, and how they are settled is counted. */
export function tallied(claims: Claims, tally: Tally): Claims {
  return {
    claim: (want) => claims.claim(want),
    readBody: (lease) => claims.readBody(lease),
    record: (lease, line) => claims.record(lease, line),
    nextDue: (room) => claims.nextDue(room),
    get owesLook() {
      return claims.owesLook ?? false
    },
    watch: (onHint) => claims.watch(onHint),
    settle: async (lease, settlement) => {
      const settled = await claims.settle(lease, settlement)
      if (settled === 'ok') tally.count(settlement.to)
      return settled
    },
  }
}

function zero(): Record<Settlement['to'], number> {
  return {
    delivered: 0,
    expanded: 0,
    deleted: 0,
    deferred: 0,
    postponed: 0,
    bounced: 0,
    held: 0,
    released: 0,
  }
}
