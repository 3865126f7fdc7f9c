/**
 * schedule - when a message may go out, and when it is worth nothing any more.
 *
 * A time is fixed when it is read, a span counts from the moment the message is taken: between
 * the two lies the reading of stdin. A span of `expires` begins when the message may go out.
 */
import { parseDuration } from '../base/duration.ts'
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import type { Draft } from '../message/draft.ts'
import { TIME_HINT, parseTime, spanOf, timeOf } from './when.ts'

/** What a sender wrote. */
export interface Wishes {
  readonly delay?: string | undefined
  readonly at?: string | undefined
  readonly expires?: string | undefined
}

type Moment = { readonly span: number } | { readonly time: number }

export interface Schedule {
  readonly start?: Moment
  readonly end?: Moment
  /** What comes before `delay`, `at` and `expires` in an error: `--` on the line. */
  readonly prefix: string
}

/** Reads what a sender wrote; throws (usage) for what is no time. */
export function readSchedule(wishes: Wishes, prefix: string, now: number): Schedule {
  const { delay, at, expires } = wishes
  if (delay !== undefined && at !== undefined)
    throw new MsgqError('usage', `${prefix}delay and ${prefix}at exclude each other`)
  const start =
    delay !== undefined
      ? { span: spanOf(`${prefix}delay`, delay) }
      : at !== undefined
        ? { time: timeOf(`${prefix}at`, at, now, 'next') }
        : undefined
  const end = expires === undefined ? undefined : endOf(`${prefix}expires`, expires, now)
  return {
    prefix,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  }
}

function endOf(option: string, text: string, now: number): Moment {
  if (parseDuration(text) !== undefined) return { span: spanOf(option, text) }
  const time = parseTime(text, now, 'next')
  if (time !== undefined) return { time }
  throw new MsgqError(
    'usage',
    `${option}: is neither a span nor a time: ${JSON.stringify(printable(text, 60))}`,
    `write 10m or 1h30m; or ${TIME_HINT}`,
  )
}

/** The times of a message that is taken now. */
export function timesOf(
  schedule: Schedule,
  now: number,
): Pick<Draft, 'notBefore' | 'expiresAt'> {
  const { prefix } = schedule
  const start = Math.max(now, momentFrom(schedule.start, now) ?? now)
  const end = momentFrom(schedule.end, start)
  if (end !== undefined && end <= start)
    throw new MsgqError(
      'usage',
      start > now
        ? `${prefix}expires: is over before the message may go out`
        : `${prefix}expires: is over already`,
    )
  return {
    ...(start > now ? { notBefore: iso(`${prefix}delay`, start) } : {}),
    ...(end === undefined ? {} : { expiresAt: iso(`${prefix}expires`, end) }),
  }
}

/** True when the message was to go out at a time that is over. */
export function isLate(schedule: Schedule, now: number): boolean {
  return (
    schedule.start !== undefined && 'time' in schedule.start && schedule.start.time < now
  )
}

function momentFrom(moment: Moment | undefined, from: number): number | undefined {
  if (moment === undefined) return undefined
  return 'span' in moment ? from + moment.span : moment.time
}

/** The name of a file holds four digits of a year. */
function iso(option: string, time: number): string {
  const text = new Date(Math.min(time, 8.64e15)).toISOString()
  if (/^\d{4}-/.test(text)) return text
  throw new MsgqError('usage', `${option}: is too far ahead`)
}
