/**
 * status-check - the queue as one line for a monitoring system, and 0, 1, 2 or 3 as its plugins
 * end: fine, warning, critical, nobody knows. Pure.
 *
 * A bound is the last value that is still fine; of `free` it is the least. A daemon that does not
 * run is critical whatever the bounds are.
 */
import { parseDuration } from '../base/duration.ts'
import { MsgqError } from '../base/errors.ts'
import { parseSize } from '../base/size.ts'
import { didYouMean, printable } from '../base/text.ts'
import { STATES } from '../message/state.ts'
import { spanText } from './clock-text.ts'
import { sizeText } from './size-text.ts'
import type { StatusReport } from './status-report.ts'

/** What may be bound: counts of states and of closed lanes, an age, and the free disk. */
const NAMES = [...STATES, 'waiting', 'closed', 'oldest', 'free'] as const
type Name = (typeof NAMES)[number]

export type Bounds = ReadonlyMap<Name, number>

const WORDS = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const
type Level = 0 | 1 | 2 | 3

/** Reads `deferred=50,oldest=1h`; throws (usage) for what is no bound. */
export function parseBounds(option: string, texts: readonly string[] = []): Bounds {
  const bounds = new Map<Name, number>()
  for (const text of texts.flatMap((one) => one.split(','))) {
    const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(text) ?? []
    if (!isName(name)) {
      const meant = didYouMean(name, NAMES)
      throw new MsgqError(
        'usage',
        `${option}: is no bound: ${JSON.stringify(printable(text, 60))}`,
        meant === undefined
          ? `write NAME=MOST with a name of ${NAMES.join(', ')}`
          : `did you mean ${meant}?`,
      )
    }
    const bound = valueOf(name, value)
    if (bound === undefined)
      throw new MsgqError(
        'usage',
        `${option}: ${name}: is no ${KINDS[name] ?? 'number'}: ${JSON.stringify(value)}`,
      )
    bounds.set(name, bound)
  }
  return bounds
}

const KINDS: Partial<Record<Name, string>> = { oldest: 'span of time', free: 'size' }

function isName(text: string): text is Name {
  return (NAMES as readonly string[]).includes(text)
}

function valueOf(name: Name, text: string): number | undefined {
  if (name === 'oldest') return parseDuration(text)
  if (name === 'free') return parseSize(text)
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export interface Verdict {
  readonly line: string
  readonly exitCode: Level
}

/** What a report comes to. */
export function checkReport(
  report: StatusReport,
  now: number,
  { warn, crit }: { warn: Bounds; crit: Bounds },
): Verdict {
  const { daemon } = report
  const values = valuesOf(report, now)
  const worse = NAMES.map((name) => ({ name, level: levelOf(name, values, warn, crit) }))
  const level = Math.max(daemon.up ? 0 : 2, ...worse.map((one) => one.level)) as Level
  const said = worse
    .filter((one) => one.level > 0)
    .toSorted((a, b) => b.level - a.level)
    .map(({ name, level: of }) => {
      const bound = (of === 2 ? crit : warn).get(name)!
      const side = name === 'free' ? 'less than' : 'over'
      return `${shown(name, values[name])} (${side} ${shown(name, bound, true)})`
    })
  if (!daemon.up) said.unshift(daemon.trouble ?? 'msgqd is not running')
  if (said.length === 0)
    said.push(`${values.waiting} waiting, ${values.bounce} in bounce, msgqd runs`)
  const perf = NAMES.map((name) =>
    perfOf(name, values[name], warn.get(name), crit.get(name)),
  )
  return { line: `${lineOf(level, said.join(', '))} | ${perf.join(' ')}`, exitCode: level }
}

/** What could not be looked at. */
export function unknownVerdict(why: string): Verdict {
  return { line: lineOf(3, why), exitCode: 3 }
}

/** A bar would begin the figures. */
function lineOf(level: Level, text: string): string {
  return `MSGQ ${WORDS[level]} - ${printable(text, 500).replaceAll('|', '/')}`
}

function valuesOf(report: StatusReport, now: number): Record<Name, number> {
  const { states, lanes, oldestAt, spool } = report
  return {
    ...states,
    waiting: states.incoming + states.active + states.deferred,
    closed: lanes.filter(({ state }) => state === 'closed').length,
    oldest: oldestAt === undefined ? 0 : Math.max(0, now - Date.parse(oldestAt)),
    free: spool.free,
  }
}

function levelOf(
  name: Name,
  values: Readonly<Record<Name, number>>,
  warn: Bounds,
  crit: Bounds,
): Level {
  const isOver = (bound: number | undefined) =>
    bound !== undefined && (name === 'free' ? values[name] < bound : values[name] > bound)
  return isOver(crit.get(name)) ? 2 : isOver(warn.get(name)) ? 1 : 0
}

function shown(name: Name, value: number, isBound = false): string {
  if (name === 'oldest')
    return isBound ? spanText(value) : `oldest waits for ${spanText(value)}`
  if (name === 'free') return isBound ? sizeText(value) : `${sizeText(value)} free`
  if (isBound) return String(value)
  return name === 'closed' ? `${value} closed lanes` : `${value} ${name}`
}

/** `'label'=value[UOM];[warn];[crit]`, as the guidelines of monitoring plugins have it. */
function perfOf(
  name: Name,
  value: number,
  warn: number | undefined,
  crit: number | undefined,
): string {
  const unit = name === 'oldest' ? 's' : name === 'free' ? 'B' : ''
  const scale = (number: number) => (name === 'oldest' ? Math.round(number / 1000) : number)
  // A range that only has a beginning: below it is the alarm.
  const range = (bound: number | undefined) =>
    bound === undefined ? '' : `${scale(bound)}${name === 'free' ? ':' : ''}`
  const bounds = `;${range(warn)};${range(crit)}`.replace(/;+$/, '')
  return `${name}=${scale(value)}${unit}${bounds}`
}
