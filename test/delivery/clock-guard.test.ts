/**
 * clock-guard - when the wall clock is in doubt, and what that does to messages.
 */
import fc from 'fast-check'
import t from 'tap'

import { ClockGuard } from '../../src/delivery/clock-guard.ts'
import type { ClockEvent, ClockWitness } from '../../src/delivery/clock-guard.ts'
import { dueAfterStep, longestWait } from '../../src/delivery/retry.ts'
import { settlementOf, untried } from '../../src/delivery/settle.ts'
import { BUSY, Delivery, RETRY, destinationOf, leaseOf } from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY
const NOON = Date.parse('2026-11-20T12:00:00Z')

/** A wall clock that can step, beside one that cannot. */
class TwoClocks {
  #wall = NOON
  #ran = 1234.5
  readonly now = () => this.#wall
  readonly monotonic = () => this.#ran
  pass(ms: number): void {
    this.#wall += ms
    this.#ran += ms
  }
  step(ms: number): void {
    this.#wall += ms
  }
}

function guarded(known?: ClockWitness) {
  const clock = new TwoClocks()
  const events: ClockEvent[] = []
  const guard = new ClockGuard(clock, known, (event) => events.push(event))
  return { clock, events, guard }
}

t.test('finding 6: a step is doubted until an hour without one is over', async (t) => {
  for (const step of [DAY, -DAY, YEAR, -YEAR, 5 * MINUTE + 1, -5 * MINUTE - 1]) {
    const { clock, events, guard } = guarded()
    t.ok(guard.mayExpire())
    clock.step(step)
    t.notOk(guard.mayExpire(), `${step}`)
    t.match(guard.doubt, { since: clock.now(), step })
    clock.pass(HOUR - 1)
    t.notOk(guard.mayExpire())
    t.same(events.length, 1, 'said once')
    clock.pass(1)
    t.ok(guard.mayExpire())
    t.match(events, [{ kind: 'doubted' }, { kind: 'believed', by: 'time' }])
  }
})

t.test('finding 6: a step in the hour begins the hour anew', async (t) => {
  const { clock, guard } = guarded()
  clock.step(YEAR)
  guard.look()
  clock.pass(50 * MINUTE)
  clock.step(-YEAR)
  guard.look()
  clock.pass(59 * MINUTE)
  t.notOk(guard.mayExpire())
  clock.pass(MINUTE)
  t.ok(guard.mayExpire())
})

t.test('an operator ends a doubt at once', async (t) => {
  const { clock, events, guard } = guarded()
  t.equal(guard.confirm(), false, 'there is none')
  clock.step(DAY)
  t.equal(guard.confirm(), true, 'also one that nobody saw yet')
  t.ok(guard.mayExpire())
  t.same(guard.witness, { at: clock.now() })
  t.match(events.at(-1), { kind: 'believed', by: 'operator' })
})

t.test('finding 6: a start far away from what is known is in doubt', async (t) => {
  const doubtAt = (known: ClockWitness) => guarded(known).guard.doubt
  t.equal(guarded().guard.doubt, undefined, 'of nothing known')
  t.equal(doubtAt({ at: NOON - DAY }), undefined)
  t.equal(doubtAt({ at: NOON + DAY }), undefined)
  t.match(doubtAt({ at: NOON - DAY - 1 }), { since: NOON, step: DAY + 1 })
  t.match(doubtAt({ at: NOON + YEAR }), { since: NOON, step: -YEAR })
  const again = doubtAt({ at: NOON - YEAR, doubtedAt: NOON - HOUR + 1 })
  t.match(again, { since: NOON - HOUR + 1 }, 'a restart does not begin it anew')
  t.equal(doubtAt({ at: NOON - YEAR, doubtedAt: NOON - HOUR }), undefined)
  t.match(doubtAt({ at: NOON - YEAR, doubtedAt: NOON + DAY }), { since: NOON })
})

t.test('a doubt is handed on, with the last time that was believed', async (t) => {
  const { clock, guard } = guarded()
  clock.pass(MINUTE)
  guard.look()
  clock.step(YEAR)
  guard.look()
  t.same(guard.witness, { at: NOON + MINUTE, doubtedAt: NOON + MINUTE + YEAR })
  const next = new ClockGuard(clock, guard.witness, () => {})
  t.same(next.witness, guard.witness)
  t.notOk(next.mayExpire())
})

