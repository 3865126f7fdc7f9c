/**
 * status-page - the page of `msgq status`. It ends in the next commands to type. Pure.
 */
import { printable } from '../base/text.ts'
import { STATES } from '../message/state.ts'
import { dueText } from './around.ts'
import { shortTime, spanText } from './clock-text.ts'
import type { Screen } from './screen.ts'
import { sizeText } from './size-text.ts'
import type { DaemonReport, LaneReport, StatusReport } from './status-report.ts'
import { NOTHING, cutAt, formatTable } from './table.ts'
import type { Column } from './table.ts'

export const COLUMNS: readonly Column[] = [
  { head: 'LANE', most: 40 },
  { head: 'STATE' },
  { head: 'WINDOW', align: 'right' },
  { head: 'ACTIVE', align: 'right' },
  { head: 'WAITING', align: 'right' },
  { head: 'NEXT' },
]
/** So many lanes are shown on a terminal. */
const SHOWN = 50

/** The page of a report. */
export function statusPage(report: StatusReport, now: number, screen: Screen): string {
  const { edge } = screen
  const { lanes, troubles, advice } = report
  const lines = [
    ...factsOf(report, now).map(([name, fact]) =>
      cutAt(`${name.padEnd(12)}  ${printable(fact, 1_000)}`, edge),
    ),
    ...laneLines(lanes, now, screen),
    ...(troubles.length + advice.length > 0 ? [''] : []),
    ...troubles.map(({ at, message }) =>
      alarm(`${shortTime(Date.parse(at), now)} ${message}`, screen),
    ),
    ...advice.map(({ what, command }) => alarm(`${what}:  ${command}`, screen)),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function factsOf(report: StatusReport, now: number): [name: string, fact: string][] {
  const { daemon, states, rates, oldestAt } = report
  const facts: [string, string][] = [
    [daemonName(daemon), daemonText(daemon, now)],
    ['spool', spoolText(report)],
    ['queue', queueText(states)],
  ]
  if (rates !== undefined) facts.push(['last 5 min', ratesText(rates)])
  if (oldestAt !== undefined)
    facts.push(['oldest', `waits for ${spanText(now - Date.parse(oldestAt))}`])
  return facts
}

/** Never cut: what to do stands at its end. */
function alarm(text: string, screen: Screen): string {
  return screen.alarm(`! ${printable(text, 1_000)}`)
}

function daemonName({ version }: DaemonReport): string {
  return version === undefined ? 'msgqd' : `msgqd ${version}`
}

function daemonText(daemon: DaemonReport, now: number): string {
  const { up, pid, host, startedAt, configAt, configFiles = [], socket, trouble } = daemon
  if (!up) return trouble === undefined ? 'not running' : 'does not answer'
  const since = startedAt === undefined ? '' : ` ${spanText(now - Date.parse(startedAt))}`
  if (socket === false)
    return `running${since} (pid ${pid} on ${host}), without a control socket`
  const read = configAt === undefined ? '' : ` of ${shortTime(Date.parse(configAt), now)}`
  const from = configFiles.length === 0 ? 'no configuration, all defaults' : 'configuration'
  return `running${since} (pid ${pid}), ${from}${read}`
}

function queueText(states: StatusReport['states']): string {
  return STATES.map((state) => {
    const wrong = (state === 'bounce' || state === 'corrupt') && states[state] > 0
    return `${states[state]} ${state}${wrong ? '!' : ''}`
  }).join('  ')
}

function spoolText({ spool, states }: StatusReport): string {
  const count = STATES.reduce((sum, state) => sum + states[state], 0)
  const share = Math.floor((100 * spool.free) / Math.max(1, spool.total))
  const messages = `${count} message${count === 1 ? '' : 's'}`
  return `${spool.path}, ${messages}, ${sizeText(spool.free)} free (${share} %)`
}

function ratesText(rates: Readonly<Record<string, number>>): string {
  return ['delivered', 'deferred', 'bounced', 'held']
    .map((end) => `${rates[end] ?? 0} ${end}`)
    .join('  ')
}

function laneLines(lanes: readonly LaneReport[], now: number, screen: Screen): string[] {
  if (lanes.length === 0) return []
  const { edge, isTerminal } = screen
  const shown = isTerminal ? lanes.slice(0, SHOWN) : lanes
  const [head, ...rows] = formatTable(
    COLUMNS,
    shown.map((lane) => cellsOf(lane, now)),
    edge,
  )
  const more = lanes.length - shown.length
  return [
    '',
    screen.head(head!),
    ...rows.flatMap((row, at) => [row, ...whyLines(shown[at]!, screen)]),
    ...(more > 0 ? [`... ${more} more: msgq status --json`] : []),
  ]
}

/** Of a closed lane the advice tells; one that is probing needs none. */
function whyLines({ state, why }: LaneReport, { edge }: Screen): string[] {
  return state === 'probing' && why !== undefined
    ? [cutAt(`  (${printable(why, 1_000)})`, edge)]
    : []
}

/** The cells of a lane. */
export function cellsOf(report: LaneReport, now: number): string[] {
  const { lane, state = NOTHING, rate, active, waiting } = report
  return [
    lane,
    rate === undefined ? state : `${state} ${rate}`,
    windowText(report),
    String(active),
    String(waiting),
    nextText(report, now),
  ]
}

/** `5/20`: so many now, of so many at most. */
function windowText({ window, limit = window }: LaneReport): string {
  if (window === undefined) return NOTHING
  return window === limit ? String(window) : `${window}/${limit}`
}

function nextText(report: LaneReport, now: number): string {
  const { state, active, due, until, suspended } = report
  if (state === 'unknown') return 'no such destination'
  if (state === 'disabled') return 'until enabled'
  if (state === 'suspended') {
    const { until: end } = suspended ?? {}
    return end === undefined ? 'until resumed' : dueText(Date.parse(end), now)
  }
  if (state === 'probing' && active > 0) return 'one is out as a probe'
  if (due === undefined && until === undefined) return NOTHING
  const times = [due, until].filter((time) => time !== undefined)
  return dueText(Math.max(...times.map((time) => Date.parse(time))), now)
}
