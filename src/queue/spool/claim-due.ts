/**
 * claim-due - turns what is due on the agenda into leases.
 *
 * A file that cannot be claimed comes again later and stops no other. Leases that were taken
 * always reach the caller: what he does not know of he can never settle. Where there are none he
 * hears what the disk says, and may pause.
 */
import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import type { Claims, Lease, Report } from '../queue.ts'
import type { Agenda } from './agenda.ts'
import type { ClaimTable } from './claims.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { Waiting } from './waiting.ts'

/** An entry that could not be claimed is tried again so much later (ms). */
const FAULT_PAUSE = 60_000

interface Deps {
  readonly agenda: Agenda
  readonly claims: ClaimTable
  readonly clock: Clock
  readonly door: Doorkeeper
  readonly report: (report: Report) => void
}

type Want = Parameters<Claims['claim']>[0]

/** Adds leases of what is due, as far as there is room for them and for those before. */
export function claimDue(deps: Deps, want: Want, leases: Lease[]): void {
  const { agenda, claims, clock } = deps
  const comeAgain = (waiting: Waiting) =>
    agenda.add({ ...waiting, due: clock.now() + FAULT_PAUSE })
  for (const waiting of claims.judge.returnStrays()) comeAgain(waiting)
  agenda.order(want.ordered, (lane) => claims.outIn(lane))
  for (;;) {
    const due = agenda.take(clock.now(), roomBeside(leases, want), want.max - leases.length)
    if (due.length === 0) return
    for (const [n, waiting] of due.entries())
      try {
        claimOne(deps, waiting, leases)
      } catch (error) {
        comeAgain(waiting)
        for (const rest of due.slice(n + 1)) agenda.add(rest)
        if (leases.length === 0) throw error
        const { state, file, id } = waiting
        const message = `${state}/${file} cannot be claimed: ${plainError(error)}`
        deps.report({ level: 'error', event: 'trouble', id, message })
        return
      }
  }
}

function roomBeside(leases: readonly Lease[], want: Want): (lane: string) => number {
  const taken = new Map<string, number>()
  for (const { lane } of leases) taken.set(lane, (taken.get(lane) ?? 0) + 1)
  return (lane) => want.room(lane) - (taken.get(lane) ?? 0)
}

function claimOne({ agenda, claims, door }: Deps, waiting: Waiting, leases: Lease[]): void {
  const claimed = claims.claim(waiting)
  if (claimed.kind === 'lease') leases.push(claimed.lease)
  else if (claimed.kind === 'nothing') agenda.back(waiting.id)
  else if (claimed.kind === 'waits') agenda.add(claimed.waiting)
  else if (claimed.kind === 'foreign') door.takeIn(claimed.name, waiting.file)
  else if (claimed.kind === 'unsealed') {
    agenda.back(waiting.id)
    door.letRest(claimed.file)
  } else if (claimed.kind === 'asked') door.ask(claimed.waiting)
}
