/**
 * bucket - never more than its rate, in any span whatever, and no less than it may.
 */
import fc from 'fast-check'
import t from 'tap'

import { parseRate } from '../../src/config/rate.ts'
import { Bucket } from '../../src/delivery/bucket.ts'

t.test('a full one gives its burst at once, then one after the other', async (t) => {
  const bucket = new Bucket()
  const rate = parseRate('100/m burst 20')!
  t.equal(bucket.room(rate, 0), 20)
  for (let n = 0; n < 20; n++) bucket.take(rate, 0)
  t.equal(bucket.room(rate, 0), 0)
  t.equal(bucket.opensAt(rate, 0), 600)
  t.equal(bucket.room(rate, 599), 0)
  t.equal(bucket.room(rate, 600), 1)
  t.equal(bucket.room(rate, 1800), 3)
  t.equal(bucket.room(rate, 12_000), 20)
  t.equal(bucket.room(rate, 1e12), 20, 'a rest does not add up beyond the burst')
})

const rates = fc.record({
  count: fc.integer({ min: 1, max: 2000 }),
  per: fc.constantFrom(1000, 60_000, 3_600_000),
  burst: fc.integer({ min: 1, max: 50 }),
})

t.test('in any span never more than burst + rate * time', async () => {
  const steps = fc.array(
    fc.record({ pause: fc.double({ min: 0, max: 5000, noNaN: true }), greed: fc.nat(60) }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(rates, steps, (rate, moves) => {
      const bucket = new Bucket()
      const taken: number[] = []
      let now = 12_345.678
      for (const { pause, greed } of moves) {
        now += pause
        for (let n = 0; n < greed && bucket.room(rate, now) > 0; n++) {
          bucket.take(rate, now)
          taken.push(now)
        }
      }
      for (let from = 0; from < taken.length; from++)
        for (let to = from; to < taken.length; to++) {
          const most = rate.burst + (rate.count * (taken[to]! - taken[from]!)) / rate.per
          if (to - from + 1 > most + 1e-6) return false
        }
      return true
    }),
  )
})

t.test('who comes at the time it names finds room, and the rate is reached', async () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 300 }), (rate, wanted) => {
      const bucket = new Bucket()
      const began = 1000
      let now = began
      for (let n = 0; n < wanted; n++) {
        const opensAt = bucket.opensAt(rate, now)
        if (opensAt > now) {
          if (bucket.room(rate, now) !== 0) return false
          now = opensAt
        }
        if (bucket.room(rate, now) < 1) return false
        bucket.take(rate, now)
      }
      const ideal = (Math.max(0, wanted - rate.burst) * rate.per) / rate.count
      return Math.abs(now - began - ideal) < 1e-3 * wanted
    }),
  )
})

t.test('what is promised counts as taken now', async () => {
  fc.assert(
    fc.property(rates, fc.nat(30), fc.nat(30), (rate, before, promised) => {
      const bucket = new Bucket()
      const now = 5000
      for (let n = 0; n < Math.min(before, rate.burst); n++) bucket.take(rate, now)
      const most = Math.min(promised, bucket.room(rate, now))
      const foretold = bucket.opensAt(rate, now, most)
      for (let n = 0; n < most; n++) bucket.take(rate, now)
      return Math.abs(bucket.opensAt(rate, now) - foretold) < 1e-6 || foretold <= now
    }),
  )
})

t.test('a faster rate does not wait for the debt of the old one', async (t) => {
  const bucket = new Bucket()
  bucket.take(parseRate('1/d')!, 0)
  t.equal(bucket.room(parseRate('1/d')!, 1000), 0)
  t.equal(bucket.opensAt(parseRate('10/s')!, 1000), 1100)
  t.notOk(bucket.isFull(1000))
})
