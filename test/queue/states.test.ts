import tap from 'tap'

import { seal } from '../../src/message/envelope.ts'
import type { Entry } from '../../src/message/selector.ts'
import { STATES } from '../../src/message/state.ts'
import type { State } from '../../src/message/state.ts'
import type { ActLine, AttemptLine } from '../../src/message/trail.ts'
import { ACTS } from '../../src/queue/queue.ts'
import type { Act } from '../../src/queue/queue.ts'
import {
  ACT_TABLE,
  dueAfter,
  firstDue,
  holdsAtDoor,
  notBeforeOf,
  planAct,
  planSettlement,
  statesMeant,
} from '../../src/queue/states.ts'
import type { ActContext } from '../../src/queue/states.ts'

const NOW = Date.parse('2026-11-20T10:00:00.000Z')
const AT = '2026-11-20T10:00:00.000Z'
const ID = '01KAGBVKC0AAAAAAAAAAAAAAAA'
const HOUR = 3_600_000

const entryIn = (state: State, due = NOW + HOUR): Entry => ({
  id: ID,
  state,
  lane: 'ops',
  due,
  tries: 3,
})

const told = (more: Partial<ActContext> = {}): ActContext => ({
  now: NOW,
  named: false,
  by: 'ann',
  ...more,
})

// The state table of the design, written out once more and by hand: `-` is no legal move.
const MATRIX: Readonly<Record<Act, readonly (State | 'gone' | '-')[]>> = {
  //         incoming    active  deferred    hold        bounce      corrupt
  flush: ['-', '-', 'incoming', '-', '-', '-'],
  hold: ['hold', '-', 'hold', '-', '-', '-'],
  release: ['-', '-', '-', 'incoming', '-', '-'],
  requeue: ['-', '-', 'incoming', 'incoming', 'incoming', 'incoming'],
  delete: ['gone', '-', 'gone', 'gone', 'gone', 'gone'],
  expire: ['bounce', '-', 'bounce', 'bounce', '-', '-'],
}

const MEANT: Readonly<Record<Act, readonly State[]>> = {
  flush: ['deferred'],
  hold: ['incoming', 'active', 'deferred'],
  release: ['hold'],
  requeue: ['bounce'],
  delete: ['incoming', 'active', 'deferred', 'hold', 'bounce'],
  expire: ['deferred', 'hold'],
}

tap.test('each act makes the moves of the state table and no others', async (t) => {
  for (const act of ACTS)
    STATES.forEach((state, column) => {
      const plan = planAct(act, entryIn(state), told())
      const expected = MATRIX[act][column]
      const what = `${act} from ${state}`
      if (typeof plan !== 'string') t.equal(plan.to, expected, what)
      else {
        t.equal('-', expected, what)
        t.equal(plan, state === 'active' ? 'in flight' : `in ${state}`)
      }
    })
})

tap.test('an act without states or ids means its own states, never corrupt', async (t) => {
  for (const act of ACTS) {
    t.strictSame(statesMeant(act, {}), MEANT[act], act)
    t.strictSame(statesMeant(act, { lanes: ['ops'] }), MEANT[act], act)
  }
})

tap.test(
  'states that are named are meant, and a named message is meant anywhere',
  async (t) => {
    t.strictSame(statesMeant('delete', { states: ['corrupt'] }), ['corrupt'])
    t.strictSame(statesMeant('hold', { ids: [ID], states: ['hold'] }), ['hold'])
    t.strictSame(statesMeant('flush', { ids: [ID] }), STATES)
  },
)

tap.test('only delete leaves no line, for it leaves no message', async (t) => {
  for (const act of ACTS) {
    const state = ACT_TABLE[act].from[0]!
    const plan = planAct(act, entryIn(state), told({ reason: 'too loud' }))
    if (typeof plan === 'string') t.fail(plan)
    else if (act === 'delete') t.notOk('line' in plan)
    else
      t.strictSame(plan.line, {
        at: AT,
        act: ACT_TABLE[act].line,
        by: 'ann',
        reason: 'too loud',
      })
  }
})

tap.test('a line without a reason has no reason', async (t) => {
  const plan = planAct('hold', entryIn('incoming'), told())
  t.strictSame(plan, {
    to: 'hold',
    due: NOW + HOUR,
    tries: 3,
    line: { at: AT, act: 'held', by: 'ann' },
  })
})

tap.test('only requeue forgets the tries', async (t) => {
  for (const act of ACTS) {
    const plan = planAct(act, entryIn(ACT_TABLE[act].from[0]!), told())
    t.equal(typeof plan !== 'string' && plan.tries, act === 'requeue' ? 0 : 3, act)
  }
})

