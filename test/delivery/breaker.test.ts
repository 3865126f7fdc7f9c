/**
 * breaker - when it trips, for how long, and what ends it.
 */
import fc from 'fast-check'
import t from 'tap'

import { Breaker } from '../../src/delivery/breaker.ts'

const RETRY = { min: 10_000, max: 14_400_000 }

/** Fails with messages of their own until it trips; how many that took. */
function trip(breaker: Breaker, size: number, retry = RETRY, now = 0): number {
  for (let n = 1; n <= 1000; n++) if (breaker.failed(`${n}`, size, retry, now)) return n
  return Infinity
}

t.test('a window of failures in a row trips it, and five at least', async (t) => {
  for (const [size, needed] of [
    [1, 5],
    [5, 5],
    [6, 6],
    [20, 20],
    [100, 100],
  ] as const)
    t.equal(trip(new Breaker(), size), needed, `a window of ${size}`)
})

t.test('a success between them starts the count anew', async (t) => {
  const breaker = new Breaker()
  for (let n = 0; n < 1000; n++) {
    t.equal(breaker.failed(`${n}`, 5, RETRY, 0), false)
    if (n % 4 === 3) t.equal(breaker.reset(), false)
  }
})

t.test('one message that always fails is no sign', async (t) => {
  const breaker = new Breaker()
  for (let n = 0; n < 1000; n++) breaker.failed('poison', 1, RETRY, n)
  t.notOk(breaker.tripped)
  t.equal(breaker.failures, 1)
  t.equal(breaker.failed('another', 1, RETRY, 0), false)
  for (let n = 0; n < 2; n++) breaker.failed('another', 1, RETRY, 0)
  t.notOk(breaker.tripped)
  t.equal(breaker.failed('another', 1, RETRY, 0), true, 'once another one fails as well')
  breaker.reset()
  for (let n = 0; n < 1000; n++) breaker.failed('another', 1, RETRY, n)
  t.notOk(breaker.tripped, 'and anew after a success')
})

t.test('the pause doubles with each probe that fails, up to five minutes', async (t) => {
  const breaker = new Breaker()
  trip(breaker, 5)
  const pauses = [breaker.until]
  for (let n = 0; n < 7; n++) {
    const now = breaker.until
    breaker.probing = true
    t.equal(breaker.failed('same', 5, RETRY, now), false, 'that is no news')
    pauses.push(breaker.until - now)
  }
  t.strictSame(
    pauses,
    [10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1000),
  )
  t.equal(breaker.reset(), true)
  t.equal(breaker.reset(), false)
  trip(breaker, 5)
  t.equal(breaker.until, 10_000, 'after a success it begins anew')
})

t.test('the pause keeps to the retries of the lane', async (t) => {
  for (const [min, max, first, most] of [
    [1, 86_400_000, 1_000, 300_000],
    [3_600_000, 14_400_000, 300_000, 300_000],
    [100, 200, 200, 200],
    [10_000, 30_000, 10_000, 30_000],
  ] as const) {
    const breaker = new Breaker()
    trip(breaker, 1, { min, max })
    t.equal(breaker.until, first)
    for (let n = 0; n < 20; n++) {
      breaker.probing = true
      breaker.failed('x', 1, { min, max }, 0)
    }
    t.equal(breaker.until, most)
  }
})

t.test('it never trips before five, whatever the windows were', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1000 })), (sizes) => {
      const breaker = new Breaker()
      let shares = 0
      return sizes.every((size, n) => {
        if (breaker.tripped) return true
        shares += 1 / size
        const trips = breaker.failed(`${n}`, size, RETRY, 0)
        return trips === (n + 1 >= 5 && shares > 1 - 1e-6)
      })
    }),
  )
})