t.test(
  'finding 6: doubted is what stepped within the last hour, and nothing else',
  async (t) => {
    const tick = fc.record({
      pass: fc.integer({ min: 1, max: 20 * MINUTE }),
      step: fc.oneof(fc.constant(0), fc.integer({ min: -2 * DAY, max: 2 * DAY })),
    })
    const property = fc.property(fc.array(tick, { maxLength: 60 }), (ticks) => {
      const { clock, guard } = guarded()
      let left = 0
      for (const { pass, step } of ticks) {
        clock.pass(pass)
        clock.step(step)
        left = Math.abs(step) > 5 * MINUTE ? HOUR : Math.max(0, left - pass)
        if (guard.mayExpire() !== (left === 0)) throw new Error(`${left} left`)
      }
    })
    t.doesNotThrow(() => fc.assert(property))
  },
)

t.test('finding 6: while in doubt nothing expires', async (t) => {
  const soon = { expiresAt: new Date(NOON + HOUR).toISOString() }
  const lease = leaseOf(soon, { createdAt: NOON })
  const late = NOON + YEAR
  t.match(untried(lease, late, RETRY), { to: 'bounced' }, 'without a doubt it does')
  t.match(untried(lease, late, RETRY, false), {
    to: 'postponed',
    due: late + 5 * MINUTE,
    line: { act: 'postponed' },
  })
  const unknown = leaseOf({}, { createdAt: NOON })
  t.match(untried(unknown, late, RETRY), { to: 'bounced' })
  t.match(untried(unknown, late, RETRY, false), { to: 'postponed' })
  const ended = { startedAt: late, endedAt: late, outcome: BUSY }
  t.match(settlementOf(unknown, ended, RETRY, 0.5), { to: 'bounced' })
  t.match(settlementOf(unknown, ended, RETRY, 0.5, false), { to: 'deferred' })
  const limited = settlementOf(unknown, ended, { ...RETRY, tries: 1 }, 0.5, false)
  t.match(limited, { to: 'bounced' }, 'a limit of tries asks no clock')
})

t.test('finding 6: what an attempt saw of a step counts at its end', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [destinationOf('crm')] })
  const { clock, stage } = delivery
  const step = (ms: number) => {
    const { now, monotonic } = clock
    Object.assign(clock, { now: () => now() + ms, monotonic })
  }
  stage.play = () => {
    step(-DAY)
    return BUSY
  }
  const id = await delivery.send('crm')
  delivery.scheduler.kick()
  await delivery.comesTo(id, 'deferred')
  const message = await delivery.engine.get(id)
  t.equal(message?.entry.due, clock.now() + RETRY.min, 'counted by the clock as it is')
})

t.test(
  'finding 6: after the clock went back a message waits no longer than it had to',
  async (t) => {
    const property = fc.property(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: DAY }),
      fc.integer({ min: -YEAR, max: 10 * YEAR }),
      fc.option(fc.integer({ min: -YEAR, max: YEAR }), { nil: undefined }),
      (tries, wait, ahead, later) => {
        const at = NOON + ahead
        const due = at + wait
        const iso = (ms: number) => new Date(ms).toISOString()
        const trail = [
          {
            at: iso(at - 20),
            try: tries,
            outcome: 'deferred',
            reason: 'x',
            ms: 20,
            due: iso(due),
          },
        ] as const
        const draft = later === undefined ? {} : { notBefore: iso(NOON + later) }
        const { envelope } = leaseOf(draft, { createdAt: at })
        const next = dueAfterStep({ due, tries, envelope, trail }, NOON, RETRY)
        const most = tries === 0 ? 0 : wait
        if (next > due) throw new Error('never later than it was')
        if (next > Math.max(NOON + most, NOON + (later ?? 0))) throw new Error('too late')
        if (next < Math.min(due, NOON + (later ?? 0))) throw new Error('before its time')
        if (next < Math.min(due, NOON + most)) throw new Error('the receiver was not heard')
      },
    )
    t.doesNotThrow(() => fc.assert(property))
    const { envelope } = leaseOf({}, { createdAt: NOON })
    const bare = { due: NOON + YEAR, tries: 3, envelope, trail: [] }
    t.equal(dueAfterStep(bare, NOON, RETRY), NOON + 40_000, 'without a trail by its tries')
    t.equal(longestWait({ ...RETRY, max: 100, jitter: 0.2 }), 120)
  },
)
