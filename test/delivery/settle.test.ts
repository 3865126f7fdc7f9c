/**
 * settle - what becomes of a message after an attempt.
 */
import fc from 'fast-check'
import t from 'tap'

import { expiryOf } from '../../src/delivery/retry.ts'
import { postponement, settlementOf, untried } from '../../src/delivery/settle.ts'
import type { Ended } from '../../src/delivery/settle.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import { planSettlement } from '../../src/queue/states.ts'
import type { Lease, Settlement } from '../../src/queue/queue.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { BUSY, DELIVERED, GONE, RETRY, UNCHARGED, leaseOf } from './support.ts'

const DAY = 86_400_000
const NOW = new HandClock().now()
const iso = (inMs: number) => new Date(NOW + inMs).toISOString()

function ended(outcome: Outcome, inMs = 0): Ended {
  return { startedAt: NOW + inMs - 28, endedAt: NOW + inMs, outcome }
}

function settle(lease: Lease, outcome: Outcome, inMs = 0, retry = RETRY): Settlement {
  return settlementOf(lease, ended(outcome, inMs), retry, 0.5)
}

t.test('delivered is delivered, whatever the limits say', async (t) => {
  const lease = leaseOf({ expiresAt: iso(1) }, { tries: 99 })
  const retry = { ...RETRY, tries: 1, lifetime: 0 }
  t.strictSame(settle(lease, DELIVERED, 10 * DAY, retry), { to: 'delivered' })
})

t.test('a temporary failure waits, and its line tells all of it', async (t) => {
  const outcome: Outcome = { ...BUSY, answer: 'down for an hour' }
  t.strictSame(settle(leaseOf({}, { tries: 2 }), outcome), {
    to: 'deferred',
    due: NOW + 40_000,
    line: {
      at: iso(-28),
      try: 3,
      outcome: 'deferred',
      reason: '503 Service Unavailable',
      fault: 'receiver',
      status: 503,
      answer: 'down for an hour',
      ms: 28,
      due: iso(40_000),
    },
  })
})

t.test('a permanent failure bounces at its first try, and is not due again', async (t) => {
  t.strictSame(settle(leaseOf(), GONE), {
    to: 'bounced',
    line: {
      at: iso(-28),
      try: 1,
      outcome: 'bounced',
      reason: '410 Gone',
      fault: 'configuration',
      status: 410,
      ms: 28,
    },
  })
})

t.test('what a rule holds is held, and counts as a try', async (t) => {
  const outcome: Outcome = { kind: 'held', reason: 'a rule says so', fault: 'message' }
  const settlement = settle(leaseOf(), outcome)
  t.match(settlement, { to: 'held', line: { try: 1, outcome: 'held' } })
})

t.test('the limit of tries ends it at exactly so many', async (t) => {
  const retry = { ...RETRY, tries: 3 }
  t.equal(settle(leaseOf({}, { tries: 1 }), BUSY, 0, retry).to, 'deferred', 'the second')
  t.match(settle(leaseOf({}, { tries: 2 }), BUSY, 0, retry), {
    to: 'bounced',
    line: { outcome: 'bounced', reason: '503 Service Unavailable; given up after 3 tries' },
  })
  t.equal(settle(leaseOf({}, { tries: 9 }), BUSY, 0, retry).to, 'bounced', 'lowered since')
  t.equal(settle(leaseOf({}, { tries: 999_999 }), BUSY).to, 'deferred', '0 is no limit')
})

t.test('the lifetime ends it only after an attempt past it', async (t) => {
  t.equal(settle(leaseOf(), BUSY, 5 * DAY - 1).to, 'deferred')
  t.match(settle(leaseOf(), BUSY, 5 * DAY), {
    to: 'bounced',
    line: { reason: '503 Service Unavailable; given up after 5d' },
  })
  const past = settle(leaseOf(), BUSY, 5 * DAY - 1)
  t.ok('due' in past && past.due > NOW + 5 * DAY, 'the last attempt lies beyond it')
})

t.test('a requeue of an old message gives it its whole lifetime again', async (t) => {
  const trail = [{ at: iso(6 * DAY), act: 'requeued', by: 'alice' } as const]
  t.equal(settle(leaseOf({}, { trail }), BUSY, 6 * DAY).to, 'deferred')
  t.equal(settle(leaseOf({}, { trail }), BUSY, 11 * DAY).to, 'bounced')
})

t.test('an attempt that ends past the last moment bounces with that reason', async (t) => {
  const lease = leaseOf({ expiresAt: iso(60_000) })
  t.match(settle(lease, BUSY, 60_000), {
    to: 'bounced',
    line: { reason: '503 Service Unavailable; it expired, as its sender said' },
  })
})

t.test('a message is looked at once more at its last moment', async (t) => {
  const lease = leaseOf({ expiresAt: iso(15_000) }, { tries: 5 })
  t.match(settle(lease, BUSY), { to: 'deferred', due: NOW + 15_000 })
  t.match(settle(lease, UNCHARGED), { to: 'postponed', due: NOW + 15_000 })
  t.match(untried(lease, NOW, RETRY), { to: 'postponed', due: NOW + 15_000 })
})

t.test('a receiver is never tried before the time that it asked for', async (t) => {
  const outcome: Outcome = { ...BUSY, notBefore: NOW + DAY }
  t.match(settle(leaseOf(), outcome), { to: 'deferred', due: NOW + DAY })
  const soon: Outcome = { ...BUSY, notBefore: NOW + 1 }
  t.match(settle(leaseOf(), soon), { to: 'deferred', due: NOW + 10_000 }, 'nor hurried')
})

