/**
 * figure - ratios, quantiles, targets, and how figures are printed.
 */
import fc from 'fast-check'
import t from 'tap'

import { figure, jsonLine, mean, median, meets, quantile, table } from './figure.ts'
import type { Target } from './figure.ts'

function sends(target?: Target) {
  return figure({
    name: 'sends',
    unit: 'per s',
    value: 901.239,
    baseline: 1000,
    against: 'C, one thread',
    more: { p99: 4.56789 },
    ...(target === undefined ? {} : { target }),
  })
}

t.test('a median, a mean and a quantile', async (t) => {
  t.equal(median([5, 1, 3]), 3)
  t.equal(mean([1, 2, 6]), 3)
  t.equal(
    quantile(
      Array.from({ length: 200 }, (_, n) => n),
      0.99,
    ),
    198,
  )
  t.ok(Number.isNaN(median([])), 'of nothing there is none')
})

t.test('a quantile is one of the values, and no share below it is greater', async () => {
  const values = fc.array(fc.double({ noNaN: true }), { minLength: 1 })
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(values, share, (all, at) => {
      const value = quantile(all, at)
      const below = all.filter((one) => one < value).length
      return all.includes(value) && below <= at * all.length
    }),
  )
})

t.test('a target is a bound for the ratio, the value, or another number', async (t) => {
  t.equal(meets(sends()), undefined)
  t.equal(meets(sends({ of: 'ratio', least: 0.9 })), true)
  t.equal(meets(sends({ of: 'ratio', least: 0.95 })), false)
  t.equal(meets(sends({ of: 'value', most: 900 })), false)
  t.equal(meets(sends({ of: 'p99', most: 5 })), true)
  t.equal(meets(sends({ of: 'p50', most: 5 })), false, 'what is not there meets nothing')
})

t.test('a line of JSON has four digits, and says all', async (t) => {
  t.same(JSON.parse(jsonLine(sends({ of: 'ratio', least: 0.9 }))), {
    name: 'sends',
    unit: 'per s',
    value: 901.2,
    baseline: 1000,
    against: 'C, one thread',
    ratio: 0.9012,
    target: { of: 'ratio', least: 0.9 },
    more: { p99: 4.568 },
  })
})

t.test('a table for people', async (t) => {
  const [heading, met, missed, ...rest] = table([
    sends({ of: 'ratio', least: 0.9 }),
    sends({ of: 'p99', most: 2 }),
  ]).split('\n')
  t.match(heading, /^what +msgq +baseline +ratio +asked +baseline is$/)
  t.match(
    met,
    /^sends  901 per s  1000 per s  0.90   >= 0.9: yes +C, one thread; p99 4.57$/,
  )
  t.match(missed, /<= 2 \(p99\): NO/)
  t.same(rest, [])
})
