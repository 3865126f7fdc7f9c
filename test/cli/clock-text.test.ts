/**
 * clock-text - times and spans as a tired person reads them.
 */
import t from 'tap'

import {
  briefSpan,
  exactTime,
  inSpan,
  shortTime,
  spanText,
} from '../../src/cli/clock-text.ts'

process.env['TZ'] = 'UTC'
const NOW = Date.parse('2026-11-20T12:00:00.000Z')
const at = (text: string) => Date.parse(text)

t.test('a time is as long as it must be', async (t) => {
  t.equal(shortTime(at('2026-11-20T03:12:44Z'), NOW), '03:12')
  t.equal(shortTime(at('2026-11-19T23:59:59Z'), NOW), 'Nov 19 23:59')
  t.equal(shortTime(at('2026-12-04T09:00:00Z'), NOW), 'Dec  4 09:00')
  t.equal(shortTime(at('2025-11-20T03:12:00Z'), NOW), '2025-11-20 03:12')
  t.equal(exactTime(at('2026-11-20T03:12:44Z'), NOW), '03:12:44')
  t.equal(exactTime(at('2026-11-19T03:12:04Z'), NOW), 'Nov 19 03:12:04')
})

t.test('the time is that of the reader', async (t) => {
  process.env['TZ'] = 'Europe/Berlin'
  t.equal(shortTime(at('2026-11-20T11:30:00Z'), NOW), '12:30')
  t.equal(shortTime(at('2026-11-19T23:30:00Z'), NOW), '00:30', 'today there')
  process.env['TZ'] = 'UTC'
})

t.test('a span has one unit or two', async (t) => {
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
  t.same(
    [-5, 999, 4_200, 12 * minute, hour, 5 * hour + 12 * minute, 49 * hour, 3 * day].map(
      spanText,
    ),
    ['0s', '0s', '4s', '12m', '1h', '5h 12m', '2d 1h', '3d'],
  )
  t.same([-5, 999, 4_200, 47 * hour, 3 * day].map(briefSpan), [
    '0s',
    '0s',
    '4s',
    '47h',
    '3d',
  ])
  t.equal(inSpan(14 * minute + 59_999), 'in 14m')
})