tap.test('due after each act', async (t) => {
  const at = { now: NOW, due: NOW + HOUR, notBefore: undefined, named: false }
  t.equal(dueAfter('flush', at), NOW)
  t.equal(dueAfter('flush', { ...at, due: NOW - HOUR }), NOW - HOUR, 'never later')
  t.equal(dueAfter('requeue', at), NOW)
  t.equal(dueAfter('requeue', { ...at, due: NOW - HOUR }), NOW, 'begins anew')
  t.equal(dueAfter('expire', at), NOW, 'the time of the bounce')
  for (const act of ['hold', 'release', 'delete'] as const)
    t.equal(dueAfter(act, at), NOW + HOUR, act)
})

tap.test("flush and requeue respect the sender's time, unless named by id", async (t) => {
  const notBefore = NOW + HOUR
  const at = { now: NOW, due: notBefore, notBefore, named: false }
  for (const act of ['flush', 'requeue'] as const) {
    t.equal(dueAfter(act, at), notBefore, act)
    t.equal(dueAfter(act, { ...at, named: true }), NOW, `${act} by id`)
    t.equal(dueAfter(act, { ...at, notBefore: NOW - 1 }), NOW, `${act}, the time is past`)
  }
  const scheduled = entryIn('deferred', notBefore)
  t.equal(
    planAct('flush', scheduled, told({ notBefore })),
    'not before 2026-11-20T11:00:00.000Z',
  )
  t.match(planAct('flush', scheduled, told({ notBefore, named: true })), { due: NOW })
  t.match(planAct('flush', scheduled, told({ notBefore: NOW })), { due: NOW })
  t.match(planAct('requeue', entryIn('bounce'), told({ notBefore })), { due: notBefore })
})

tap.test('each settlement makes its move', async (t) => {
  const entry = entryIn('active', NOW - HOUR)
  const attempt: AttemptLine = { at: AT, try: 4, outcome: 'deferred', reason: 'HTTP 503' }
  const act: ActLine = { at: AT, act: 'expired' }
  const due = NOW + HOUR
  const was = { due: NOW - HOUR, tries: 3 }
  t.strictSame(planSettlement(entry, { to: 'delivered' }, NOW), { to: 'gone', ...was })
  t.strictSame(planSettlement(entry, { to: 'released' }, NOW), { to: 'incoming', ...was })
  t.strictSame(planSettlement(entry, { to: 'deferred', due, line: attempt }, NOW), {
    to: 'deferred',
    due,
    tries: 4,
    line: attempt,
  })
  t.strictSame(planSettlement(entry, { to: 'postponed', due }, NOW), {
    to: 'deferred',
    due,
    tries: 3,
  })
  t.strictSame(planSettlement(entry, { to: 'postponed', due, line: act }, NOW), {
    to: 'deferred',
    due,
    tries: 3,
    line: act,
  })
  t.match(planSettlement(entry, { to: 'bounced', line: attempt }, NOW), {
    to: 'bounce',
    due: NOW,
    tries: 4,
  })
  t.match(planSettlement(entry, { to: 'bounced', line: act }, NOW), { tries: 3 })
  t.match(planSettlement(entry, { to: 'held', line: attempt }, NOW), {
    to: 'hold',
    due: NOW - HOUR,
    tries: 4,
  })
  t.match(planSettlement(entry, { to: 'held', line: act }, NOW), { tries: 3 })
})

tap.test('a message is first due at its time, or now', async (t) => {
  const sealed = (notBefore?: string) =>
    seal(
      notBefore === undefined ? { to: 'ops' } : { to: 'ops', notBefore },
      Buffer.from('x'),
      {
        id: ID,
        now: NOW,
        sender: { uid: 0 },
      },
    )
  t.equal(firstDue(sealed(), NOW), NOW)
  t.equal(firstDue(sealed('2026-11-20T12:00:00+01:00'), NOW), NOW + HOUR)
  t.equal(firstDue(sealed('2026-11-20T09:00:00Z'), NOW), NOW)
  t.equal(notBeforeOf(sealed()), undefined)
  t.equal(notBeforeOf(undefined), undefined, 'of one whose envelope cannot be read')
})

tap.test('a message is held at the door until it was released or requeued', async (t) => {
  const accepted = { id: ID, now: NOW, sender: { uid: 0 } }
  const held = seal({ to: 'ops', hold: true }, Buffer.from('x'), accepted)
  const plain = seal({ to: 'ops', hold: false }, Buffer.from('x'), accepted)
  t.equal(holdsAtDoor(held, []), true)
  t.equal(holdsAtDoor(held, [{ at: AT, act: 'held' }]), true)
  t.equal(holdsAtDoor(held, [{ at: AT, act: 'released', by: 'ann' }]), false)
  t.equal(holdsAtDoor(held, [{ at: AT, act: 'requeued', by: 'ann' }]), false)
  t.equal(holdsAtDoor(plain, []), false)
})
