/**
 * fan-out - an event becomes a message for each of its destinations, all or none, each once.
 */
import { offspringId } from '../../../src/queue/fan-out.ts'
import type { Promises } from './rig.ts'

const BODY = '{"user":"ann"}'
const THREE = ['chat', 'crm', 'pager']
const HOUR = 3_600_000

export const FAN_OUT_PROMISES: Promises = {
  'an event becomes a message for each destination': async (t, rig) => {
    const notBefore = rig.clock.iso(HOUR)
    const id = await rig.send(
      {
        event: 'user.created',
        method: 'PUT',
        headers: { 'x-a': 'b' },
        contentType: 'application/json',
        subject: 's',
        level: 'error',
        key: 'k-1',
        notBefore,
      },
      BODY,
    )
    t.equal((await rig.look(id)).entry.lane, '_event')
    rig.clock.pass(HOUR)
    const parent = await rig.claimFrom('_event')
    const settled = await rig.engine.settle(parent, { to: 'expanded', destinations: THREE })
    t.equal(settled, 'ok')
    t.equal(await rig.stateOf(id), 'gone')
    t.equal(await rig.engine.settle(parent, { to: 'delivered' }), 'lost', 'it is over')
    const leases = await rig.claim()
    t.strictSame(leases.map(({ lane }) => lane).toSorted(), THREE)
    for (const lease of leases) {
      t.equal(lease.id, offspringId(id, lease.lane))
      t.match(lease, { tries: 0, due: Date.parse(notBefore), trail: [] })
      const { id: _, key: _key, ...same } = parent.envelope
      t.strictSame(
        lease.envelope,
        { ...same, id: lease.id, to: lease.lane, parent: id },
        'all that its sender said, but not the key',
      )
      const body = await rig.engine.readBody(lease)
      t.equal(body?.kind === 'bytes' && Buffer.from(body.bytes).toString(), BODY)
    }
    const journal = []
    await rig.engine.noted()
    for await (const line of rig.engine.history({})) journal.push(line)
    const ids = THREE.map((to) => offspringId(id, to))
    const told = journal.find(({ event }) => event === 'expanded')
    t.match(told, { id, lane: '_event', to: 'user.created', children: ids })
    const queued = journal.filter((line) => line.event === 'queued' && line.parent === id)
    t.strictSame(queued.map((line) => line.to).toSorted(), THREE)
  },

  'what an event became is selected by it': async (t, rig) => {
    await rig.send({ event: 'user.created' }, BODY)
    await rig.send({ to: 'crm' })
    const parent = await rig.claimFrom('_event')
    await rig.engine.settle(parent, { to: 'expanded', destinations: ['crm', 'chat'] })
    const { items } = await rig.engine.list({ events: ['user.*'] }, { limit: 9 })
    t.strictSame(items.map(({ lane }) => lane).toSorted(), ['chat', 'crm'])
  },

  'an event that goes nowhere is gone, and its key counts on': async (t, rig) => {
    const id = await rig.send({ event: 'noise', key: 'k' })
    const lease = await rig.claimFrom('_event')
    t.equal(await rig.engine.settle(lease, { to: 'expanded', destinations: [] }), 'ok')
    t.equal(await rig.stateOf(id), 'gone')
    const repeat = await rig.send({ event: 'noise', key: 'k' })
    t.strictSame(await rig.claim(), [])
    t.equal(await rig.engine.firstOf(repeat), id)
  },

  'a kill before the settlement leaves the event, and one after it the children': async (
    t,
    rig,
  ) => {
    const id = await rig.send({ event: 'user.created' }, BODY)
    await rig.claimFrom('_event')
    t.equal(await rig.restart(true), 1)
    const lease = await rig.claimFrom('_event')
    await rig.engine.settle(lease, { to: 'expanded', destinations: THREE })
    t.equal(await rig.restart(true), 0)
    t.equal(await rig.stateOf(id), 'gone')
    t.equal((await rig.claim()).length, 3)
  },

  'what was delivered is not made again, and what waits is not doubled': async (t, rig) => {
    const id = await rig.send({ event: 'user.created' }, BODY)
    const lease = await rig.claimFrom('_event')
    await rig.engine.settle(lease, { to: 'expanded', destinations: ['crm', 'chat'] })
    await rig.engine.settle(await rig.claimFrom('crm'), { to: 'delivered' })
    await rig.restart(true)
    t.equal(await rig.stateOf(offspringId(id, 'crm')), 'gone')
    t.equal((await rig.claim()).length, 1)
  },

  'a hold of the event does not hold what it becomes; a stale lease makes nothing': async (
    t,
    rig,
  ) => {
    const id = await rig.send({ event: 'user.created', hold: true }, BODY)
    t.strictSame(await rig.claim(), [])
    t.equal(await rig.stateOf(id), 'hold')
    await rig.engine.act('release', { ids: [id] }, { by: 'ann' })
    const stale = await rig.claimFrom('_event')
    await rig.engine.settle(stale, { to: 'released' })
    const expanded = { to: 'expanded', destinations: ['crm'] } as const
    t.equal(await rig.engine.settle(stale, expanded), 'lost')
    t.equal((await rig.engine.list({}, { limit: 9 })).items.length, 1)
    const answers = await Promise.all(
      [await rig.claimFrom('_event')].flatMap((lease) => [
        rig.engine.settle(lease, expanded),
        rig.engine.settle(lease, expanded),
      ]),
    )
    t.strictSame(answers.toSorted(), ['lost', 'ok'])
    t.match(await rig.claimFrom('crm'), { envelope: { event: 'user.created', to: 'crm' } })
  },

  'a body that disproves itself is put aside, and nothing is made of it': async (
    t,
    rig,
  ) => {
    const id = await rig.send({ event: 'user.created' }, 'x'.repeat(2 * 1024 * 1024))
    const lease = await rig.claimFrom('_event')
    if (!(await rig.damage(id))) return
    const expanded = { to: 'expanded', destinations: ['crm'] } as const
    t.equal(await rig.engine.settle(lease, expanded), 'lost')
    t.equal(await rig.stateOf(id), 'corrupt')
    t.equal((await rig.engine.list({}, { limit: 9 })).items.length, 1)
  },
}
