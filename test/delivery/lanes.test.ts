/**
 * lanes - room, and what takes it away.
 */
import t from 'tap'

import type { LaneOptions } from '../../src/config/config.ts'
import { parseRate } from '../../src/config/rate.ts'
import { Lanes } from '../../src/delivery/lanes.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { RETRY } from './support.ts'

const HOUR = 3_600_000

function open(house: LaneOptions = { window: 2 }) {
  const clock = new HandClock()
  const own = new Map<string, LaneOptions>()
  const lanes = new Lanes(clock, (lane) => ({ lane: own.get(lane) ?? house, retry: RETRY }))
  return { clock, lanes, own }
}

/** One attempt from its beginning to its end, with what it told. */
function attempt(lanes: Lanes, id: string, end?: 'good' | 'bad') {
  lanes.begin('crm', id)
  lanes.send('crm', id)
  const told =
    end === 'good'
      ? lanes.succeeded('crm')
      : end === 'bad'
        ? lanes.failed('crm', id, '503 Service Unavailable')
        : undefined
  lanes.end('crm', id)
  return told
}

function rate(text: string) {
  return { rate: parseRate(text)! }
}

t.test('a lane has room for its window, less what is under way', async (t) => {
  const { lanes } = open()
  t.equal(lanes.room('crm'), 2)
  lanes.begin('crm', '1')
  t.equal(lanes.room('crm'), 1)
  lanes.begin('crm', '2')
  t.equal(lanes.room('crm'), 0)
  t.equal(lanes.room('ops'), 2, 'each lane for itself')
  lanes.end('crm', '1')
  t.equal(lanes.room('crm'), 1)
})

t.test(
  'a window that a reload changed counts at once, and room is never negative',
  async (t) => {
    const { lanes, own } = open()
    lanes.begin('crm', '1')
    lanes.begin('crm', '2')
    own.set('crm', { window: 1 })
    t.equal(lanes.room('crm'), 0)
    own.set('crm', { window: 5 })
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
    lanes.begin('idle', '1')
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
  lanes.begin('crm', '1')
  lanes.begin('ops', '2')
  lanes.end('ops', '2')
  lanes.close('pager', clock.now() + 1000, '429 Too Many Requests')
  const crm = { lane: 'crm', state: 'open', window: 2, limit: 2, active: 1 }
  t.strictSame(lanes.states(), [
    crm,
    {
      lane: 'pager',
      state: 'closed',
      window: 0,
      limit: 2,
      active: 0,
      closedUntil: clock.now() + 1000,
      why: '429 Too Many Requests',
    },
  ])
  clock.pass(1000)
  t.strictSame(lanes.states(), [crm])
})

t.test('a closing survives the end of what was under way', async (t) => {
  const { clock, lanes } = open()
  lanes.begin('crm', '1')
  lanes.close('crm', clock.now() + 1000, '503')
  lanes.end('crm', '1')
  lanes.nextOpening()
  t.equal(lanes.room('crm'), 0)
})

t.test(
  'a lane that only fails closes, with one word of it, and probes one by one',
  async (t) => {
    const { clock, lanes } = open()
    const before = clock.now()
    t.strictSame(
      ['1', '2', '3', '4', '5'].map((id) => attempt(lanes, id, 'bad')),
      [undefined, undefined, undefined, undefined, before + RETRY.min],
    )
    t.equal(lanes.room('crm'), 0)
    t.equal(lanes.nextOpening(), before + 10_000)
    t.match(lanes.states(), [
      { state: 'closed', window: 0, why: '503 Service Unavailable, 5 in a row' },
    ])
    clock.pass(10_000)
    t.equal(lanes.room('crm'), 1, 'a probe')
    t.match(lanes.states(), [{ state: 'probing', window: 1, active: 0 }])
    lanes.begin('crm', '6')
    t.equal(lanes.room('crm'), 0, 'one and no more')
    t.equal(lanes.nextOpening(), undefined, 'its end tells')
    t.equal(lanes.failed('crm', '6', '503'), undefined, 'no news')
    lanes.end('crm', '6')
    t.equal(lanes.nextOpening(), clock.now() + 20_000, 'twice the pause')
    clock.pass(20_000)
    t.equal(attempt(lanes, '7', 'good'), true, 'that is news')
    t.equal(lanes.room('crm'), 2)
    t.equal(attempt(lanes, '8', 'good'), false)
    t.strictSame(lanes.states(), [])
  },
)

t.test('a probe that told nothing leaves its place to the next', async (t) => {
  const { clock, lanes } = open()
  for (const id of ['1', '2', '3', '4', '5']) attempt(lanes, id, 'bad')
  clock.pass(10_000)
  attempt(lanes, '6')
  t.equal(lanes.room('crm'), 1)
  t.match(lanes.states(), [{ state: 'probing' }], 'and the lane is still not believed')
})

t.test('what was under way when a lane closed neither probes nor prolongs', async (t) => {
  const { clock, lanes } = open({ window: 5 })
  for (const id of ['1', '2', '3', '4', '5', '6', '7']) lanes.begin('crm', id)
  for (const id of ['1', '2', '3', '4', '5']) {
    lanes.failed('crm', id, '503')
    lanes.end('crm', id)
  }
  const { closedUntil } = lanes.states()[0]!
  lanes.failed('crm', '6', '503')
  lanes.end('crm', '6')
  clock.pass(10_000)
  t.equal(lanes.room('crm'), 0, 'the probe is alone')
  lanes.failed('crm', '7', '503')
  lanes.end('crm', '7')
  t.equal(closedUntil, clock.now())
  t.equal(lanes.room('crm'), 1)
})

