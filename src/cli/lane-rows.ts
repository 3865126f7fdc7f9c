/**
 * lane-rows - the lanes of a queue: what the daemon says of them, and what waits in the spool.
 */
import type { LaneStatus } from '../delivery/status.ts'
import type { Stats } from '../queue/queue.ts'
import { leadsNowhere } from './around.ts'
import type { Around } from './around.ts'
import type { LaneReport } from './status-report.ts'
import { present } from './summary.ts'

/** Every lane that does something, is closed, or has something waiting; by name. */
export function laneRows(
  { waiting, nextDue }: Pick<Stats, 'waiting' | 'nextDue'>,
  around: Around,
): LaneReport[] {
  const { daemon } = around
  const told = new Map<string, LaneStatus>()
  if (daemon.kind === 'up')
    for (const lane of daemon.status.lanes) told.set(lane.lane, lane)
  const names = new Set([...waiting.keys(), ...told.keys()])
  return [...names].toSorted().map((lane) => {
    const { window, active = 0, closedUntil, why } = told.get(lane) ?? {}
    const due = nextDue.get(lane)
    return present({
      lane,
      state: stateOf(lane, closedUntil, around),
      window,
      active,
      // The names were read a moment before or after the daemon was asked.
      waiting: Math.max(0, (waiting.get(lane) ?? 0) - active),
      due: due === undefined ? undefined : new Date(due).toISOString(),
      until: closedUntil,
      why: closedUntil === undefined ? undefined : why,
    }) as LaneReport
  })
}

function stateOf(
  lane: string,
  closedUntil: string | undefined,
  around: Around,
): LaneReport['state'] {
  if (leadsNowhere(lane, around)) return 'unknown'
  if (around.daemon.kind !== 'up') return undefined
  return closedUntil === undefined ? 'open' : 'closed'
}