t.test('what was not tried is not charged and waits a minute', async (t) => {
  const settlement = settle(leaseOf({}, { tries: 9 }), UNCHARGED)
  t.strictSame(settlement, {
    to: 'postponed',
    due: NOW + 60_000,
    line: { at: iso(0), act: 'postponed', reason: UNCHARGED.reason },
  })
  const retry = { ...RETRY, max: 5_000 }
  t.match(
    settle(leaseOf(), UNCHARGED, 0, retry),
    { due: NOW + 5_000 },
    'or what is longest',
  )
})

t.test('the reason of a postponement is written once and not each time anew', async (t) => {
  const line = { at: iso(-1), act: 'postponed', reason: 'no disk' } as const
  const again = postponement(leaseOf({}, { trail: [line] }), 'no disk', NOW, NOW + 1)
  t.strictSame(again, { to: 'postponed', due: NOW + 1 })
  const other = postponement(leaseOf({}, { trail: [line] }), 'no secret', NOW, NOW + 1)
  t.match(other, { line: { reason: 'no secret' } })
  const flushed = { at: iso(0), act: 'flushed', by: 'alice' } as const
  const after = postponement(leaseOf({}, { trail: [line, flushed] }), 'no disk', NOW, NOW)
  t.match(after, { line: { reason: 'no disk' } }, 'after another line it is said again')
})

t.test('who has nowhere to go waits uncharged, and is given up at the end', async (t) => {
  t.strictSame(untried(leaseOf({ to: 'crn' }), NOW, RETRY), {
    to: 'postponed',
    due: NOW + 300_000,
    line: { at: iso(0), act: 'postponed', reason: 'no such destination "crn"' },
  })
  t.strictSame(untried(leaseOf({ to: 'crn' }), NOW + 5 * DAY, RETRY), {
    to: 'bounced',
    line: {
      at: iso(5 * DAY),
      act: 'expired',
      reason: 'no such destination "crn"; given up after 5d',
    },
  })
})

t.test('past its last moment a message bounces, and that is no attempt', async (t) => {
  const lease = leaseOf({ expiresAt: iso(0) })
  t.strictSame(untried(lease, NOW, RETRY), {
    to: 'bounced',
    line: { at: iso(0), act: 'expired', reason: 'it expired, as its sender said' },
  })
})

const anyCase = fc.record({
  tries: fc.nat(50),
  inMs: fc.integer({ min: 0, max: 20 * DAY }),
  expiresIn: fc.option(fc.integer({ min: -DAY, max: 20 * DAY })),
  notBeforeIn: fc.option(fc.integer({ min: -DAY, max: 21 * DAY })),
  uncharged: fc.boolean(),
  dice: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  limit: fc.nat(20),
})
type Case = typeof anyCase extends fc.Arbitrary<infer C> ? C : never

function settleCase(it: Case) {
  const { expiresIn, notBeforeIn, uncharged, tries, limit, jitter } = it
  const lease = leaseOf(expiresIn === null ? {} : { expiresAt: iso(expiresIn) }, { tries })
  const outcome: Outcome = {
    ...BUSY,
    ...(notBeforeIn === null ? {} : { notBefore: NOW + notBeforeIn }),
    ...(uncharged ? { uncharged } : {}),
  }
  const end = ended(outcome, it.inMs)
  const retry = { ...RETRY, jitter, tries: limit }
  return { lease, end, retry, settlement: settlementOf(lease, end, retry, it.dice) }
}

t.test(
  "a due time keeps the backoff, the receiver's word and the last moment",
  async () => {
    fc.assert(
      fc.property(anyCase, (it) => {
        const { lease, end, retry, settlement } = settleCase(it)
        if (!('due' in settlement)) return true
        const { due } = settlement
        const expiry = expiryOf(lease.envelope)
        const wait = due - end.endedAt
        const asked = NOW + (it.notBeforeIn ?? -Infinity)
        const inTime = due <= Math.max(expiry, end.endedAt)
        const notEarly =
          due === Math.max(expiry, end.endedAt) ||
          (due >= asked && wait >= Math.floor(retry.min * (1 - retry.jitter)))
        const notLate = due <= Math.max(asked, end.endedAt + retry.max * (1 + retry.jitter))
        return inTime && notEarly && notLate && Number.isSafeInteger(due)
      }),
    )
  },
)

t.test('uncharged is never charged and never bounces', async () => {
  fc.assert(
    fc.property(anyCase, (it) => {
      const { lease, settlement } = settleCase({ ...it, uncharged: true })
      const entry = { ...lease, state: 'active' } as const
      const { to, tries } = planSettlement(entry, settlement, NOW)
      return to === 'deferred' && tries === lease.tries
    }),
  )
})

t.test(
  'a charged failure counts once, and ends by its limits and by nothing else',
  async () => {
    fc.assert(
      fc.property(anyCase, (it) => {
        const { lease, end, retry, settlement } = settleCase({ ...it, uncharged: false })
        const entry = { ...lease, state: 'active' } as const
        const { to, tries } = planSettlement(entry, settlement, NOW)
        const over =
          end.endedAt >= expiryOf(lease.envelope) ||
          (retry.tries > 0 && lease.tries + 1 >= retry.tries) ||
          it.inMs >= retry.lifetime
        return to === (over ? 'bounce' : 'deferred') && tries === lease.tries + 1
      }),
    )
  },
)
