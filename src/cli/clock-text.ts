/**
 * clock-text - times and spans as a person reads them, in the time zone of the reader.
 */
import { briefDuration } from '../base/duration.ts'

const DAY = 86_400_000
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** `03:12` of today, `Nov 20 03:12` within half a year, else `2025-11-20 03:12`. */
export function shortTime(ms: number, now: number): string {
  return datedTime(ms, now, clockOf(ms).slice(0, 5))
}

/** The same to the second. */
export function exactTime(ms: number, now: number): string {
  return datedTime(ms, now, clockOf(ms))
}

function datedTime(ms: number, now: number, clock: string): string {
  const at = new Date(ms)
  if (at.toDateString() === new Date(now).toDateString()) return clock
  if (Math.abs(now - ms) < 183 * DAY)
    return `${MONTHS[at.getMonth()]} ${String(at.getDate()).padStart(2)} ${clock}`
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`
}

function clockOf(ms: number): string {
  const at = new Date(ms)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** `4s`, `12m`, `5h 12m`, `2d 1h`: the two largest units of a span. */
export function spanText(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000)
  if (minutes < 60) return briefSpan(ms)
  const [days, hours, rest] = [
    Math.floor(minutes / 1440),
    Math.floor((minutes % 1440) / 60),
    minutes % 60,
  ]
  const parts = days > 0 ? [`${days}d`, `${hours}h`] : [`${hours}h`, `${rest}m`]
  return parts.filter((part) => !part.startsWith('0')).join(' ')
}

/** `in 14m`. */
export function inSpan(ms: number): string {
  return `in ${briefSpan(ms)}`
}

/** `4s`, `2h`, `3d`: a span in its largest unit; less than a second is none. */
export function briefSpan(ms: number): string {
  return ms < 1_000 ? '0s' : briefDuration(ms)
}

/** How long something took: `31ms`, `1.2s`, `2m`. */
export function tookText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)}s` : spanText(ms)
}
