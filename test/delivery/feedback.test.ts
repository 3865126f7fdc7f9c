/**
 * feedback - whose fault closes a lane, for how long, and what is said of it.
 */
import t from 'tap'

import { isOutage, tellLane, verdictOf } from '../../src/delivery/feedback.ts'
import { Lanes } from '../../src/delivery/lanes.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import type { Judged } from '../../src/transport/answer.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { BUSY, DELIVERED, Diary, GONE, RETRY, UNCHARGED } from './support.ts'

const HOUR = 3_600_000

function open() {
  const clock = new HandClock()
  const log = new Diary()
  const lanes = new Lanes(clock, () => ({ lane: { window: 5 }, retry: RETRY }))
  let id = 0
  const tell = (outcome: Judged) => {
    const message = { id: `${id++}`, lane: 'crm' }
    lanes.begin('crm', message.id)
    const endedAt = clock.now()
    tellLane(message, { startedAt: endedAt, endedAt, outcome }, RETRY, { lanes, log })
    lanes.end('crm', message.id)
  }
  return { clock, lanes, log, tell }
}

t.test('which failure would befall every other message', async (t) => {
  const failed = { kind: 'deferred', reason: 'x', fault: 'receiver' } as const
  const network = { ...failed, fault: 'network' } as const
  t.ok(isOutage({ ...failed, status: 429 }))
  t.ok(isOutage({ ...failed, status: 500, wholeLane: true }))
  t.ok(isOutage(network), 'no connection')
  const perhaps = [
    { ...network, mayHaveArrived: true },
    { ...failed, status: 500 },
    { ...failed, status: 503 },
    { ...failed, mayHaveArrived: true },
    { ...failed, status: 429, fault: 'message' },
    UNCHARGED,
    DELIVERED,
    GONE,
  ] as const
  for (const outcome of perhaps) t.notOk(isOutage(outcome), JSON.stringify(outcome))
})

t.test('only receiver and network speak against a lane', async (t) => {
  const network: Outcome = { kind: 'deferred', reason: 'timeout', fault: 'network' }
  const bug: Outcome = { kind: 'deferred', reason: 'unforeseen', fault: 'configuration' }
  const denied: Outcome = { kind: 'bounced', reason: 'not allowed', fault: 'configuration' }
  t.equal(verdictOf(DELIVERED), 'good')
  t.equal(verdictOf(GONE), 'good', 'it is there, and says no')
  t.equal(verdictOf(BUSY), 'bad')
  t.equal(verdictOf(network), 'bad')
  for (const outcome of [bug, denied, UNCHARGED, { ...network, uncharged: true }])
    t.equal(verdictOf(outcome), undefined)
})

t.test('an outage is one line when it begins and one when it ends', async (t) => {
  const { clock, log, tell } = open()
  for (let n = 0; n < 5; n++) tell(BUSY)
  for (let n = 0; n < 4; n++) {
    clock.pass(HOUR)
    tell(BUSY)
  }
  clock.pass(HOUR)
  tell(DELIVERED)
  tell(DELIVERED)
  const [closed, opened, ...more] = log.lines
  t.match(closed, {
    level: 'warn',
    fields: { event: 'lane', lane: 'crm', state: 'closed', reason: BUSY.reason },
    message: 'crm closed',
  })
  t.type(closed?.fields['until'], 'string')
  t.match(opened, {
    level: 'info',
    fields: { event: 'lane', lane: 'crm', state: 'open', reason: '200 OK' },
    message: 'crm open',
  })
  t.notOk('until' in opened!.fields)
  t.strictSame(more, [])
})

t.test('a limit that is used up closes the lane, whatever the answer was', async (t) => {
  for (const outcome of [DELIVERED, GONE, { ...BUSY, status: 500 }]) {
    const { clock, lanes, log, tell } = open()
    tell({ ...outcome, laneUntil: clock.now() + 30_000 })
    t.match(lanes.states(), [
      { state: 'closed', closedUntil: clock.now() + 30_000, why: /rate limit is used up/ },
    ])
    t.match(log.lines, [{ level: 'info', fields: { state: 'closed' } }])
    t.equal(log.lines.length, 1)
    clock.pass(30_000)
    t.equal(lanes.room('crm'), 5)
  }
})

t.test('a receiver is not believed for ever', async (t) => {
  const far = 20 * HOUR
  const cases: [Judged, number][] = [
    [DELIVERED, 600_000],
    [{ ...BUSY, status: 500 }, 600_000],
    [{ ...BUSY, status: 429 }, RETRY.max],
  ]
  for (const [outcome, longest] of cases) {
    const { clock, lanes, tell } = open()
    tell({ ...outcome, laneUntil: clock.now() + far })
    t.match(lanes.states(), [{ closedUntil: clock.now() + longest }])
  }
})
