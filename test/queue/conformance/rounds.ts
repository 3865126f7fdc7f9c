/**
 * rounds - what is met on a round, what is placed, and what is remembered from start to start.
 */
import type { State } from '../../../src/message/state.ts'
import type { Sighting } from '../../../src/queue/queue.ts'
import { bytesOf } from './rig.ts'
import type { Promises, Rig } from './rig.ts'

async function metBy(rig: Rig, ...states: State[]): Promise<Sighting[]> {
  const met: Sighting[] = []
  for await (const sighting of rig.engine.meet(states)) met.push(sighting)
  return met
}

export const ROUND_PROMISES: Promises = {
  'a round meets each message of its states, and no other': async (t, rig) => {
    const bounced = [await rig.make('bounce'), await rig.make('bounce')]
    const deferred = await rig.make('deferred')
    await rig.make('hold')
    const ids = (met: readonly Sighting[]) => met.map(({ entry }) => entry.id).toSorted()
    t.strictSame(ids(await metBy(rig, 'bounce')), bounced.toSorted())
    const both = ids(await metBy(rig, 'bounce', 'deferred'))
    t.strictSame(both, [...bounced, deferred].toSorted())
    t.strictSame(await metBy(rig), [])
  },

  'who is met tells its story, and hears a line': async (t, rig) => {
    const id = await rig.make('bounce')
    const [met] = await metBy(rig, 'bounce')
    t.strictSame(met!.entry, (await rig.look(id)).entry)
    const { envelope, trail } = await rig.look(id)
    t.match(await met!.story(), { envelope, trail })
    t.equal((await bytesOf(await met!.body())).toString(), 'hello')
    const line = { at: rig.clock.iso(), act: 'noticed', as: id } as const
    t.equal(await met!.tell(line), true)
    t.strictSame((await rig.look(id)).trail.at(-1), line)
  },

  'who has moved on tells nothing, and is not reached': async (t, rig) => {
    const id = await rig.make('bounce')
    const [met] = await metBy(rig, 'bounce')
    await rig.engine.act('requeue', { ids: [id] }, { by: 'ann' })
    t.equal(await met!.story(), undefined)
    t.equal(await met!.body(), undefined)
    t.equal(await met!.tell({ at: rig.clock.iso(), act: 'noticed' }), false)
  },

  'a body that disproves itself is none': async (t, rig) => {
    const id = await rig.make('bounce')
    if (!(await rig.damage(id))) return
    const [met] = await metBy(rig, 'bounce')
    t.equal(await met!.body(), undefined)
  },

  'a stamp changes with what comes and goes': async (t, rig) => {
    await rig.make('bounce')
    rig.clock.pass(60_000)
    const before = rig.engine.stamp('bounce')
    t.equal(rig.engine.stamp('bounce'), before)
    await rig.make('bounce')
    const after = rig.engine.stamp('bounce')
    t.ok(after === undefined || after !== before)
  },

  'what is placed is a message under the id that was given': async (t, rig) => {
    const parent = await rig.make('bounce')
    const id = '01JD3Z8K6Q4W5E6R7T8Y9V0A1P'
    const line = { at: rig.clock.iso(), act: 'redirected', reason: 'late' } as const
    await rig.engine.place({
      id,
      draft: { to: 'ops', subject: 'late' },
      body: Buffer.from('x'),
      sender: { uid: 7 },
      parent,
      notice: 'bounced',
      line,
    })
    await rig.restart(true)
    const { envelope, trail } = await rig.look(id)
    const createdAt = rig.clock.iso()
    const said = { id, to: 'ops', subject: 'late', parent, notice: 'bounced', createdAt }
    t.match(envelope, { ...said, sender: { uid: 7 }, bytes: 1 })
    t.strictSame(trail, [line])
    t.match(await rig.claimFrom('ops'), { id, tries: 0 })
  },

  'what is remembered outlives a kill, and the last of a name counts': async (t, rig) => {
    t.equal(await rig.engine.remembered('bounced'), undefined)
    await rig.engine.remember('bounced', { v: 1 })
    await rig.engine.remember('waiting', ['ä'])
    await rig.engine.remember('bounced', { v: 2, lanes: { crm: 3 } })
    await rig.restart(true)
    t.strictSame(await rig.engine.remembered('bounced'), { v: 2, lanes: { crm: 3 } })
    t.strictSame(await rig.engine.remembered('waiting'), ['ä'])
  },
}
