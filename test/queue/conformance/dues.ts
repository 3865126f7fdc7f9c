/**
 * dues - what each act does to a message's time and count.
 */
import type { Promises } from './rig.ts'

const BY = { by: 'ann' }
const HOUR = 3_600_000

export const DUE_PROMISES: Promises = {
  'flush sends a deferred message now': async (t, rig) => {
    const id = await rig.make('deferred')
    t.strictSame(await rig.claim(), [])
    rig.clock.pass(1_000)
    t.strictSame((await rig.engine.act('flush', {}, BY)).done, [id])
    t.match((await rig.look(id)).entry, { state: 'incoming', due: rig.clock.now() })
    t.match(await rig.claimFrom('deferred'), { id, tries: 1 })
  },

  'flush does not send a message before the time its sender set': async (t, rig) => {
    const notBefore = rig.clock.iso(HOUR)
    const id = await rig.send({ to: 'ops', notBefore })
    t.strictSame(await rig.claim(), [])
    const result = await rig.engine.act('flush', { lanes: ['ops'] }, BY)
    t.match(result.skipped, [{ id, why: /not before/ }])
    t.strictSame(await rig.claim(), [])
    t.equal((await rig.look(id)).entry.due, rig.clock.now() + HOUR)
    rig.clock.pass(HOUR)
    t.equal((await rig.claimFrom('ops')).id, id)
  },

  'flush by id sends a message before the time its sender set': async (t, rig) => {
    const id = await rig.send({ to: 'ops', notBefore: rig.clock.iso(HOUR) })
    t.strictSame(await rig.claim(), [])
    await rig.engine.act('flush', { ids: [id] }, BY)
    t.match(await rig.claimFrom('ops'), { id, due: rig.clock.now() })
  },

  'flush brings a message to the front, never to the back': async (t, rig) => {
    const id = await rig.make('deferred')
    rig.clock.pass(2 * HOUR)
    const due = rig.clock.now() - HOUR
    await rig.engine.act('flush', {}, BY)
    t.equal((await rig.look(id)).entry.due, due)
  },

  'hold and release keep due and tries': async (t, rig) => {
    const id = await rig.make('deferred')
    const { due } = (await rig.look(id)).entry
    rig.clock.pass(1_000)
    await rig.engine.act('hold', { ids: [id] }, BY)
    t.match((await rig.look(id)).entry, { state: 'hold', due, tries: 1 })
    rig.clock.pass(1_000)
    await rig.engine.act('release', { ids: [id] }, BY)
    t.match((await rig.look(id)).entry, { state: 'incoming', due, tries: 1 })
    t.strictSame(await rig.claim(), [], 'its time has not come')
    rig.clock.pass(HOUR)
    t.match(await rig.claimFrom('deferred'), { id, due, tries: 1 })
  },

  'requeue begins anew: same id, same trail, no tries, due now': async (t, rig) => {
    const id = await rig.make('bounce')
    const before = (await rig.look(id)).trail
    t.equal(before.length, 1)
    rig.clock.pass(1_000)
    t.strictSame((await rig.engine.act('requeue', {}, BY)).done, [id])
    const { entry, trail } = await rig.look(id)
    t.match(entry, { id, state: 'incoming', tries: 0, due: rig.clock.now() })
    t.strictSame(trail, [...before, { at: rig.clock.iso(), act: 'requeued', by: 'ann' }])
    const lease = await rig.claimFrom('bounce')
    t.match(lease, { id, tries: 0 })
    t.strictSame(lease.trail, trail)
  },

  'requeue keeps the time its sender set, unless named by id': async (t, rig) => {
    const draft = { to: 'ops', notBefore: rig.clock.iso(HOUR) }
    const [one, two] = [await rig.send(draft), await rig.send(draft)]
    await rig.claim()
    await rig.engine.act('expire', { lanes: ['ops'] }, BY)
    await rig.engine.act('requeue', { ids: [two] }, BY)
    t.match(await rig.claimFrom('ops'), { id: two, due: rig.clock.now() })
    await rig.engine.act('requeue', {}, BY)
    t.strictSame(await rig.claim(), [])
    t.match((await rig.look(one)).entry, {
      state: 'deferred',
      due: rig.clock.now() + HOUR,
    })
  },

  'expire dates the bounce and keeps the count': async (t, rig) => {
    const id = await rig.make('deferred')
    rig.clock.pass(1_000)
    await rig.engine.act('expire', { ids: [id] }, BY)
    const due = rig.clock.now()
    t.match((await rig.look(id)).entry, { state: 'bounce', due, tries: 1 })
  },
}
