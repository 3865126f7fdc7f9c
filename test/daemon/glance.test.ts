/**
 * glance - the line of `systemctl status`: what waits, what goes, what does not.
 */
import t from 'tap'

import { Glance, glanceText } from '../../src/daemon/glance.ts'
import type { Seen } from '../../src/daemon/glance.ts'
import { Tally } from '../../src/delivery/tally.ts'
import type { Stats } from '../../src/queue/queue.ts'

const zero = new Tally({ now: () => 0, monotonic: () => 0 }).recent()
const calm: Seen = { inFlight: 0, recent: zero, lanes: [] }
const empty = { incoming: 0, active: 0, deferred: 0, hold: 0, bounce: 0, corrupt: 0 }
const lane = (name: string, state: 'open' | 'closed' | 'suspended') => ({
  lane: name,
  state,
  window: 5,
  active: 0,
})

t.test('the line', async (t) => {
  t.equal(glanceText(undefined, calm), 'serving')
  t.equal(glanceText(empty, calm), 'nothing waits')
  t.equal(
    glanceText(
      { ...empty, incoming: 1, active: 3, deferred: 12, hold: 2, bounce: 4, corrupt: 5 },
      {
        inFlight: 3,
        recent: { ...zero, delivered: 40, deferred: 1 },
        lanes: [lane('crm', 'suspended'), lane('ops', 'closed'), lane('a', 'open')],
        clock: { doubtedSince: '2026-11-20T00:00:00.000Z', stepMs: 1 },
      },
    ),
    '1 incoming, 12 deferred, 2 held, 4 bounced, 5 corrupt; 3 on the wire; ' +
      'last 5 min: 40 delivered, 1 deferred; suspended: crm; closed: ops; the clock is in doubt',
  )
  const lanes = ['a', 'b', 'c', 'd', 'e'].map((name) => lane(name, 'closed'))
  t.equal(
    glanceText(empty, { ...calm, lanes }),
    'nothing waits; closed: a, b, c and 2 more',
  )
})

t.test('the longer a look takes, the longer until the next', async (t) => {
  let now = 0
  let looks = 0
  let takes = 100
  let deferred = 1
  const told: string[] = []
  const glance = new Glance({
    clock: { now: () => 0, monotonic: () => now },
    seen: () => calm,
    count: async () => {
      looks++
      now += takes
      if (takes < 0) throw new Error('EIO')
      return { states: { ...empty, deferred } } as Stats
    },
    tell: (text) => told.push(text),
  })
  await glance.look()
  t.same([looks, told], [1, ['1 deferred']])
  await glance.look()
  now = 100_000
  deferred = 2
  await glance.look()
  t.equal(looks, 1, 'a thousand times 100 ms are not over')
  now = 100_100
  await glance.look()
  t.same([looks, told], [2, ['1 deferred', '2 deferred']])
  now = 1_000_000
  takes = -1
  await glance.look()
  t.same([looks, told.length], [3, 2], 'one that fails changes nothing')
  t.equal(glance.text(), '2 deferred')
})

t.test('one look at a time', async (t) => {
  let looks = 0
  let end!: (stats: Stats) => void
  const glance = new Glance({
    clock: { now: () => 0, monotonic: () => 1e9 },
    seen: () => calm,
    count: () => {
      looks++
      return new Promise((resolve) => (end = resolve))
    },
    tell: () => {},
  })
  const first = glance.look()
  await glance.look()
  t.equal(looks, 1)
  end({ states: empty } as Stats)
  await first
})
