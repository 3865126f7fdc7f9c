/**
 * lane-rows - the lanes of a queue: what the daemon says of them, and what waits in the spool.
 */
import type { Limits } from '../config/limits.ts'
import { formatRate } from '../config/rate.ts'
import { suspensionStatus } from '../delivery/status.ts'
import type { LaneStatus } from '../delivery/status.ts'
import { isUrlLane } from '../message/lane.ts'
import type { Stats } from '../queue/queue.ts'
import { leadsNowhere } from './around.ts'
import type { Around } from './around.ts'
import type { LaneReport } from './status-report.ts'
import { present } from './summary.ts'

/** Every lane that does something, is closed or suspended, or has something waiting; by name. */
export function laneRows(
  { waiting, nextDue }: Pick<Stats, 'waiting' | 'nextDue'>,
  around: Around,
  limits?: Limits,
): LaneReport[] {
  const { daemon } = around
  const told = new Map<string, LaneStatus>()
  if (daemon.kind === 'up')
    for (const lane of daemon.status.lanes) told.set(lane.lane, lane)
  const names = new Set([...waiting.keys(), ...told.keys(), ...around.suspended.keys()])
  return [...names].toSorted().map((lane) => {
    const status = told.get(lane) ?? atRest(lane, around, limits)
    const { window, limit, rate, active = 0, closedUntil, why } = status
    const due = nextDue.get(lane)
    // The queue's word, with the daemon up or down.
    const suspension = around.suspended.get(lane)
    return present({
      lane,
      state: stateOf(lane, status, around),
      window: window !== undefined && suspension !== undefined ? 0 : window,
      limit,
      rate,
      active,
      // The names were read a moment before or after the daemon was asked.
      waiting: Math.max(0, (waiting.get(lane) ?? 0) - active),
      due: due === undefined ? undefined : new Date(due).toISOString(),
      until: closedUntil,
      why,
      suspended: suspension === undefined ? undefined : suspensionStatus(suspension),
    }) as LaneReport
  })
}

/** A lane that the daemon says nothing of is as the configuration has it. */
function atRest(
  lane: string,
  around: Around,
  limits: Limits | undefined,
): Partial<LaneStatus> {
  if (around.daemon.kind !== 'up' || leadsNowhere(lane, around)) return {}
  const options = isUrlLane(lane) ? limits?.lane : limits?.destinations.get(lane)?.lane
  if (options === undefined) return {}
  const { window, first = window, rate } = options
  return {
    window: first,
    limit: window,
    ...(rate === undefined ? {} : { rate: formatRate(rate) }),
  }
}

function stateOf(
  lane: string,
  { state, closedUntil }: Partial<LaneStatus>,
  around: Around,
): LaneReport['state'] {
  if (leadsNowhere(lane, around)) return 'unknown'
  const suspension = around.suspended.get(lane)
  if (suspension !== undefined) return suspension.disabled ? 'disabled' : 'suspended'
  if (around.daemon.kind !== 'up') return undefined
  if (state !== undefined && state !== 'suspended') return state
  return closedUntil === undefined ? 'open' : 'closed'
}
