/**
 * status - what a daemon says of itself when it is asked.
 */
import { VERSION } from '../base/version.ts'
import { orderedLanes } from '../config/order.ts'
import { laneStatus } from '../delivery/status.ts'
import type { DaemonStatus } from '../delivery/status.ts'
import type { Parts } from './parts.ts'

export function statusOf(parts: Parts, startedAt: number): DaemonStatus {
  const { configuration, scheduler, lanes, meters } = parts
  const { spool, files, destinations } = configuration.now
  const clock = parts.clockWatch.status()
  const ordered = orderedLanes(configuration.now)
  return {
    version: VERSION,
    pid: process.pid,
    spool,
    startedAt: new Date(startedAt).toISOString(),
    configAt: new Date(configuration.since).toISOString(),
    configFiles: files,
    destinations: [...destinations.keys()],
    ...(ordered.size === 0 ? {} : { ordered: [...ordered] }),
    inFlight: scheduler.inFlight,
    recent: meters.tally.recent(),
    total: meters.tally.total(),
    lanes: lanes.states().map(laneStatus),
    lastAttempts: meters.lastAttempts.list(),
    ...(clock === undefined ? {} : { clock }),
    troubles: parts.troubles.list(),
  }
}
