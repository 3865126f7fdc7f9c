/**
 * life - open, serve, die, come back: what is left of it, and who may still speak.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { interruptions } from '../../../src/message/trail.ts'
import type { Engine, Lease } from '../../../src/queue/queue.ts'
import type { Promises } from './rig.ts'

/** Waits in real time; generous, since a hint may be late but not lost for good. */
async function until(done: () => boolean): Promise<boolean> {
  for (let n = 0; n < 200 && !done(); n++) await sleep(25)
  return done()
}

/** A zombie settles. One that knows that it has lost the queue may also refuse. */
async function settleLate(dead: Engine, lease: Lease): Promise<'ok' | 'lost'> {
  try {
    return await dead.settle(lease, { to: 'delivered' })
  } catch {
    return 'lost'
  }
}

export const LIFE_PROMISES: Promises = {
  'what was in flight at a kill goes back to the door, told and uncharged': async (
    t,
    rig,
  ) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    rig.clock.pass(5_000)
    t.equal(await rig.restart(true), 1)
    const { entry, trail } = await rig.look(id)
    const { due } = lease
    t.strictSame(entry, { id, state: 'incoming', lane: 'ops', due, tries: 0 })
    t.match(trail, [{ at: rig.clock.iso(), act: 'interrupted' }])
    t.equal(trail.length, 1)
    const again = await rig.claimFrom('ops')
    t.match(again, { id, tries: 0, due })
    t.equal(interruptions(again.trail), 1)
  },

  'interruptions add up until an outcome': async (t, rig) => {
    const id = await rig.send()
    for (let n = 1; n <= 3; n++) {
      await rig.claimFrom('ops')
      t.equal(await rig.restart(true), 1)
      t.equal(interruptions((await rig.look(id)).trail), n)
    }
    const due = rig.clock.now()
    const line = rig.attempt('deferred')
    await rig.engine.settle(await rig.claimFrom('ops'), { to: 'deferred', due, line })
    const { entry, trail } = await rig.look(id)
    t.equal(interruptions(trail), 0)
    t.equal(entry.tries, 1, 'none of them was charged')
  },

  'a kill leaves all that was not in flight where it was': async (t, rig) => {
    for (const state of ['bounce', 'hold', 'deferred', 'incoming'] as const)
      await rig.make(state)
    const before = await rig.snapshot()
    t.equal(await rig.restart(true), 0)
    t.strictSame(await rig.snapshot(), before)
  },

  'a clean close leaves everything where it was': async (t, rig) => {
    for (const state of ['bounce', 'hold', 'deferred', 'incoming'] as const)
      await rig.make(state)
    const before = await rig.snapshot()
    t.equal(await rig.restart(false), 0)
    t.strictSame(await rig.snapshot(), before)
    t.equal((await rig.claimFrom('incoming')).lane, 'incoming')
  },

  'a scheduled message keeps its time over a restart': async (t, rig) => {
    const id = await rig.send({ to: 'ops', notBefore: rig.clock.iso(60_000) })
    await rig.claim()
    await rig.restart(true)
    t.strictSame(await rig.claim(), [])
    rig.clock.pass(60_000)
    t.equal((await rig.claimFrom('ops')).id, id)
  },

  'the lease of a daemon that died settles nothing': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    const dead = rig.engine
    await rig.restart(true)
    const before = await rig.snapshot()
    t.equal(await rig.engine.settle(lease, { to: 'delivered' }), 'lost')
    t.equal(await settleLate(dead, lease), 'lost')
    t.strictSame(await rig.snapshot(), before)
    const live = await rig.claimFrom('ops')
    t.not(live.token, lease.token)
    t.equal(await rig.engine.settle(lease, { to: 'delivered' }), 'lost')
    t.equal(await settleLate(dead, lease), 'lost')
    t.equal(await rig.stateOf(id), 'active')
    t.equal(await rig.engine.settle(live, { to: 'delivered' }), 'ok')
  },

  'tokens differ from life to life': async (t, rig) => {
    await rig.send()
    const tokens = new Set<string>()
    for (let n = 0; n < 4; n++) {
      tokens.add((await rig.claimFrom('ops')).token)
      await rig.restart(true)
    }
    t.equal(tokens.size, 4)
  },

  'an arrival wakes the one who watches': async (t, rig) => {
    let hints = 0
    await rig.engine.watch(() => hints++)
    for (let n = 0; n < 2; n++) {
      await sleep(50)
      const before = hints
      await rig.send()
      t.ok(await until(() => hints > before), 'called back')
    }
    t.equal((await rig.claim()).length, 2)
  },

  'an arrival from elsewhere is leased at the next claim, and wakes': async (t, rig) => {
    const other = await rig.join()
    if (other === undefined) return
    let hints = 0
    await rig.engine.watch(() => hints++)
    t.strictSame(await rig.claim(), [])
    const sender = { uid: 1000 }
    const draft = { to: 'ops' }
    const id = await other.enqueue({ draft, body: Buffer.from('x'), sender })
    t.equal((await rig.claimFrom('ops')).id, id)
    t.ok(await until(() => hints > 0), 'called back')
  },

  'an operator beside the daemon sees and acts on the same queue': async (t, rig) => {
    const desk = await rig.join()
    if (desk === undefined) return
    const [held, flushed] = [await rig.send({ to: 'a' }), await rig.make('deferred')]
    await rig.peek()
    t.strictSame(await desk.stats(), await rig.engine.stats())
    t.strictSame((await desk.act('hold', { ids: [held] }, { by: 'ann' })).done, [held])
    t.strictSame((await desk.act('flush', {}, { by: 'ann' })).done, [flushed])
    const leases = await rig.claim()
    t.strictSame(
      leases.map((lease) => lease.id),
      [flushed],
    )
    const result = await desk.act('delete', { ids: [flushed] }, { by: 'ann' })
    t.strictSame(result.skipped, [{ id: flushed, why: 'in flight' }])
    t.equal(await rig.engine.settle(leases[0]!, { to: 'delivered' }), 'ok')
    t.equal(await desk.get(flushed), undefined)
    await desk.close()
    t.equal(await rig.stateOf(held), 'hold', 'closing the desk closes nothing else')
    const id = await rig.send()
    t.equal((await rig.claimFrom('ops')).id, id)
  },

  'an operator may have the queue for a moment, and acts on what was in flight': async (
    t,
    rig,
  ) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    const desk = await rig.join()
    if (desk === undefined) return
    await t.rejects(desk.recover({ claims: false }), { code: 'temporary' })
    t.equal(await rig.stateOf(id), 'active')
    await rig.restart(true)
    await rig.claimFrom('ops')
    await rig.engine.close()
    t.equal((await desk.recover({ claims: false })).interrupted, 1)
    t.strictSame((await desk.act('delete', { ids: [id] }, { by: 'ann' })).done, [id])
    await desk.close()
    t.equal(await settleLate(rig.engine, lease), 'lost')
    t.equal(await rig.restart(true), 0, 'and lets go of it')
    t.equal(await rig.stateOf(id), 'gone')
  },

  'a queue is served by one at a time': async (t, rig) => {
    const other = await rig.join()
    if (other === undefined) return
    await rig.make('active')
    await t.rejects(other.recover(), { code: 'temporary' })
    t.match((await rig.engine.stats()).states, { active: 1 }, 'and nothing was touched')
    await rig.restart(false)
    await t.rejects(other.recover(), { code: 'temporary' })
  },
}
