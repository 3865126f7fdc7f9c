/**
 * spans - durations, sizes and times as people type them: read as they were written, or refused.
 */
import fc from 'fast-check'

import { briefDuration, formatDuration, parseDuration } from '../../src/base/duration.ts'
import { MsgqError } from '../../src/base/errors.ts'
import { briefSize, parseSize } from '../../src/base/size.ts'
import { readSchedule, timesOf } from '../../src/intake/schedule.ts'
import { parseTime } from '../../src/intake/when.ts'
import { checkDraft } from '../../src/message/draft.ts'
import { damaged } from './damage.ts'
import { law, orRefusal } from './law.ts'

const NOW = Date.parse('2026-11-20T10:15:00.123Z')
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const number = fc.oneof(
  fc.nat().map(String),
  fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
  fc.tuple(fc.nat(999), fc.nat(999)).map(([whole, part]) => `${whole}.${part}`),
)
const aSpan = fc
  .array(fc.tuple(number, fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w', 'y', 'M', '')), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.flat().join(''))
const aSize = fc
  .tuple(
    number,
    fc.constantFrom('', ' '),
    fc.constantFrom(
      '',
      'B',
      'k',
      'K',
      'KiB',
      'kB',
      'M',
      'MiB',
      'mb',
      'G',
      'GiB',
      'GB',
      'T',
    ),
  )
  .map((parts) => parts.join(''))

const moment = fc.date({
  min: new Date(0),
  max: new Date(LATEST),
  noInvalidDate: true,
})
const clock = fc
  .tuple(fc.nat(25), fc.nat(61), fc.option(fc.nat(61)))
  .map(([hour, minute, second]) =>
    [hour, minute, second]
      .filter((part) => part !== null)
      .map((part) => String(part).padStart(2, '0'))
      .join(':'),
  )
const aTime = fc.oneof(
  moment.map((at) => at.toISOString()),
  moment.map((at) => at.toISOString().slice(0, 16)),
  moment.map((at) => at.toISOString().slice(0, 10)),
  moment.map((at) => `@${at.getTime() / 1000}`),
  clock,
  fc
    .tuple(moment, fc.integer({ min: -24, max: 24 }), fc.nat(60))
    .map(([at, hours, minutes]) => {
      const zone = `${hours < 0 ? '-' : '+'}${two(Math.abs(hours))}:${two(minutes)}`
      return at.toISOString().replace('Z', zone)
    }),
)

function two(value: number): string {
  return String(value).padStart(2, '0')
}

const anyTime = fc.oneof(fc.string({ maxLength: 30 }), aTime, damaged(aTime))
const anySpan = fc.oneof(fc.string({ maxLength: 20 }), aSpan, damaged(aSpan))
const anySize = fc.oneof(fc.string({ maxLength: 20 }), aSize, damaged(aSize))

export const spanLaws = [
  law(
    'duration: what is written for a span reads back as it',
    5,
    fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(100_000)),
    (ms) =>
      parseDuration(formatDuration(ms)) === ms &&
      /^\d+(ms|[smhd])$/.test(briefDuration(ms)),
  ),
  law('duration: any text is a whole span or none', 6, anySpan, (text) => {
    const ms = parseDuration(text)
    if (ms === undefined) return true
    return Number.isSafeInteger(ms) && ms >= 0 && parseDuration(formatDuration(ms)) === ms
  }),
  law('size: a number alone is bytes, and fits a column', 4, fc.maxSafeNat(), (bytes) => {
    return parseSize(String(bytes)) === bytes && briefSize(bytes).length <= 5
  }),
  law('size: any text is a whole size or none', 5, anySize, (text) => {
    const bytes = parseSize(text)
    return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)
  }),
  law('time: what ISO 8601 writes reads back', 4, moment, (at) => {
    return parseTime(at.toISOString(), NOW, 'next') === at.getTime()
  }),
  law(
    'time: any text is a moment that a name can hold, or none',
    7,
    fc.tuple(anyTime, moment, fc.constantFrom('next' as const, 'last' as const)),
    ([text, now, towards]) => {
      const at = parseTime(text, now.getTime(), towards)
      return at === undefined || (Number.isSafeInteger(at) && at >= 0 && at <= LATEST)
    },
  ),
  law(
    'time: --delay, --at and --expires make a draft, or are refused',
    6,
    fc.record(
      {
        delay: fc.oneof(anySpan, anyTime),
        at: fc.oneof(anyTime, anySpan),
        expires: fc.oneof(anySpan, anyTime),
      },
      { requiredKeys: [] },
    ),
    async (wishes) => {
      const times = await orRefusal(() => timesOf(readSchedule(wishes, '--', NOW), NOW))
      if (times instanceof MsgqError) return times.code === 'usage'
      checkDraft({ to: 'crm', ...times })
      const { notBefore = new Date(NOW).toISOString(), expiresAt } = times
      return expiresAt === undefined || notBefore < expiresAt
    },
  ),
]
