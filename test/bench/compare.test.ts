/**
 * compare - what counts as a regression, and what is kept to compare with.
 */
import fc from 'fast-check'
import t from 'tap'

import { keep, regressions } from './compare.ts'
import { figure } from './figure.ts'
import type { Figure } from './figure.ts'

function rate(value: number): Figure {
  return figure({ name: 'sends', unit: 'per s', value, baseline: 100, against: 'C' })
}

function time(value: number): Figure {
  return figure({ name: 'start', unit: 'ms', value, baseline: 100, against: 'node' })
}

t.test(
  'a rate that fell by a fifth is a regression, and one that rose is none',
  async (t) => {
    t.same(regressions([rate(79)], { sends: 1 }), [
      'REGRESSION sends: ratio 0.790, committed 1.00: 21 % worse',
    ])
    t.same(regressions([rate(81)], { sends: 1 }), [])
    t.same(regressions([rate(500)], { sends: 1 }), [])
  },
)

t.test('a time that rose by a fifth is one, and one that fell is none', async (t) => {
  t.same(regressions([time(125)], { start: 1 }), [
    'REGRESSION start: ratio 1.25, committed 1.00: 25 % worse',
  ])
  t.same(regressions([time(119)], { start: 1 }), [])
  t.same(regressions([time(20)], { start: 1 }), [])
})

t.test('just a fifth is too much', async (t) => {
  t.equal(regressions([rate(80)], { sends: 1 }).length, 1)
  t.equal(regressions([time(120)], { start: 1 }).length, 1)
})

t.test('what nobody committed is no regression', async (t) => {
  t.same(regressions([rate(1), time(900)], {}), [])
  t.same(regressions([rate(1)], undefined), [])
})

t.test('what could not be measured is one', async (t) => {
  t.equal(regressions([rate(NaN)], { sends: 1 }).length, 1)
  t.equal(regressions([time(NaN)], { start: 1 }).length, 1)
})

t.test('what was kept is never a regression of itself', async () => {
  const values = fc.double({ min: 1e-3, max: 1e6, noNaN: true })
  const check = (of: (value: number) => Figure) =>
    fc.property(values, (value) => {
      const kept = keep({}, 'full', [of(value)])
      return regressions([of(value)], kept['full']).length === 0
    })
  fc.assert(check(rate))
  fc.assert(check(time))
})

t.test('keeping some figures leaves the others, and other kinds of run', async (t) => {
  const before = { full: { sends: 0.5, other: 2 }, quick: { sends: 0.4 } }
  t.same(keep(before, 'full', [rate(91.23456)]), {
    full: { sends: 0.9123, other: 2 },
    quick: { sends: 0.4 },
  })
})
