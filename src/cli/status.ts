/**
 * status - the daemon, the spool, the queue and the lanes on one page, and what to do next.
 *
 * The page is printed whether the daemon runs or not: 0 when it does, else 69. A daemon that
 * does not answer is as good as none.
 */
import { statfsSync } from 'node:fs'

import { EXIT_CODES, MsgqError } from '../base/errors.ts'
import type { Flags } from '../config/find.ts'
import { areCurrent, readLimits } from '../config/limits.ts'
import type { Stats } from '../queue/queue.ts'
import { adviceOf } from './advice.ts'
import { lookAround } from './around.ts'
import type { Around } from './around.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { laneRows } from './lane-rows.ts'
import { openReading, reading } from './reading.ts'
import type { Reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { statusPage } from './status-page.ts'
import type { StatusReport } from './status-report.ts'
import { present } from './summary.ts'

interface Options {
  readonly json?: boolean
}

/** The counts of the daemon are of so many ms. */
const WINDOW = 300_000

/** `msgq status`. */
export const define: Define = (command, begin) => {
  command
    .option('--json', 'print JSON')
    .action((options: Options) => begin((io, flags) => run(io, flags, options)))
}

async function run(io: Io, flags: Flags, { json }: Options): Promise<number> {
  const place = await openReading(io, flags).catch(withoutSpool)
  const around = await lookAround(io, flags, place)
  const stats = await reading('spool', () => place.desk.stats())
  const report = await reportOf(place, around, stats)
  await io.print(json ? jsonLine(report) : statusPage(report, around.now, screenOf(io)))
  return codeOf(around)
}

/** Without a spool there is no page, and no daemon either. */
function withoutSpool(error: unknown): never {
  if (!(error instanceof MsgqError) || error.code !== 'no-input') throw error
  throw new MsgqError('unavailable', `msgqd is not running; ${error.message}`, error.hint)
}

function codeOf({ daemon }: Around): number {
  if (daemon.kind === 'up' || daemon.kind === 'alone') return 0
  const forbidden = daemon.kind === 'mute' && daemon.trouble.code === 'no-permission'
  return forbidden ? EXIT_CODES['no-permission'] : EXIT_CODES.unavailable
}

async function reportOf(
  { desk, spool }: Reading,
  around: Around,
  stats: Stats,
): Promise<StatusReport> {
  const { daemon } = around
  const limits = readLimits(spool)
  const { items } = await desk.list({ states: ['bounce'] }, { limit: 1 })
  const disk = diskOf(spool)
  const lanes = laneRows(stats, around, limits)
  const changed =
    daemon.kind === 'up' &&
    limits !== undefined &&
    !areCurrent(limits, limits.configFiles[0])
  const advice = adviceOf({
    around,
    states: stats.states,
    lanes,
    configChanged: changed,
    bouncedSince: items[0]?.due,
    short: limits !== undefined && disk.free < limits.minFree ? disk.free : undefined,
  })
  return present({
    daemon: daemonReport(around),
    spool: { path: spool, ...disk },
    states: stats.states,
    oldestAt: stats.oldestAt === undefined ? undefined : iso(stats.oldestAt),
    rates: daemon.kind === 'up' ? { ...daemon.status.recent, windowMs: WINDOW } : undefined,
    lanes,
    clock: daemon.kind === 'up' ? daemon.status.clock : undefined,
    troubles: daemon.kind === 'up' ? daemon.status.troubles : [],
    advice,
  }) as StatusReport
}

function daemonReport({ daemon }: Around): StatusReport['daemon'] {
  switch (daemon.kind) {
    case 'up': {
      const { version, pid, startedAt, configAt, configFiles, inFlight } = daemon.status
      return { up: true, version, pid, startedAt, configAt, configFiles, inFlight }
    }
    case 'alone': {
      const { pid, host, startedAt } = daemon.holder
      return { up: true, pid, host, startedAt, socket: false }
    }
    case 'mute':
      return { up: false, trouble: daemon.trouble.message }
    case 'down':
      return { up: false }
  }
}

function diskOf(spool: string): { total: number; free: number; freeInodes?: number } {
  try {
    const { blocks, bavail, bsize, files, ffree } = statfsSync(spool)
    const inodes = files === 0 ? {} : { freeInodes: ffree }
    return { total: blocks * bsize, free: bavail * bsize, ...inodes }
  } catch (error) {
    throw new MsgqError(
      'temporary',
      `spool: ${spool}: cannot be measured`,
      undefined,
      error,
    )
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
