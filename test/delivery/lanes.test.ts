/**
 * lanes - room, and what takes it away.
 */
import t from 'tap'

import { Lanes } from '../../src/delivery/lanes.ts'
import { HandClock } from '../queue/conformance/rig.ts'

function open(window = 2) {
  const clock = new HandClock()
  const windows = new Map<string, number>()
  const lanes = new Lanes(clock, (lane) => windows.get(lane) ?? window)
  return { clock, lanes, windows }
}

t.test('a lane has room for its window, less what is under way', async (t) => {
  const { lanes } = open()
  t.equal(lanes.room('crm'), 2)
  lanes.begin('crm')
  t.equal(lanes.room('crm'), 1)
  lanes.begin('crm')
  t.equal(lanes.room('crm'), 0)
  t.equal(lanes.room('ops'), 2, 'each lane for itself')
  lanes.end('crm')
  t.equal(lanes.room('crm'), 1)
})

t.test(
  'a window that a reload changed counts at once, and room is never negative',
  async (t) => {
    const { lanes, windows } = open()
    lanes.begin('crm')
    lanes.begin('crm')
    windows.set('crm', 1)
    t.equal(lanes.room('crm'), 0)
    windows.set('crm', 5)
    t.equal(lanes.room('crm'), 3)
  },
)

t.test('a closed lane has no room until its time has come', async (t) => {
  const { clock, lanes } = open()
  t.equal(lanes.close('crm', clock.now() + 1000, '429'), true)
  t.equal(lanes.room('crm'), 0)
  t.equal(lanes.room('ops'), 2)
  t.equal(lanes.nextOpening(), clock.now() + 1000)
  clock.pass(999)
  t.equal(lanes.room('crm'), 0)
  clock.pass(1)
  t.equal(lanes.room('crm'), 2)
  t.equal(lanes.nextOpening(), undefined)
})

t.test(
  'a closing is news once; a later word makes it longer, none makes it shorter',
  async (t) => {
    const { clock, lanes } = open()
    const now = clock.now()
    t.equal(lanes.close('crm', now + 1000, 'first'), true)
    t.equal(lanes.close('crm', now + 5000, 'longer'), false)
    t.equal(lanes.close('crm', now + 10, 'shorter'), false)
    t.match(lanes.states(), [{ lane: 'crm', closedUntil: now + 5000, why: 'longer' }])
    clock.pass(5000)
    t.equal(lanes.close('crm', clock.now() + 1, 'again'), true)
  },
)

t.test('a time that has passed closes nothing', async (t) => {
  const { clock, lanes } = open()
  t.equal(lanes.close('crm', clock.now(), 'Retry-After: 0'), false)
  t.equal(lanes.close('crm', 0, 'no time at all'), false)
  t.equal(lanes.room('crm'), 2)
  t.strictSame(lanes.states(), [])
})

t.test(
  'opening says how many were closed, and touches only those that are meant',
  async (t) => {
    const { clock, lanes } = open()
    for (const name of ['crm', 'ops', 'pager']) lanes.close(name, clock.now() + 1000, '503')
    lanes.begin('idle')
    t.equal(lanes.open(['crm', 'idle', 'nobody']), 1)
    t.equal(lanes.room('crm'), 2)
    t.equal(lanes.room('ops'), 0)
    t.equal(lanes.open(), 2)
    t.equal(lanes.open(), 0)
    t.equal(lanes.room('pager'), 2)
  },
)

t.test('the first of several closed lanes tells when to look again', async (t) => {
  const { clock, lanes } = open()
  const now = clock.now()
  lanes.close('crm', now + 3000, '503')
  lanes.close('ops', now + 1000, '503')
  t.equal(lanes.nextOpening(), now + 1000)
  clock.pass(1000)
  t.equal(lanes.nextOpening(), now + 3000)
})

t.test('the states are those of lanes that do something or are closed', async (t) => {
  const { clock, lanes } = open()
  lanes.begin('crm')
  lanes.begin('ops')
  lanes.end('ops')
  lanes.close('pager', clock.now() + 1000, '429 Too Many Requests')
  t.strictSame(lanes.states(), [
    { lane: 'crm', window: 2, active: 1 },
    {
      lane: 'pager',
      window: 2,
      active: 0,
      closedUntil: clock.now() + 1000,
      why: '429 Too Many Requests',
    },
  ])
  clock.pass(1000)
  t.strictSame(lanes.states(), [{ lane: 'crm', window: 2, active: 1 }])
})

t.test('a closing survives the end of what was under way', async (t) => {
  const { clock, lanes } = open()
  lanes.begin('crm')
  lanes.close('crm', clock.now() + 1000, '503')
  lanes.end('crm')
  lanes.nextOpening()
  t.equal(lanes.room('crm'), 0)
})
