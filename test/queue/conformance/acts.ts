/**
 * acts - what an operator does: each act from each state, by the table in states.ts.
 *
 * test/queue/states.test.ts holds the table itself to the state table of the design.
 */
import { STATES } from '../../../src/message/state.ts'
import type { State } from '../../../src/message/state.ts'
import { ACTS } from '../../../src/queue/queue.ts'
import type { Act } from '../../../src/queue/queue.ts'
import { ACT_TABLE } from '../../../src/queue/states.ts'
import { bytesOf } from './rig.ts'
import type { Promises, Rig } from './rig.ts'

const BY = { by: 'ann' }

/** One message in each state that this engine can show; those claimed are made first. */
async function oneOfEach(rig: Rig): Promise<Map<State, string>> {
  const made = new Map<State, string>()
  for (const state of ['bounce', 'hold', 'deferred', 'active', 'incoming'] as const)
    made.set(state, await rig.make(state))
  return made
}

/** Checks one act on one message, named by id. */
async function actOnOne(rig: Rig, act: Act, state: State, id: string): Promise<void> {
  const { t } = rig
  const { from, to, line } = ACT_TABLE[act]
  const before = await rig.look(id)
  const what = `${act} from ${state}`
  const result = await rig.engine.act(act, { ids: [id] }, { by: 'ann', reason: 'a test' })
  t.equal(result.matched, 1, what)
  if (!from.includes(state)) {
    t.strictSame(result.done, [], what)
    t.match(result.skipped, [{ id, why: /\w/ }], `${what} says why not`)
    t.strictSame(await rig.look(id), before, `${what} changes nothing`)
    return
  }
  t.strictSame(result, { matched: 1, done: [id], skipped: [] }, what)
  t.equal(await rig.stateOf(id), to, what)
  if (to === 'gone') return
  const { trail } = await rig.look(id)
  const told = { at: rig.clock.iso(), act: line, by: 'ann', reason: 'a test' }
  t.strictSame(trail, [...before.trail, told], `${what} is told in the trail`)
}

const MATRIX: Promises = Object.fromEntries(
  ACTS.map((act) => [
    `${act} moves a message or says why not, from each state`,
    async (_t, rig) => {
      for (const [state, id] of await oneOfEach(rig)) await actOnOne(rig, act, state, id)
    },
  ]),
)

const CORRUPT_MATRIX: Promises = Object.fromEntries(
  ACTS.map((act) => [
    `${act} moves a corrupt message or says why not`,
    async (t, rig) => {
      const id = await rig.send({ to: 'ops' }, 'some bytes')
      if (!(await rig.damage(id))) return
      for (const lease of await rig.claim()) await rig.engine.readBody(lease)
      t.equal(await rig.stateOf(id), 'corrupt')
      const { from, to } = ACT_TABLE[act]
      const result = await rig.engine.act(act, { ids: [id] }, BY)
      t.equal(result.done.length, +from.includes('corrupt'))
      t.equal(await rig.stateOf(id), from.includes('corrupt') ? to : 'corrupt')
      await rig.claim()
      t.not(await rig.stateOf(id), 'deferred', 'its bytes are no better than before')
    },
  ]),
)