t.test(
  'a late success opens a closed lane, but for the pause that was asked for',
  async (t) => {
    const { clock, lanes } = open({ window: 6 })
    const fail = () => {
      for (const id of ['1', '2', '3', '4', '5', '6']) lanes.begin('crm', id)
      for (const id of ['1', '2', '3', '4', '5', '6']) {
        lanes.failed('crm', id, '503')
        lanes.end('crm', id)
      }
    }
    lanes.begin('crm', 'late')
    fail()
    t.equal(lanes.room('crm'), 0)
    t.equal(lanes.succeeded('crm'), true)
    t.equal(lanes.room('crm'), 5)
    fail()
    lanes.close('crm', clock.now() + HOUR, 'Retry-After')
    t.equal(lanes.succeeded('crm'), false, 'it is not open yet')
    t.equal(lanes.room('crm'), 0)
  },
)

t.test(
  'opening by hand forgets the failures, and begins with the first window',
  async (t) => {
    const { clock, lanes } = open({ window: 20, first: 3 })
    let id = 0
    while (lanes.room('crm') > 0 && id < 50) attempt(lanes, `${id++}`, 'bad')
    t.equal(lanes.room('crm'), 0)
    t.equal(lanes.open(['crm']), 1)
    t.equal(lanes.room('crm'), 3)
    t.equal(lanes.open(), 0)
    while (lanes.room('crm') > 0 && id < 100) attempt(lanes, `${id++}`, 'bad')
    clock.pass(10_000)
    t.equal(lanes.open(), 1, 'one that probes is opened as well')
    t.equal(lanes.room('crm'), 3)
  },
)

t.test('a lane goes no faster than its rate, and says when it goes on', async (t) => {
  const { clock, lanes } = open({ window: 20, ...rate('1/s burst 3') })
  t.equal(lanes.room('crm'), 3)
  for (const id of ['1', '2', '3']) attempt(lanes, id, 'good')
  t.equal(lanes.room('crm'), 0)
  t.ok(lanes.isPaced('crm'))
  t.match(lanes.states(), [{ state: 'open', rate: '1/s burst 3' }])
  t.equal(lanes.nextOpening(), clock.now() + 1000)
  clock.pass(999)
  t.equal(lanes.room('crm'), 0)
  clock.pass(1)
  t.equal(lanes.room('crm'), 1)
  t.notOk(lanes.isPaced('crm'))
})

t.test('what is in hand and not sent has a token, and gives it back', async (t) => {
  const { clock, lanes } = open({ window: 20, ...rate('1/s burst 2') })
  lanes.begin('crm', '1')
  t.equal(lanes.room('crm'), 1)
  lanes.begin('crm', '2')
  t.equal(lanes.room('crm'), 0)
  t.equal(lanes.nextOpening(), clock.now() + 1000, 'as if both were sent now')
  lanes.end('crm', '1')
  t.equal(lanes.room('crm'), 1, 'it expired, say')
  lanes.send('crm', '2')
  t.equal(lanes.room('crm'), 1)
  lanes.end('crm', '2')
  t.equal(lanes.room('crm'), 1)
  t.equal(lanes.nextOpening(), undefined)
})

t.test('a rate outlives reloads and rests, and another one counts at once', async (t) => {
  const { clock, lanes, own } = open({ window: 20 })
  own.set('crm', { window: 20, ...rate('1/d') })
  attempt(lanes, '1', 'good')
  t.equal(lanes.nextOpening(), clock.now() + 24 * HOUR)
  clock.pass(2 * HOUR)
  t.equal(lanes.nextOpening(), clock.now() + 22 * HOUR, 'not forgotten after a rest')
  own.set('crm', { window: 20, ...rate('1/s') })
  t.equal(
    lanes.nextOpening(),
    clock.now() + 1000,
    'the old debt is not paid at the old rate',
  )
  own.set('crm', { window: 20 })
  t.equal(lanes.room('crm'), 20)
  own.set('crm', { window: 20, ...rate('1/h') })
  attempt(lanes, '2', 'good')
  t.equal(lanes.room('crm'), 0)
})

t.test('closing, rate and window only ever take room away', async (t) => {
  const { clock, lanes, own } = open({ window: 3, ...rate('10/s burst 10') })
  t.equal(lanes.room('crm'), 3)
  lanes.close('crm', clock.now() + 5000, '503')
  t.equal(lanes.room('crm'), 0)
  t.equal(lanes.nextOpening(), clock.now() + 5000)
  clock.pass(5000)
  for (const id of ['1', '2', '3']) {
    lanes.begin('crm', id)
    lanes.send('crm', id)
  }
  own.set('crm', { window: 3, ...rate('1/h') })
  t.equal(lanes.nextOpening(), undefined, 'the window is full: its end tells, no timer')
})

t.test('a lane that has rested is forgotten, a closed one is not', async (t) => {
  const { clock, lanes } = open({ window: 20, first: 5 })
  for (let id = 0; id < 4; id++) attempt(lanes, `${id}`, 'bad')
  t.match(lanes.states(), [{ window: 3 }], 'it has a past')
  lanes.close('ops', clock.now() + 3 * HOUR, 'Retry-After')
  clock.pass(HOUR - 1)
  lanes.nextOpening()
  t.equal(lanes.room('crm'), 3)
  clock.pass(1)
  lanes.nextOpening()
  t.equal(lanes.room('crm'), 5)
  t.equal(lanes.room('ops'), 0)
})
