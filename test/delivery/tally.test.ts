/**
 * tally - counts that an operator can trust.
 */
import t from 'tap'

import { Tally } from '../../src/delivery/tally.ts'
import { HandClock } from '../queue/conformance/rig.ts'

const NONE = {
  delivered: 0,
  expanded: 0,
  deleted: 0,
  deferred: 0,
  postponed: 0,
  bounced: 0,
  held: 0,
  released: 0,
}

t.test('what ended is counted by how it ended', async (t) => {
  const tally = new Tally(new HandClock())
  t.strictSame(tally.recent(), NONE)
  for (const end of ['delivered', 'delivered', 'bounced', 'released'] as const)
    tally.count(end)
  const counts = { ...NONE, delivered: 2, bounced: 1, released: 1 }
  t.strictSame(tally.recent(), counts)
  t.strictSame(tally.total(), counts)
})

t.test('five minutes are recent, whenever in its minute something was', async (t) => {
  for (const into of [0, 1, 30_000, 59_999]) {
    const clock = new HandClock()
    clock.pass(into)
    const tally = new Tally(clock)
    tally.count('delivered')
    clock.pass(300_000)
    t.equal(tally.recent().delivered, 1, `five minutes ago, ${into} ms into its minute`)
    clock.pass(60_000)
    t.equal(tally.recent().delivered, 0, 'six minutes ago')
    t.equal(tally.total().delivered, 1, 'the total forgets nothing')
  }
})

t.test('a busy hour is counted whole, and the recent is the end of it', async (t) => {
  const clock = new HandClock()
  const tally = new Tally(clock)
  for (let second = 0; second < 3600; second++) {
    tally.count('delivered')
    clock.pass(1000)
  }
  t.equal(tally.total().delivered, 3600)
  const { delivered } = tally.recent()
  t.ok(delivered >= 300 && delivered <= 360, `${delivered} of the last five minutes`)
})

t.test('after a silence of hours nothing old is recent', async (t) => {
  const clock = new HandClock()
  const tally = new Tally(clock)
  tally.count('bounced')
  clock.pass(7_200_000)
  tally.count('delivered')
  t.strictSame(tally.recent(), { ...NONE, delivered: 1 })
})

t.test('what was handed out does not change any more', async (t) => {
  const tally = new Tally(new HandClock())
  const before = tally.total()
  tally.count('held')
  t.equal(before.held, 0)
})