export const ACT_PROMISES: Promises = {
  ...MATRIX,
  ...CORRUPT_MATRIX,

  'an act without states means its own': async (t, rig) => {
    const made = await oneOfEach(rig)
    for (const act of ACTS) {
      const { matched, done, skipped } = await rig.engine.act(
        act,
        {},
        { ...BY, dryRun: true },
      )
      const touched = [...done, ...skipped.map(({ id }) => id)].toSorted()
      const meant = STATES.filter((state) => ACT_TABLE[act].default.includes(state))
      t.strictSame(touched, meant.map((state) => made.get(state)!).toSorted(), act)
      t.equal(matched, meant.length)
    }
  },

  'an act means the states that it is given, and no others': async (t, rig) => {
    const made = await oneOfEach(rig)
    const states = ['deferred', 'active'] as const
    const result = await rig.engine.act('delete', { states }, BY)
    t.equal(result.matched, 2)
    t.strictSame(result.done, [made.get('deferred')])
    t.strictSame(result.skipped, [{ id: made.get('active'), why: 'in flight' }])
    t.equal((await rig.engine.list({}, { limit: 9 })).items.length, 4)
  },

  'a dry run says the same and changes nothing': async (t, rig) => {
    for (const act of ACTS) {
      const own = await rig.anew()
      await oneOfEach(own)
      const before = await own.snapshot()
      const dry = await own.engine.act(act, {}, { ...BY, dryRun: true })
      t.strictSame(await own.snapshot(), before, `${act} dry`)
      t.strictSame(await own.engine.act(act, {}, BY), dry, `${act} real`)
      t.ok(dry.done.length > 0)
    }
  },

  'an act on ids that are not there does nothing': async (t, rig) => {
    await rig.send()
    const before = await rig.snapshot()
    for (const act of ACTS) {
      const result = await rig.engine.act(act, { ids: ['01KAGBVKC0AAAAAAAAAAAAAAAA'] }, BY)
      t.strictSame(result, { matched: 0, done: [], skipped: [] }, act)
    }
    t.strictSame(await rig.snapshot(), before)
  },

  'an act goes by lane, and stops at its limit, the earliest due first': async (t, rig) => {
    const sent: string[] = []
    for (let n = 0; n < 5; n++) {
      sent.push(await rig.send({ to: 'a' }))
      rig.clock.pass(1)
    }
    await rig.send({ to: 'b' })
    const result = await rig.engine.act('hold', { lanes: ['a'], limit: 2 }, BY)
    t.strictSame(result, { matched: 2, done: sent.slice(0, 2), skipped: [] })
    t.equal((await rig.engine.stats()).states.hold, 2)
  },

  'a redirect is a new message with the old one for a parent': async (t, rig) => {
    const draft = {
      to: 'old',
      key: 'order-7',
      subject: 'paid',
      headers: { 'x-a': 'b' },
      hold: true,
    }
    const id = await rig.send(draft, 'the body')
    t.strictSame(await rig.claim(), [])
    t.equal(await rig.stateOf(id), 'hold')
    rig.clock.pass(1_000)
    const redirect = { to: 'new', keep: false }
    const dry = await rig.engine.act(
      'requeue',
      { states: ['hold'] },
      { ...BY, redirect, dryRun: true },
    )
    t.equal(await rig.stateOf(id), 'hold', 'a dry run changes nothing')
    const options = { by: 'ann', reason: 'moved', redirect }
    const result = await rig.engine.act('requeue', { states: ['hold'] }, options)
    t.strictSame(result, dry, 'and says the same')
    t.match(result, { matched: 1, done: [id], skipped: [] })
    const child = result.made!.get(id)!
    t.equal(await rig.stateOf(id), 'gone')
    const { entry, envelope, trail } = await rig.look(child)
    t.match(entry, { state: 'incoming', lane: 'new', tries: 0, due: rig.clock.now() })
    t.match(envelope, { ...draft, to: 'new', parent: id, sender: { uid: 1000 } })
    t.strictSame(trail, [
      {
        at: rig.clock.iso(),
        act: 'requeued',
        by: 'ann',
        reason: `moved; was ${id} to old`,
      },
    ])
    const body = await rig.engine.body(child)
    t.equal((await bytesOf(body)).toString(), 'the body')
    const [lease] = await rig.claim()
    t.match(lease, { id: child, lane: 'new' }, 'neither its key nor its hold stops it')
  },

  'a redirect that keeps the old one says there where it went': async (t, rig) => {
    const id = await rig.make('bounce')
    const before = await rig.look(id)
    const redirect = { to: 'new', keep: true }
    const first = await rig.engine.act('requeue', {}, { ...BY, redirect })
    const child = first.made!.get(id)!
    const line = { act: 'redirected', by: 'ann', reason: `to new as ${child}` }
    t.match(await rig.look(id), { entry: before.entry, trail: [...before.trail, line] })
    t.equal(await rig.stateOf(child), 'incoming')
    const second = await rig.engine.act('requeue', {}, { ...BY, redirect })
    t.not(second.made!.get(id), child, 'again is another message')
    t.equal((await rig.engine.list({ lanes: ['new'] }, { limit: 9 })).items.length, 2)
  },

  'a redirect takes what is held or bounced, and says why not': async (t, rig) => {
    const made = await oneOfEach(rig)
    const redirect = { to: 'new', keep: false }
    const ids = [...made.values()]
    const { done, skipped } = await rig.engine.act('requeue', { ids }, { ...BY, redirect })
    t.strictSame(new Set(done), new Set([made.get('hold'), made.get('bounce')]))
    t.strictSame(
      new Map(skipped.map(({ id, why }) => [id, why])),
      new Map([
        [made.get('incoming'), 'in incoming'],
        [made.get('active'), 'in flight'],
        [made.get('deferred'), 'in deferred: hold it first'],
      ]),
    )
    await t.rejects(
      rig.engine.act('requeue', {}, { ...BY, redirect: { to: 'No Name', keep: false } }),
      { code: 'data' },
    )
  },

  'an event is sent on to a destination': async (t, rig) => {
    const id = await rig.send({ event: 'user.created' })
    await rig.engine.act('hold', { ids: [id] }, BY)
    const redirect = { to: 'new', keep: false }
    const { made } = await rig.engine.act('requeue', { ids: [id] }, { ...BY, redirect })
    const { envelope, trail } = await rig.look(made!.get(id)!)
    t.match(envelope, { to: 'new', parent: id, event: undefined })
    t.match(trail, [{ reason: `was ${id} to event user.created` }])
  },

  'who acts on many hears how far it is': async (t, rig) => {
    for (let n = 0; n < 3; n++) await rig.make('bounce')
    for (const redirect of [undefined, { to: 'new', keep: true }]) {
      const heard: number[][] = []
      const onProgress = (...told: number[]) => void heard.push(told)
      const more = redirect === undefined ? {} : { redirect }
      await rig.engine.act(
        'requeue',
        { states: ['bounce'] },
        {
          ...BY,
          dryRun: true,
          onProgress,
          ...more,
        },
      )
      t.strictSame(heard.at(-1), [3, 3])
    }
  },

  'what was done stays done after a kill': async (t, rig) => {
    const held = await rig.send()
    const deleted = await rig.send()
    await rig.engine.act('hold', { ids: [held] }, { by: 'ann', reason: 'too loud' })
    await rig.engine.act('delete', { ids: [deleted] }, BY)
    await rig.restart(true)
    t.match(await rig.look(held), {
      entry: { state: 'hold' },
      trail: [{ act: 'held', by: 'ann', reason: 'too loud' }],
    })
    t.equal(await rig.stateOf(deleted), 'gone')
    t.strictSame(await rig.claim(), [])
  },

  'a claim heeds what was held or deleted since it last looked': async (t, rig) => {
    const [held, deleted, expired, left] = [
      await rig.send(),
      await rig.send(),
      await rig.send(),
      await rig.send(),
    ]
    await rig.peek()
    await rig.engine.act('hold', { ids: [held] }, BY)
    await rig.engine.act('delete', { ids: [deleted] }, BY)
    await rig.engine.act('expire', { ids: [expired] }, BY)
    t.strictSame(
      (await rig.claim()).map((lease) => lease.id),
      [left],
    )
  },

  'two who act on one message at once do it once': async (t, rig) => {
    const id = await rig.send()
    const [ann, bob] = await Promise.all([
      rig.engine.act('hold', { ids: [id] }, BY),
      rig.engine.act('hold', { ids: [id] }, { by: 'bob' }),
    ])
    t.equal(ann.done.length + bob.done.length, 1)
    const { entry, trail } = await rig.look(id)
    t.equal(entry.state, 'hold')
    t.equal(trail.length, 1)
  },
}
