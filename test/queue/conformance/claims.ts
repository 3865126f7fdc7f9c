/**
 * claims - who is leased: the due ones, once, lanes in turn, within the room there is.
 */
import type { Lease } from '../../../src/queue/queue.ts'
import type { Promises } from './rig.ts'

const lanesOf = (leases: readonly Lease[]) => leases.map((lease) => lease.lane)
const idsOf = (leases: readonly Lease[]) => leases.map((lease) => lease.id)

export const CLAIM_PROMISES: Promises = {
  'a lease tells all that an attempt needs to know': async (t, rig) => {
    const id = await rig.send({ to: 'ops', subject: 's' })
    const lease = await rig.claimFrom('ops')
    t.match(lease, { id, lane: 'ops', tries: 0, due: rig.clock.now(), trail: [] })
    t.equal(lease.envelope.subject, 's')
    t.not(lease.token, '')
    t.equal(await rig.stateOf(id), 'active')
  },

  'a message has one live lease': async (t, rig) => {
    await rig.send()
    t.equal((await rig.claim()).length, 1)
    t.equal((await rig.claim()).length, 0)
    rig.clock.pass(86_400_000)
    t.equal((await rig.claim()).length, 0, 'nor later')
  },

  'claimers that race never get the same message': async (t, rig) => {
    const drafts = Array.from({ length: 40 }, (_, n) => ({ to: `lane${n % 4}` }))
    const sent = await Promise.all(drafts.map((draft) => rig.send(draft)))
    const won: string[] = []
    for (let round = 0; round < 40 && won.length < sent.length; round++) {
      const claims = Array.from({ length: 8 }, () => rig.claim({ max: 3 }))
      won.push(...(await Promise.all(claims)).flatMap(idsOf))
    }
    t.strictSame(won.toSorted(), sent.toSorted(), 'each exactly once')
  },

  'a message goes out not before its time, and then at once': async (t, rig) => {
    const due = rig.clock.now() + 60_000
    const id = await rig.send({ to: 'ops', notBefore: rig.clock.iso(60_000) })
    t.strictSame(await rig.claim(), [])
    t.match((await rig.look(id)).entry, { state: 'deferred', due, tries: 0 })
    rig.clock.pass(59_999)
    t.strictSame(await rig.claim(), [])
    rig.clock.pass(1)
    t.match(await rig.claimFrom('ops'), { id, due, tries: 0 })
  },

  'an event waits in a lane of its own': async (t, rig) => {
    const id = await rig.send({ event: 'user.created' })
    t.match(await rig.claimFrom('_event'), { id, envelope: { event: 'user.created' } })
  },

  'no lane gets more than its room, nor all together more than max': async (t, rig) => {
    for (const to of ['a', 'a', 'a', 'b', 'b', 'b']) await rig.send({ to })
    const first = await rig.claim({
      room: (lane) => (lane === 'a' ? 2 : 0),
    })
    t.strictSame(lanesOf(first), ['a', 'a'])
    t.equal((await rig.claim({ max: 3 })).length, 3)
    t.equal((await rig.claim({ room: () => 0 })).length, 0)
    t.equal((await rig.claim({ max: 0 })).length, 0)
    t.equal((await rig.claim()).length, 1, 'the last one was only waiting')
  },

  'a lane without room holds up no other lane': async (t, rig) => {
    for (let n = 0; n < 20; n++) await rig.send({ to: 'dead' })
    const id = await rig.send({ to: 'alive' })
    const leases = await rig.claim({ room: (lane) => (lane === 'dead' ? 0 : 5), max: 5 })
    t.strictSame(idsOf(leases), [id])
  },

  'lanes take turns in one claim': async (t, rig) => {
    for (const to of ['a', 'a', 'a', 'b', 'b', 'b', 'c']) {
      await rig.send({ to })
      rig.clock.pass(1)
    }
    const lanes = lanesOf(await rig.claim({ max: 3 }))
    t.strictSame(lanes.toSorted(), ['a', 'b', 'c'])
    t.strictSame(lanesOf(await rig.claim({ max: 2 })).toSorted(), ['a', 'b'])
  },

  'lanes take turns from claim to claim': async (t, rig) => {
    for (let n = 0; n < 6; n++) await rig.send({ to: 'busy' })
    rig.clock.pass(1)
    for (let n = 0; n < 3; n++) await rig.send({ to: 'quiet' })
    const turns: string[] = []
    for (let n = 0; n < 6; n++) turns.push(...lanesOf(await rig.claim({ max: 1 })))
    t.equal(turns.filter((lane) => lane === 'quiet').length, 3, turns.join(' '))
    t.notMatch(turns.join(' '), /busy busy|quiet quiet/)
  },

  'within a lane the earliest due goes first, then the smallest id': async (t, rig) => {
    const third = await rig.send({ to: 'ops', notBefore: rig.clock.iso(3_000) })
    const second = await rig.send({ to: 'ops', notBefore: rig.clock.iso(2_000) })
    const twin = await rig.send({ to: 'ops', notBefore: rig.clock.iso(2_000) })
    const first = await rig.send({ to: 'ops' })
    await rig.peek()
    rig.clock.pass(10_000)
    const last = await rig.send({ to: 'ops' })
    t.strictSame(idsOf(await rig.claim({ max: 2 })), [first, second])
    t.strictSame(idsOf(await rig.claim()), [twin, third, last])
  },

  'a long backlog comes out whole and in order': async (t, rig) => {
    const sent: string[] = []
    for (let n = 0; n < 120; n++) {
      sent.push(await rig.send({ to: 'ops' }))
      rig.clock.pass(1)
    }
    const got: string[] = []
    for (let n = 0; n < 12; n++) got.push(...idsOf(await rig.claim({ room: () => 10 })))
    t.strictSame(got, sent)
  },

  'nextDue is the earliest time among the lanes with room': async (t, rig) => {
    const at = (ms: number) => rig.clock.now() + ms
    t.equal(
      rig.engine.nextDue(() => 1),
      undefined,
      'nothing waits',
    )
    await rig.send({ to: 'a', notBefore: rig.clock.iso(10_000) })
    await rig.send({ to: 'b', notBefore: rig.clock.iso(5_000) })
    t.strictSame(await rig.claim(), [])
    t.equal(
      rig.engine.nextDue(() => 1),
      at(5_000),
    )
    t.equal(
      rig.engine.nextDue((lane) => +(lane === 'a')),
      at(10_000),
    )
    t.equal(
      rig.engine.nextDue(() => 0),
      undefined,
    )
    rig.clock.pass(5_000)
    const lease = await rig.claimFrom('b')
    t.equal(
      rig.engine.nextDue(() => 1),
      at(5_000),
      'what is in flight does not wait',
    )
    const due = at(2_000)
    await rig.engine.settle(lease, { to: 'deferred', due, line: rig.attempt('deferred') })
    t.equal(
      rig.engine.nextDue(() => 1),
      due,
      'what comes back does',
    )
  },

  'nextDue is not later than now while a due message waits for room': async (t, rig) => {
    await rig.send({ to: 'ops' })
    await rig.send({ to: 'ops' })
    rig.clock.pass(1_000)
    t.equal((await rig.claim({ max: 1 })).length, 1)
    t.ok(rig.engine.nextDue(() => 1)! <= rig.clock.now())
  },

  'nextDue counts neither held nor bounced ones': async (t, rig) => {
    await rig.make('hold')
    await rig.make('bounce')
    t.equal(
      rig.engine.nextDue(() => 1),
      undefined,
    )
  },

  'what its sender wants held is held at the door': async (t, rig) => {
    const id = await rig.send({ to: 'ops', hold: true })
    t.strictSame(await rig.claim(), [])
    t.equal(await rig.stateOf(id), 'hold')
    rig.clock.pass(86_400_000)
    t.strictSame(await rig.claim(), [])
  },

  'what its sender wanted held goes out once it is released': async (t, rig) => {
    const id = await rig.send({ to: 'ops', hold: true })
    await rig.claim()
    await rig.engine.act('release', { ids: [id] }, { by: 'ann' })
    t.equal((await rig.claimFrom('ops')).id, id)
    t.equal(await rig.restart(true), 1)
    t.equal((await rig.claimFrom('ops')).id, id, 'also when a crash sends it to the door')
  },
}
