/**
 * settle - how a lease ends, whole or not at all, and once.
 */
import type { Settlement } from '../../../src/queue/queue.ts'
import type { Promises } from './rig.ts'

const HOUR = 3_600_000

export const SETTLE_PROMISES: Promises = {
  'what an operator has deleted in time is gone, and so is its key': async (t, rig) => {
    const id = await rig.send({ to: 'ops', key: 'order-1' })
    const lease = await rig.claimFrom('ops')
    t.equal(await rig.engine.settle(lease, { to: 'deleted' }), 'ok')
    await rig.engine.sync()
    t.equal(await rig.stateOf(id), 'gone')
    t.equal(await rig.engine.settle(lease, { to: 'deleted' }), 'lost')
    const again = await rig.send({ to: 'ops', key: 'order-1' })
    t.equal((await rig.claimFrom('ops')).id, again, 'its sender may send again')
    t.equal(await rig.restart(true), 1, 'and nothing but that is left')
  },

  'what is recorded of a lease is read by whoever claims it next': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    const line = { at: rig.clock.iso(), act: 'sending', try: 1 } as const
    t.equal(await rig.engine.record(lease, line), 'ok')
    t.strictSame((await rig.look(id)).trail, [line])
    t.equal(await rig.restart(true), 1)
    t.match(await rig.claimFrom('ops'), { id, tries: 0, trail: [line, {}] })
    t.equal(await rig.engine.record(lease, line), 'lost', 'by a stale one nothing is')
    t.equal((await rig.look(id)).trail.length, 2)
  },

  'delivered: the message is gone': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    t.equal(await rig.engine.settle(lease, { to: 'delivered' }), 'ok')
    t.equal(await rig.engine.get(id), undefined)
    t.strictSame(await rig.engine.find(id), [])
    t.strictSame((await rig.engine.list({}, { limit: 9 })).items, [])
    t.equal(await rig.restart(true), 0)
    t.equal(await rig.stateOf(id), 'gone', 'and stays gone')
  },

  'deferred: charged, due again, the attempt in its trail': async (t, rig) => {
    const id = await rig.send()
    const due = rig.clock.now() + HOUR
    const line = rig.attempt('deferred', { status: 503, due: rig.clock.iso(HOUR) })
    const lease = await rig.claimFrom('ops')
    t.equal(await rig.engine.settle(lease, { to: 'deferred', due, line }), 'ok')
    const { entry, trail } = await rig.look(id)
    t.strictSame(entry, { id, state: 'deferred', lane: 'ops', due, tries: 1 })
    t.strictSame(trail, [line])
    rig.clock.pass(HOUR - 1)
    t.strictSame(await rig.claim(), [])
    rig.clock.pass(1)
    const again = await rig.claimFrom('ops')
    t.match(again, { id, tries: 1, due })
    t.strictSame(again.trail, [line])
    t.not(again.token, lease.token)
  },

  'attempts add up, in the count and in the trail': async (t, rig) => {
    const id = await rig.send()
    for (let n = 1; n <= 12; n++) {
      const lease = await rig.claimFrom('ops')
      t.equal(lease.tries, n - 1)
      const line = rig.attempt('deferred', { try: n, answer: `ü${'\n'}"${n}"` })
      const due = rig.clock.now() + 10
      await rig.engine.settle(lease, { to: 'deferred', due, line })
      rig.clock.pass(10)
    }
    const { entry, trail } = await rig.look(id)
    t.equal(entry.tries, 12)
    t.strictSame(
      trail.map((line) => 'try' in line && line.try),
      Array.from({ length: 12 }, (_, n) => n + 1),
    )
  },

  'postponed: due later, nothing charged': async (t, rig) => {
    const id = await rig.send()
    const due = rig.clock.now() + HOUR
    await rig.engine.settle(await rig.claimFrom('ops'), { to: 'postponed', due })
    const { entry, trail } = await rig.look(id)
    t.strictSame(entry, { id, state: 'deferred', lane: 'ops', due, tries: 0 })
    t.strictSame(trail, [])
    rig.clock.pass(HOUR)
    const line = { at: rig.clock.iso(), act: 'postponed', reason: 'no such lane' } as const
    const lease = await rig.claimFrom('ops')
    await rig.engine.settle(lease, { to: 'postponed', due: due + HOUR, line })
    t.match(await rig.look(id), { entry: { due: due + HOUR, tries: 0 }, trail: [line] })
  },

  'bounced: kept with its reason, dated now, tried no more': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    rig.clock.pass(500)
    const line = rig.attempt('bounced', { reason: 'HTTP 400', status: 400 })
    t.equal(await rig.engine.settle(lease, { to: 'bounced', line }), 'ok')
    const { entry, trail } = await rig.look(id)
    const due = rig.clock.now()
    t.strictSame(entry, { id, state: 'bounce', lane: 'ops', due, tries: 1 })
    t.strictSame(trail, [line])
    rig.clock.pass(HOUR)
    t.strictSame(await rig.claim(), [])
  },

  'held: kept with its time, tried no more': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    rig.clock.pass(500)
    const line = rig.attempt('held')
    t.equal(await rig.engine.settle(lease, { to: 'held', line }), 'ok')
    const { entry, trail } = await rig.look(id)
    t.strictSame(entry, { id, state: 'hold', lane: 'ops', due: lease.due, tries: 1 })
    t.strictSame(trail, [line])
    rig.clock.pass(HOUR)
    t.strictSame(await rig.claim(), [])
  },

  'what was never tried is bounced or held uncharged': async (t, rig) => {
    for (const [to, state, act] of [
      ['bounced', 'bounce', 'expired'],
      ['held', 'hold', 'held'],
    ] as const) {
      const id = await rig.send()
      const line = { at: rig.clock.iso(), act, reason: 'too late' }
      await rig.engine.settle(await rig.claimFrom('ops'), { to, line })
      t.match(await rig.look(id), { entry: { state, tries: 0 }, trail: [line] })
    }
  },

  'released: back at once, as it was': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    rig.clock.pass(500)
    t.equal(await rig.engine.settle(lease, { to: 'released' }), 'ok')
    const { entry, trail } = await rig.look(id)
    const due = lease.due
    t.strictSame(entry, { id, state: 'incoming', lane: 'ops', due, tries: 0 })
    t.strictSame(trail, [])
    t.match(await rig.claimFrom('ops'), { id, tries: 0, due })
  },

  'a lease settles once': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    await rig.engine.settle(lease, { to: 'released' })
    t.equal(await rig.engine.settle(lease, { to: 'delivered' }), 'lost')
    t.equal(await rig.stateOf(id), 'incoming')
  },

  'two settlements at once: one counts': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    const answers = await Promise.all([
      rig.engine.settle(lease, { to: 'held', line: rig.attempt('held') }),
      rig.engine.settle(lease, { to: 'bounced', line: rig.attempt('bounced') }),
    ])
    t.strictSame(answers.toSorted(), ['lost', 'ok'])
    const { entry, trail } = await rig.look(id)
    t.equal(entry.state, answers[0] === 'ok' ? 'hold' : 'bounce')
    t.equal(trail.length, 1)
    t.equal((await rig.engine.list({}, { limit: 9 })).items.length, 1)
  },

  'a stale token settles nothing, whatever it says': async (t, rig) => {
    const id = await rig.send()
    const stale = await rig.claimFrom('ops')
    await rig.engine.settle(stale, { to: 'released' })
    const live = await rig.claimFrom('ops')
    t.not(live.token, stale.token)
    const before = await rig.snapshot()
    const due = rig.clock.now() + HOUR
    const settlements: Settlement[] = [
      { to: 'delivered' },
      { to: 'deferred', due, line: rig.attempt('deferred') },
      { to: 'postponed', due },
      { to: 'bounced', line: rig.attempt('bounced') },
      { to: 'held', line: rig.attempt('held') },
      { to: 'released' },
    ]
    for (const lease of [stale, { ...live, token: 'nobody' }])
      for (const settlement of settlements)
        t.equal(await rig.engine.settle(lease, settlement), 'lost', settlement.to)
    t.strictSame(await rig.snapshot(), before)
    t.equal(await rig.engine.settle(live, { to: 'delivered' }), 'ok')
    t.equal(await rig.stateOf(id), 'gone')
  },

  'many settle at once, each its own': async (t, rig) => {
    for (let n = 0; n < 30; n++) await rig.send({ to: `lane${n % 3}` })
    const leases = await rig.claim()
    const line = rig.attempt('bounced')
    const answers = await Promise.all(
      leases.map((lease, n) =>
        rig.engine.settle(lease, n % 2 ? { to: 'delivered' } : { to: 'bounced', line }),
      ),
    )
    t.ok(answers.every((answer) => answer === 'ok'))
    t.match((await rig.engine.stats()).states, { active: 0, bounce: 15 })
    const { items } = await rig.engine.list({}, { limit: 99 })
    t.strictSame(
      items.map((entry) => entry.id).toSorted(),
      leases
        .filter((_, n) => n % 2 === 0)
        .map((lease) => lease.id)
        .toSorted(),
    )
  },
}
