import tap from 'tap'

import { httpDate, retryAfter } from '../../src/transport/retry-after.ts'

const NOW = Date.UTC(2026, 10, 20, 12, 0, 0)
const DAY = 86_400_000
const read = (value: string, date?: string) => retryAfter(value, date, NOW)

tap.test('delay-seconds count from now', async (t) => {
  t.equal(read('120'), NOW + 120_000)
  t.equal(read(' 7 '), NOW + 7_000)
  t.equal(read('0'), NOW)
})

tap.test('a fraction of a second is never cut short', async (t) => {
  t.equal(read('1.5'), NOW + 1_500)
  t.equal(read('0.64'), NOW + 640)
  t.equal(read('0.0001'), NOW + 1)
})

tap.test('the three forms of an HTTP-date mean the same', async (t) => {
  const at = Date.UTC(2026, 10, 20, 12, 0, 37)
  t.equal(read('Fri, 20 Nov 2026 12:00:37 GMT'), at)
  t.equal(read('Friday, 20-Nov-26 12:00:37 GMT'), at)
  t.equal(read('Fri Nov 20 12:00:37 2026'), at)
  t.equal(read('fri, 20 nov 2026 12:00:37 gmt'), at, 'in any case')
})

tap.test('the example of RFC 9110 is one moment in all its forms', async (t) => {
  const at = Date.UTC(1994, 10, 6, 8, 49, 37)
  for (const form of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])
    t.equal(httpDate(form, NOW), at, form)
})

tap.test('a short year more than fifty years ahead is the past one', async (t) => {
  t.equal(httpDate('Sunday, 06-Nov-76 08:49:37 GMT', NOW), Date.UTC(2076, 10, 6, 8, 49, 37))
  t.equal(httpDate('Sunday, 06-Nov-77 08:49:37 GMT', NOW), Date.UTC(1977, 10, 6, 8, 49, 37))
})

tap.test('a date is measured against the clock of the receiver', async (t) => {
  const asked = 'Fri, 20 Nov 2026 15:00:30 GMT'
  t.equal(read(asked, 'Fri, 20 Nov 2026 15:00:00 GMT'), NOW + 30_000, 'it is ahead')
  t.equal(
    read('Fri, 20 Nov 2026 09:00:30 GMT', 'Fri, 20 Nov 2026 09:00:00 GMT'),
    NOW + 30_000,
    'it is behind',
  )
  t.equal(read(asked, 'yesterday'), NOW + 3 * 3_600_000 + 30_000, 'its Date says nothing')
  t.equal(
    read('30', 'Fri, 20 Nov 2026 15:00:00 GMT'),
    NOW + 30_000,
    'seconds need no clock',
  )
})

tap.test('nothing is asked for more than a day ahead', async (t) => {
  t.equal(read('86401'), NOW + DAY)
  t.equal(read('9'.repeat(400)), NOW + DAY)
  t.equal(read('Sun, 20 Nov 2033 12:00:00 GMT'), NOW + DAY)
})

tap.test('what is past, negative or garbage is as if it were not there', async (t) => {
  for (const text of [
    '',
    '-5',
    '+5',
    '1e3',
    '0x10',
    'Infinity',
    '5 s',
    '5.',
    'soon',
    'Fri, 20 Nov 2026 11:59:59 GMT',
    'Fri, 20 Nov 2026 12:00:37 CET',
    'Fri, 31 Feb 2027 12:00:00 GMT',
    'Fri, 20 Foo 2027 12:00:00 GMT',
    'Fri, 20 Nov 2027 24:00:00 GMT',
    'Fri, 20 Nov 2027 12:60:00 GMT',
    '2027-11-20T12:00:00Z',
  ])
    t.equal(read(text), undefined, JSON.stringify(text))
  t.equal(retryAfter(undefined, undefined, NOW), undefined)
})

tap.test('of several values the latest that makes sense counts', async (t) => {
  t.equal(retryAfter(['5', 'soon', '60', '-1'], undefined, NOW), NOW + 60_000)
  t.equal(retryAfter(['soon', ''], undefined, NOW), undefined)
  t.equal(retryAfter([], undefined, NOW), undefined)
})
