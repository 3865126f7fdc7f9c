/**
 * status - the daemon, the spool, the queue and the lanes on one page, and what to do next.
 *
 * The page is printed whether the daemon runs or not: 0 when it does, else 69. A daemon that
 * does not answer is as good as none. With --warn or --crit it is one line, and ends as a
 * monitoring plugin does, whatever happens.
 */
import { statfsSync } from 'node:fs'

import { Option } from 'commander'

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
import { collect } from './option-row.ts'
import { openReading, reading } from './reading.ts'
import type { Reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { statusPage } from './status-page.ts'
import type { StatusReport } from './status-report.ts'
import { present } from './summary.ts'

interface Options {
  readonly json?: boolean
  readonly warn?: readonly string[]
  readonly crit?: readonly string[]
}

/** The counts of the daemon are of so many ms. */
const WINDOW = 300_000

/** `msgq status`. */
export const define: Define = (command, begin) => {
  command
    .addOption(new Option('--json', 'print JSON').conflicts(['warn', 'crit']))
    .option('--warn <bounds>', 'one line; exit 1 above: deferred=50,oldest=1h', collect)
    .option('--crit <bounds>', 'one line; exit 2 above: bounce=200,free=1GiB', collect)
    .action((options: Options) =>
      begin((io, flags) =>
        options.warn === undefined && options.crit === undefined
          ? run(io, flags, options)
          : check(io, flags, options),
      ),
    )
}

/** Never throws: what a monitoring system sees must say what it means. */
async function check(io: Io, flags: Flags, options: Options): Promise<number> {
  const { checkReport, parseBounds, unknownVerdict } = await import('./status-check.ts')
  try {
    const warn = parseBounds('--warn', options.warn)
    const crit = parseBounds('--crit', options.crit)
    const { around, report } = await lookAt(io, flags)
    const isUnknown = codeOf(around) === EXIT_CODES['no-permission']
    const verdict = isUnknown
      ? unknownVerdict(report.daemon.trouble ?? 'msgqd cannot be asked')
      : checkReport(report, around.now, { warn, crit })
    await io.print(`${verdict.line}\n`)
    return verdict.exitCode
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const hint = error.hint === undefined ? '' : ` (${error.hint})`
    const verdict = unknownVerdict(`${error.message}${hint}`)
    await io.print(`${verdict.line}\n`)
    return verdict.exitCode
  }
}

async function run(io: Io, flags: Flags, { json }: Options): Promise<number> {
  const { around, report } = await lookAt(io, flags)
  await io.print(json ? jsonLine(report) : statusPage(report, around.now, screenOf(io)))
  return codeOf(around)
}

async function lookAt(
  io: Io,
  flags: Flags,
): Promise<{ around: Around; report: StatusReport }> {
  const place = await openReading(io, flags).catch(withoutSpool)
  const around = await lookAround(io, flags, place)
  const stats = await reading('spool', () => place.desk.stats())
  return { around, report: await reportOf(place, around, stats) }
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
