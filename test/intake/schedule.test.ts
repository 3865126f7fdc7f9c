import t from 'tap'

import { isLate, readSchedule, timesOf } from '../../src/intake/schedule.ts'
import type { Wishes } from '../../src/intake/schedule.ts'

const NOW = Date.parse('2026-11-20T10:00:00.000Z')
const MINUTE = 60_000

function times(wishes: Wishes, readingTook = 0) {
  return timesOf(readSchedule(wishes, '--', NOW), NOW + readingTook)
}

t.test('without a wish there are no times', async (t) => {
  t.strictSame(times({}), {})
})

t.test('a delay counts from the moment the message is taken', async (t) => {
  t.strictSame(times({ delay: '1h' }, MINUTE), { notBefore: '2026-11-20T11:01:00.000Z' })
  t.strictSame(times({ delay: '0s' }), {})
})

t.test('a time stays what it was when it was read', async (t) => {
  t.strictSame(
    times({ at: '2026-11-20T10:00:30Z' }, MINUTE),
    {},
    'over while stdin was read',
  )
  t.strictSame(times({ at: '2026-11-20T10:05Z' }, MINUTE), {
    notBefore: '2026-11-20T10:05:00.000Z',
  })
})

t.test('a span of expires begins when the message may go out', async (t) => {
  t.strictSame(times({ expires: '5m' }, MINUTE), { expiresAt: '2026-11-20T10:06:00.000Z' })
  t.strictSame(times({ delay: '1h', expires: '5m' }), {
    notBefore: '2026-11-20T11:00:00.000Z',
    expiresAt: '2026-11-20T11:05:00.000Z',
  })
  t.strictSame(times({ expires: '@1795169400' }), { expiresAt: '2026-11-20T10:10:00.000Z' })
})

t.test('what would expire before it may go out is refused', async (t) => {
  for (const wishes of [
    { expires: '0s' },
    { expires: '2026-11-20T09:59Z' },
    { delay: '1h', expires: '2026-11-20T10:30Z' },
  ])
    t.throws(() => times(wishes), { code: 'usage', message: /^--expires: is over/ })
  t.throws(() => times({ expires: '2026-11-20T10:01Z' }, 2 * MINUTE), { code: 'usage' })
})

t.test('delay and at exclude each other', async (t) => {
  t.throws(() => times({ delay: '1m', at: '10:05' }), { code: 'usage' })
})

t.test('nothing lies beyond the year 9999', async (t) => {
  t.throws(() => times({ delay: '418000w' }), { code: 'usage' })
  t.throws(() => times({ delay: '400000w', expires: '400000w' }), {
    code: 'usage',
    message: '--expires: is too far ahead',
  })
})

const late = (wishes: Wishes) => isLate(readSchedule(wishes, '--', NOW), NOW)

t.test('late is only what was to go out at a time', async (t) => {
  t.equal(late({ at: '@0' }), true)
  t.equal(late({ at: '2026-11-20T10:00:01Z' }), false)
  t.equal(late({ delay: '0s' }), false)
  t.equal(late({}), false)
})
