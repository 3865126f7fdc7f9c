import fc from 'fast-check'
import t from 'tap'

import { parseTime, spanOf, timeOf } from '../../src/intake/when.ts'

const NOW = new Date(2026, 10, 20, 12, 0, 0).getTime()

const two = (n: number) => String(n).padStart(2, '0')

/** A local time of that year, as the test's own zone has it. */
const local = (...parts: [number, number, number, number?, number?, number?, number?]) =>
  new Date(
    parts[0],
    parts[1] - 1,
    parts[2],
    parts[3] ?? 0,
    parts[4] ?? 0,
    parts[5] ?? 0,
    parts[6] ?? 0,
  ).getTime()

t.test('times with a zone mean that zone, times without one the local zone', async (t) => {
  for (const [text, time] of [
    ['2026-11-20T09:00:00Z', Date.UTC(2026, 10, 20, 9)],
    ['2026-11-20T09:00z', Date.UTC(2026, 10, 20, 9)],
    ['2026-11-20 09:00+01:00', Date.UTC(2026, 10, 20, 8)],
    ['2026-11-20T09:00-0530', Date.UTC(2026, 10, 20, 14, 30)],
    ['2026-11-20T09:00+01', Date.UTC(2026, 10, 20, 8)],
    ['2026-11-20T09:00:30.250Z', Date.UTC(2026, 10, 20, 9, 0, 30, 250)],
    ['2028-02-29', local(2028, 2, 29)],
    ['2026-11-20', local(2026, 11, 20)],
    ['2026-11-21T09:00', local(2026, 11, 21, 9)],
    ['2026-11-21 09:00:05.5', local(2026, 11, 21, 9, 0, 5, 500)],
    ['@0', 0],
    ['@1795165200', 1_795_165_200_000],
    ['@1795165200.25', 1_795_165_200_250],
  ] as const)
    for (const towards of ['next', 'last'] as const)
      t.equal(parseTime(text, NOW, towards), time, `${text}, ${towards}`)
})

t.test('a time of day is the next one, or the last one', async (t) => {
  for (const [text, next, last] of [
    ['13:00', local(2026, 11, 20, 13), local(2026, 11, 19, 13)],
    ['9:00', local(2026, 11, 21, 9), local(2026, 11, 20, 9)],
    ['12:00', local(2026, 11, 21, 12), local(2026, 11, 20, 12)],
    ['12:00:01', local(2026, 11, 20, 12, 0, 1), local(2026, 11, 19, 12, 0, 1)],
    ['00:00', local(2026, 11, 21), local(2026, 11, 20)],
  ] as const) {
    t.equal(parseTime(text, NOW, 'next'), next, `${text}, the next`)
    t.equal(parseTime(text, NOW, 'last'), last, `${text}, the last`)
  }
})

t.test('nothing else is a time', async (t) => {
  for (const text of [
    '',
    ' ',
    'now',
    'tomorrow 9:00',
    '9',
    '9:0',
    '24:00',
    '23:60',
    '23:59:60',
    '09:00Z',
    '2026-02-30',
    '2026-02-29T09:00',
    '2026-13-01',
    '2026-11-20T25:00',
    '2026-11-20T09:00+15',
    '2026-11-20T',
    '2026-11-20T09:00 Z',
    '2026-11-20T09:00Z ',
    '0099-01-01',
    '1969-12-31T00:00Z',
    '20261120',
    '1795165200',
    '@',
    '@-1',
    '@x',
    '@999999999999',
    'Fri, 20 Nov 2026 09:00:00 GMT',
  ])
    t.equal(parseTime(text, NOW, 'next'), undefined, JSON.stringify(text))
})

t.test('the next time of day is less than a day and an hour ahead', async () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
      fc.nat(23),
      fc.nat(59),
      (now, hour, minute) => {
        const at = parseTime(`${two(hour)}:${two(minute)}`, now.getTime(), 'next') ?? 0
        const ahead = at - now.getTime()
        // An hour more on the night when clocks are set back.
        return ahead > 0 && ahead <= 25 * 3_600_000
      },
    ),
  )
})

t.test('what is no time and no span is named with its option', async (t) => {
  t.throws(() => timeOf('--at', 'tea time', NOW, 'next'), {
    code: 'usage',
    message: '--at: is no time: "tea time"',
    hint: /09:00/,
  })
  t.throws(() => spanOf('--delay', '5'), {
    code: 'usage',
    message: '--delay: is no span of time: "5"',
    hint: /90s/,
  })
  t.throws(() => spanOf('--delay', '9999999w'), { code: 'usage' }, 'beyond the year 9999')
  t.equal(spanOf('--delay', '1h30m'), 5_400_000)
})
