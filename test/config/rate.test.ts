/**
 * rate - read and written.
 */
import fc from 'fast-check'
import t from 'tap'

import { formatRate, parseRate } from '../../src/config/rate.ts'

t.test('what is written is read again', async () => {
  const rates = fc.record({
    count: fc.integer({ min: 1, max: 1_000_000 }),
    per: fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000),
    burst: fc.integer({ min: 1, max: 1_000_000 }),
  })
  fc.assert(
    fc.property(rates, (rate) => {
      const { count, per, burst } = parseRate(formatRate(rate))!
      return count === rate.count && per === rate.per && burst === rate.burst
    }),
  )
})

t.test('without a burst it is what comes in a tenth of a second', async (t) => {
  t.equal(parseRate('10/s')?.burst, 1)
  t.equal(parseRate('19/s')?.burst, 1)
  t.equal(parseRate('1000/s')?.burst, 100)
  t.equal(parseRate('1000/d')?.burst, 1)
  t.equal(formatRate(parseRate('1000/s')!), '1000/s')
  t.equal(formatRate(parseRate('10/s burst 1')!), '10/s')
})

t.test('what is no rate is none', async (t) => {
  for (const text of [
    '',
    '10',
    '10/',
    '/s',
    '1.5/s',
    '10 / s',
    '10/s burst',
    '10/s  burst 2',
  ])
    t.equal(parseRate(text), undefined, text)
})
