/**
 * watch-page - the live view as lines of text that fit a terminal. Pure.
 *
 * What was asked a moment ago of the daemon, beside what was counted in the spool; a count that
 * is older than a few seconds says so. Never wider nor longer than the terminal.
 */
import { printable } from '../base/text.ts'
import { shortId } from '../message/id.ts'
import type { LastAttempt } from '../delivery/last-attempts.ts'
import type { DaemonStatus } from '../delivery/status.ts'
import { STATES } from '../message/state.ts'
import type { Stats } from '../queue/queue.ts'
import type { Around } from './around.ts'
import { briefSpan, exactTime, spanText } from './clock-text.ts'
import { laneRows } from './lane-rows.ts'
import { cellsOf, COLUMNS } from './status-page.ts'
import type { LaneReport } from './status-report.ts'
import { cutAt, formatTable } from './table.ts'

/** What is known now. */
export interface View {
  readonly around: Around
  /** Counted in the spool, and when (epoch ms); undefined until it was. */
  readonly counted: { readonly stats: Stats; readonly at: number } | undefined
  /** What the daemon said the time before, and when. */
  readonly before: { readonly status: DaemonStatus; readonly at: number } | undefined
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** A count that is older says so (ms). */
const OLD = 5_000
/** Lines of attempts that are shown at least, where there is room for any. */
const FEWEST = 4
const ENDS = ['delivered', 'deferred', 'bounced', 'held'] as const
const KEYS = 'q quits'

/** At most as many lines as the terminal has, none wider. */
export function watchPage(view: View, { columns, rows }: Size): string[] {
  const head = headLines(view)
  const lanes = laneLines(view)
  const attempts = attemptLines(view)
  const room = Math.max(0, rows - head.length - 1)
  // A blank stands before each block. Lanes come first, and leave room for a few attempts.
  const forAttempts = attempts.length === 0 ? 0 : FEWEST + 1
  const laneRoom = Math.max(room - 1 - forAttempts, Math.min(room - 1, FEWEST))
  const laneBlock = block(lanes, laneRoom, 'lane')
  const lines = [
    ...head,
    ...laneBlock,
    ...block(attempts, room - laneBlock.length - 1, 'attempt'),
  ].slice(0, Math.max(0, rows - 1))
  const blanks = Array.from({ length: Math.max(0, rows - 1 - lines.length) }, () => '')
  return [...lines, ...blanks, lastLine(view)].map((line) => cutAt(line, columns))
}

function headLines({ around, counted, before }: View): string[] {
  const { daemon, now } = around
  const lines = [daemonLine(around)]
  lines.push(`queue    ${queueText(counted)}`)
  if (daemon.kind === 'up') lines.push(`rate     ${ratesText(daemon.status, now, before)}`)
  const oldest = counted?.stats.oldestAt
  if (oldest !== undefined) lines.push(`oldest   waits for ${spanText(now - oldest)}`)
  if (counted !== undefined && now - counted.at >= OLD)
    lines.push(`counted  ${briefSpan(now - counted.at)} ago`)
  return lines
}

function daemonLine({ daemon, now }: Around): string {
  switch (daemon.kind) {
    case 'up': {
      const { version, pid, startedAt, inFlight } = daemon.status
      const since = spanText(now - Date.parse(startedAt))
      return `msgqd    ${version}, running ${since} (pid ${pid}), ${inFlight} under way`
    }
    case 'alone':
      return `msgqd    running (pid ${daemon.holder.pid}), without a control socket`
    case 'mute':
      return `msgqd    ${printable(daemon.trouble.message)}`
    case 'down':
      return 'msgqd    not running: nothing is being delivered'
  }
}

function queueText(counted: View['counted']): string {
  if (counted === undefined) return 'is being counted'
  return STATES.map((state) => `${counted.stats.states[state]} ${state}`).join('  ')
}

/** Attempts a second since the daemon was asked last, and those of five minutes. */
function ratesText(
  { total, recent }: DaemonStatus,
  now: number,
  before: View['before'],
): string {
  return ENDS.map((end) => {
    const five = `${recent[end]} ${end}`
    if (before === undefined || now <= before.at) return five
    const count = total[end] - before.status.total[end]
    const rate = (Math.max(0, count) * 1_000) / (now - before.at)
    return count <= 0
      ? five
      : `${five} (${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s)`
  }).join('  ')
}

function laneLines({ around, counted }: View): string[] {
  const none: Pick<Stats, 'waiting' | 'nextDue'> = {
    waiting: new Map(),
    nextDue: new Map(),
  }
  const reports = laneRows(counted?.stats ?? none, around).toSorted(byUrgency)
  if (reports.length === 0) return []
  return formatTable(
    COLUMNS,
    reports.map((report) => cellsOf(report, around.now)),
  )
}

/** What needs somebody first, then what has most to do. */
function byUrgency(a: LaneReport, b: LaneReport): number {
  return (
    Number(isCalm(a)) - Number(isCalm(b)) ||
    b.active + b.waiting - a.active - a.waiting ||
    (a.lane < b.lane ? -1 : 1)
  )
}

function isCalm({ state }: LaneReport): boolean {
  return state === undefined || state === 'open'
}

function attemptLines({ around: { daemon, now } }: View): string[] {
  if (daemon.kind !== 'up') return []
  const { lastAttempts = [] } = daemon.status
  if (lastAttempts.length === 0) return []
  return ['LAST ATTEMPTS', ...lastAttempts.map((attempt) => attemptLine(attempt, now))]
}

function attemptLine(attempt: LastAttempt, now: number): string {
  const { at, id, to, outcome, ms, reason } = attempt
  const took = `${ms}ms`.padStart(7)
  const what = `${outcome.padEnd(9)} ${took}  ${to}  ${reason}`
  return printable(`${exactTime(Date.parse(at), now)}  ${shortId(id)}  ${what}`)
}

/** A blank, and as many of these lines as there is room for; the last says what is missing. */
function block(lines: readonly string[], room: number, what: string): string[] {
  if (room < 2 || lines.length === 0) return []
  if (lines.length <= room || what === 'attempt') return ['', ...lines.slice(0, room)]
  const more = lines.length - room + 1
  return ['', ...lines.slice(0, room - 1), `... ${more} more ${what}s: msgq status`]
}

function lastLine({ around }: View): string {
  const suspended = [...around.suspended.keys()]
  const word =
    suspended.length === 0 ? '' : `   suspended: ${suspended.join(', ')} (msgq resume)`
  return `${exactTime(around.now, around.now)}   ${KEYS}${word}`
}
