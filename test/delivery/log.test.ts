/**
 * log - the line of an attempt is a public interface: names, values, levels.
 */
import t from 'tap'

import { attemptLog, untriedLog } from '../../src/delivery/log.ts'
import { settlementOf, untried } from '../../src/delivery/settle.ts'
import type { Ended } from '../../src/delivery/settle.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import type { Lease } from '../../src/queue/queue.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { BUSY, DELIVERED, GONE, ID, RETRY, UNCHARGED, leaseOf } from './support.ts'

const NOW = new HandClock().now()
const iso = (inMs: number) => new Date(NOW + inMs).toISOString()

function lineOf(lease: Lease, outcome: Outcome, inMs = 0, retry = RETRY) {
  const ended: Ended = { startedAt: NOW + inMs - 28, endedAt: NOW + inMs, outcome }
  return attemptLog(lease, ended, settlementOf(lease, ended, retry, 0.5))
}

t.test('the line of a deferral has exactly these members', async (t) => {
  t.strictSame(lineOf(leaseOf({}, { tries: 3 }), BUSY, 7_200_000), {
    level: 'warn',
    fields: {
      event: 'attempt',
      id: ID,
      to: 'crm',
      lane: 'crm',
      try: 4,
      outcome: 'deferred',
      fault: 'receiver',
      status: 503,
      reason: '503 Service Unavailable',
      ageMs: 7_200_000,
      ms: 28,
      due: iso(7_200_000 + 80_000),
    },
    message: 'deferred crm: 503 Service Unavailable',
  })
})

t.test('what there is not is absent and never null', async (t) => {
  const { status: _, ...outcome } = DELIVERED
  t.strictSame(Object.keys(lineOf(leaseOf(), outcome).fields), [
    'event',
    'id',
    'to',
    'lane',
    'try',
    'outcome',
    'reason',
    'ageMs',
    'ms',
  ])
})

t.test('the level says how much it matters', async (t) => {
  const busy = (tries: number) => lineOf(leaseOf({}, { tries }), BUSY).level
  t.strictSame([0, 1, 2, 3].map(busy), ['info', 'info', 'warn', 'warn'], 'from try 3 on')
  t.equal(lineOf(leaseOf({}, { tries: 9 }), DELIVERED).level, 'info')
  t.equal(lineOf(leaseOf(), GONE).level, 'error')
  t.equal(lineOf(leaseOf(), { ...GONE, kind: 'held' }).level, 'error')
  const ended = { startedAt: NOW, endedAt: NOW, outcome: BUSY }
  t.equal(attemptLog(leaseOf({}, { tries: 9 }), ended, { to: 'released' }).level, 'info')
})

t.test('a postponement warns once; its repeats are for who looks closely', async (t) => {
  t.match(lineOf(leaseOf(), UNCHARGED), { level: 'warn', fields: { outcome: 'postponed' } })
  const { reason } = UNCHARGED
  const trail = [{ at: iso(-1), act: 'postponed', reason } as const]
  t.match(lineOf(leaseOf({}, { trail }), UNCHARGED), { level: 'debug', fields: { reason } })
})

t.test('a bounce by the limits of the house says which', async (t) => {
  const { fields } = lineOf(leaseOf(), BUSY, 0, { ...RETRY, tries: 1 })
  t.match(fields, {
    outcome: 'bounced',
    reason: '503 Service Unavailable; given up after 1 try',
  })
})

t.test('of a URL only the beginning is shown', async (t) => {
  const url = 'https://hooks.example/services/T0/B0/very-secret?token=very-secret'
  const lease = leaseOf({ to: url }, { lane: '=hooks.example_443' })
  const { fields, message } = lineOf(lease, BUSY)
  t.equal(fields.to, 'https://hooks.example/services/...')
  t.notMatch(message, 'very-secret')
  t.notMatch(JSON.stringify(fields), 'very-secret')
})

t.test('a wrong clock makes no negative age', async (t) => {
  const lease = leaseOf({}, { createdAt: NOW + 3_600_000 })
  t.equal(lineOf(lease, DELIVERED).fields.ageMs, 0)
})

t.test('who was not tried is told of with the reason', async (t) => {
  const lost = leaseOf({ to: 'crn' }, { lane: 'crn' })
  t.strictSame(untriedLog(lost, untried(lost, NOW, RETRY)), {
    level: 'warn',
    fields: {
      event: 'postponed',
      id: ID,
      to: 'crn',
      lane: 'crn',
      reason: 'no such destination "crn"',
      due: iso(300_000),
    },
    message: 'postponed crn: no such destination "crn"',
  })
  const late = leaseOf({ expiresAt: iso(0) })
  t.strictSame(untriedLog(late, untried(late, NOW, RETRY)), {
    level: 'error',
    fields: {
      event: 'expired',
      id: ID,
      to: 'crm',
      lane: 'crm',
      reason: 'it expired, as its sender said',
    },
    message: 'bounced crm: it expired, as its sender said',
  })
})

t.test('what the trail says already is not said again', async (t) => {
  const reason = 'no such destination "crn"'
  const trail = [{ at: iso(-1), act: 'postponed', reason } as const]
  const lease = leaseOf({ to: 'crn' }, { trail })
  t.equal(untriedLog(lease, untried(lease, NOW, RETRY)), undefined)
})

t.test('an event is shown as it is, also one that looks like a URL', async (t) => {
  const { to: _, ...event } = { ...leaseOf().envelope, event: 'user:created' }
  const lease = leaseOf({}, { envelope: event, lane: '_event' })
  t.equal(lineOf(lease, BUSY).fields.to, 'user:created')
})
