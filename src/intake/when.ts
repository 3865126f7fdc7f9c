/**
 * when - times and spans as people type them.
 *
 * Times: ISO 8601 with or without a zone, a date alone (its midnight), HH:MM[:SS], or @EPOCH in
 * seconds, as date(1) takes it. Without a zone the local one counts. Nothing else is guessed.
 */
import { parseDuration } from '../base/duration.ts'
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'

/** Which day a time without a date means: the one to come, or the one that was. */
export type Towards = 'next' | 'last'

const DAY = /^(\d{4}-\d\d-\d\d)(?:[T ](.+))?$/
const CLOCK = /^(\d\d?):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i
const EPOCH = /^@(\d{1,12}(?:\.\d{1,9})?)$/
/** The last moment that the name of a message can hold: the end of the year 9999. */
export const LAST = 253_402_300_799_999

/** The ways to write a time. */
export const TIME_HINT = '2026-11-20T09:00, 2026-11-20T09:00Z, 09:00 or @EPOCH'
const SPAN_HINT = 'write it like 90s, 15m, 4h or 1h30m'

/** A span in milliseconds; `option` names it in the error. */
export function spanOf(option: string, text: string): number {
  const span = parseDuration(text)
  if (span !== undefined && span <= LAST) return span
  throw new MsgqError('usage', `${option}: is no span of time: ${quote(text)}`, SPAN_HINT)
}

/** A time in epoch ms; `option` names it in the error. */
export function timeOf(
  option: string,
  text: string,
  now: number,
  towards: Towards,
): number {
  const time = parseTime(text, now, towards)
  if (time !== undefined) return time
  throw new MsgqError(
    'usage',
    `${option}: is no time: ${quote(text)}`,
    `write ${TIME_HINT}`,
  )
}

/** The time that a text means, in epoch ms; undefined when it means none. */
export function parseTime(text: string, now: number, towards: Towards): number | undefined {
  const epoch = EPOCH.exec(text)
  const time = epoch
    ? Math.round(Number(epoch[1]) * 1000)
    : (dated(text) ?? undated(text, now, towards))
  return time !== undefined && time >= 0 && time <= LAST ? time : undefined
}

interface Clock {
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly ms: number
  /** Minutes east of Greenwich; undefined is the local zone. */
  readonly zone: number | undefined
}

function dated(text: string): number | undefined {
  const match = DAY.exec(text)
  const clock = match === null ? undefined : clockOf(match[2] ?? '00:00')
  if (match === null || clock === undefined) return undefined
  const day = match[1] as string
  const [year, month, date] = day.split('-').map(Number) as [number, number, number]
  // Date makes March out of 30 February: the day must come back as it was given.
  const midnight = new Date(Date.UTC(year, month - 1, date))
  if (midnight.toISOString().slice(0, 10) !== day) return undefined
  const { hour, minute, second, ms, zone } = clock
  return zone === undefined
    ? new Date(year, month - 1, date, hour, minute, second, ms).getTime()
    : Date.UTC(year, month - 1, date, hour, minute - zone, second, ms)
}

function undated(text: string, now: number, towards: Towards): number | undefined {
  const clock = clockOf(text)
  // A zone without a date would leave open whose day is meant.
  if (clock === undefined || clock.zone !== undefined) return undefined
  const today = new Date(now)
  const [year, month, date] = [today.getFullYear(), today.getMonth(), today.getDate()]
  const at = (days: number): number =>
    new Date(
      year,
      month,
      date + days,
      clock.hour,
      clock.minute,
      clock.second,
      clock.ms,
    ).getTime()
  if (towards === 'next') return at(0) > now ? at(0) : at(1)
  return at(0) <= now ? at(0) : at(-1)
}

function clockOf(text: string): Clock | undefined {
  const match = CLOCK.exec(text)
  if (match === null) return undefined
  const [hour, minute, second] = [match[1], match[2], match[3] ?? 0].map(Number) as [
    number,
    number,
    number,
  ]
  const zone = match[5] === undefined ? undefined : zoneOf(match[5])
  if (hour > 23 || minute > 59 || second > 59 || Number.isNaN(zone)) return undefined
  return { hour, minute, second, ms: Math.floor(Number(match[4] ?? 0) * 1000), zone }
}

/** Minutes east of Greenwich; NaN for a zone that is nowhere. */
function zoneOf(text: string): number {
  if (/^z$/i.test(text)) return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(3).replace(':', '') || 0)
  if (hours > 14 || minutes > 59) return Number.NaN
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

function quote(text: string): string {
  return JSON.stringify(printable(text, 60))
}
