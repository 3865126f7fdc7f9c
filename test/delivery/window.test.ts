/**
 * window - grows with success, shrinks with failure, and stays within its bounds.
 */
import fc from 'fast-check'
import t from 'tap'

import { Window } from '../../src/delivery/window.ts'

const HOUSE = { window: 20, first: 5 }

t.test('it begins with the first, and one number stands still', async (t) => {
  const window = new Window()
  t.equal(window.size(HOUSE), 5)
  t.equal(window.size({ window: 20 }), 20)
  const fixed = { window: 7 }
  for (let n = 0; n < 100; n++) window.failed(fixed)
  t.equal(window.size(fixed), 7)
  for (let n = 0; n < 100; n++) window.succeeded(fixed, 7)
  t.equal(window.size(fixed), 7)
})

t.test('about a window of successes makes room for one more, up to the most', async (t) => {
  const window = new Window()
  const needed: number[] = []
  for (let size = 5; size < 20; size++) {
    let successes = 0
    while (window.size(HOUSE) === size && successes < 100) {
      window.succeeded(HOUSE, size)
      successes++
    }
    needed.push(successes)
  }
  t.equal(window.size(HOUSE), 20)
  for (const [at, successes] of needed.entries())
    t.ok(Math.abs(successes - (at + 5)) <= 1, `${successes} at ${at + 5}`)
  for (let n = 0; n < 100; n++) window.succeeded(HOUSE, 20)
  t.equal(window.size(HOUSE), 20)
})

t.test('it does not grow while it is not used', async (t) => {
  const window = new Window()
  for (let n = 0; n < 1000; n++) window.succeeded(HOUSE, 1)
  t.equal(window.size(HOUSE), 6, 'what is under way, and the first on top')
  for (let n = 0; n < 1000; n++) window.succeeded(HOUSE, 6)
  t.equal(window.size(HOUSE), 11)
})

t.test('failures take it down one by one to 1 and never below', async (t) => {
  const window = new Window()
  const sizes = new Set<number>()
  for (let n = 0; n < 1000; n++) {
    window.failed(HOUSE)
    sizes.add(window.size(HOUSE))
  }
  t.strictSame([...sizes], [4, 3, 2, 1])
  window.reset()
  t.equal(window.size(HOUSE), 5)
})

t.test('one failure in many is borne, and many are not', async (t) => {
  const lowest = (every: number) => {
    const window = new Window()
    let least = Infinity
    for (let n = 1; n <= 5000; n++) {
      if (n % every === 0) window.failed(HOUSE)
      else window.succeeded(HOUSE, window.size(HOUSE))
      if (n > 1000) least = Math.min(least, window.size(HOUSE))
    }
    return least
  }
  t.equal(lowest(50), 19)
  t.equal(lowest(10), 5)
  t.equal(lowest(2), 1)
})

t.test('a reload that lowers the most counts at once', async (t) => {
  const window = new Window()
  for (let n = 0; n < 1000; n++) window.succeeded(HOUSE, 20)
  t.equal(window.size({ window: 8, first: 5 }), 8)
  t.equal(window.size({ window: 8 }), 8)
})

t.test('whatever happens, it is from 1 to the most, and moves by 1', async () => {
  const options = fc
    .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 30 }))
    .map(([first, more]) => ({ first, window: first + more }))
  const events = fc.array(fc.record({ good: fc.boolean(), active: fc.nat(40) }))
  fc.assert(
    fc.property(options, events, (lane, ends) => {
      const window = new Window()
      let size = window.size(lane)
      for (const { good, active } of ends) {
        if (good) window.succeeded(lane, Math.max(1, active))
        else window.failed(lane)
        const next = window.size(lane)
        const steps = good ? [0, 1] : [0, -1]
        if (next < 1 || next > lane.window || !steps.includes(next - size)) return false
        size = next
      }
      return true
    }),
  )
})
