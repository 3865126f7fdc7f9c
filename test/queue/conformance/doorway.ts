/**
 * doorway - the door inside the daemon: it knows of a repeat before it writes anything.
 */
import type { Draft } from '../../../src/message/draft.ts'
import type { Accepted } from '../../../src/queue/queue.ts'
import { KeyConflict } from '../../../src/queue/queue.ts'
import { KEY_WINDOW } from './rig.ts'
import type { Promises, Rig } from './rig.ts'

const HTTP = { uid: 0, door: 'http' }

function submit(
  rig: Rig,
  draft: Draft = {},
  body = 'hello',
  signal?: AbortSignal,
): Promise<Accepted> {
  const submission = {
    draft: { to: 'ops', key: '42', ...draft },
    body: Buffer.from(body),
    sender: HTTP,
  }
  return rig.engine.submit(submission, signal)
}

async function count(rig: Rig): Promise<number> {
  return (await rig.engine.list({}, { limit: 100 })).items.length
}

async function deliver(rig: Rig): Promise<string[]> {
  const leases = await rig.claim()
  for (const lease of leases) await rig.engine.settle(lease, { to: 'delivered' })
  return leases.map(({ id }) => id)
}

export const DOORWAY_PROMISES: Promises = {
  'without a key every message is a new one': async (t, rig) => {
    const submission = { draft: { to: 'ops' }, body: Buffer.from('x'), sender: HTTP }
    const [a, b] = await Promise.all([
      rig.engine.submit(submission),
      rig.engine.submit(submission),
    ])
    t.equal(a.isRepeat || b.isRepeat, false)
    t.strictSame((await deliver(rig)).toSorted(), [a.id, b.id].toSorted())
  },

  'of many at once with one key one is queued, and all learn its id': async (t, rig) => {
    const all = await Promise.all(Array.from({ length: 8 }, () => submit(rig)))
    t.equal(all.filter(({ isRepeat }) => !isRepeat).length, 1)
    t.equal(new Set(all.map(({ id }) => id)).size, 1)
    t.equal(await count(rig), 1)
    t.strictSame(await deliver(rig), [all[0]!.id])
  },

  'a repeat is known before the key was decided on, after it, and once it is delivered':
    async (t, rig) => {
      const first = await submit(rig)
      t.strictSame(first.isRepeat, false)
      t.strictSame(await submit(rig), { id: first.id, isRepeat: true }, 'undecided')
      for (const lease of await rig.claim())
        await rig.engine.settle(lease, { to: 'released' })
      t.strictSame(await submit(rig), { id: first.id, isRepeat: true }, 'decided')
      t.strictSame(await deliver(rig), [first.id])
      t.strictSame(await submit(rig), { id: first.id, isRepeat: true }, 'delivered')
      t.equal(await count(rig), 0, 'nothing was queued')
      rig.clock.pass(KEY_WINDOW)
      const later = await submit(rig)
      t.equal(later.isRepeat, false, 'after the window it is a new message')
      t.strictSame(await submit(rig), { id: later.id, isRepeat: true })
      t.strictSame(await deliver(rig), [later.id])
    },

  'what says something else under the same key is refused, and nothing is queued': async (
    t,
    rig,
  ) => {
    const { id } = await submit(rig)
    const refused = async (what: string) => {
      const error = await submit(rig, {}, 'else').catch((reason: unknown) => reason)
      t.ok(error instanceof KeyConflict, what)
      t.equal((error as KeyConflict).of, id)
    }
    await refused('undecided')
    t.equal(await count(rig), 1)
    t.strictSame(await deliver(rig), [id])
    await refused('delivered')
    t.equal(await count(rig), 0)
  },

  'after a kill a repeat is known all the same': async (t, rig) => {
    const { id } = await submit(rig)
    await rig.restart(true)
    t.strictSame(await submit(rig), { id, isRepeat: true }, 'on the doorstep')
    t.equal((await rig.claim()).length, 1)
    await rig.restart(true)
    t.strictSame(await submit(rig), { id, isRepeat: true }, 'in flight')
    t.strictSame(await deliver(rig), [id])
  },

  'a deleted message leaves its key to the next one, decided on or not': async (t, rig) => {
    const early = await submit(rig)
    await rig.engine.act('delete', { ids: [early.id] }, { by: 'ann' })
    const next = await submit(rig, {}, 'else')
    t.equal(next.isRepeat, false)
    for (const lease of await rig.claim())
      await rig.engine.settle(lease, { to: 'released' })
    await rig.engine.act('delete', { ids: [next.id] }, { by: 'ann' })
    const last = await submit(rig)
    t.equal(last.isRepeat, false)
    t.strictSame(await deliver(rig), [last.id])
  },

  'one that is refused leaves its key to the next one': async (t, rig) => {
    await t.rejects(submit(rig, { method: 'no' }), { code: 'data' })
    t.equal((await submit(rig)).isRepeat, false)
  },

  'one that gave up waiting queues nothing': async (t, rig) => {
    const gone = AbortSignal.abort(new Error('gave up'))
    await t.rejects(submit(rig, {}, 'hello', gone), { message: 'gave up' })
    t.equal(await count(rig), 0)
    t.equal((await submit(rig)).isRepeat, false)
  },

  'who comes with a token has keys of his own, at whatever door': async (t, rig) => {
    const of = (sender: { door: string; token?: string }) =>
      rig.engine.submit({
        draft: { to: 'ops', key: '42' },
        body: Buffer.from('hello'),
        sender: { uid: 0, ...sender },
      })
    const ann = await of({ door: 'http', token: 'ann' })
    t.strictSame(await of({ door: 'submit', token: 'ann' }), { ...ann, isRepeat: true })
    const others = [
      await of({ door: 'http', token: 'bob' }),
      await of({ door: 'http' }),
      await of({ door: 'submit' }),
    ]
    t.strictSame(
      others.map(({ isRepeat }) => isRepeat),
      [false, false, false],
    )
    t.equal((await deliver(rig)).length, 4)
  },

  'a message that was relayed keeps its id, and its key is known by that': async (
    t,
    rig,
  ) => {
    const [one, two] = ['01JD1K4ZZZAAAAAAAAAAAAAAAA', '01JD1K4ZZZBBBBBBBBBBBBBBBB']
    const of = (id: string, key: string, body = 'hello', token = 'laptop') =>
      rig.engine.submit({
        draft: { to: 'ops', key },
        body: Buffer.from(body),
        sender: { uid: 0, door: 'http', token, relayed: id },
        id,
      })
    t.strictSame(await of(one, '42'), { id: one, isRepeat: false })
    t.strictSame(await of(one, '42', 'hello', 'other'), { id: one, isRepeat: true })
    t.strictSame(await of(two, '42'), { id: two, isRepeat: false }, 'a key of its own')
    await t.rejects(of(one, '42', 'else'), { name: 'KeyConflict', of: one })
    const taken = { name: 'IdConflict', code: 'data' }
    await t.rejects(of(one, '43'), taken, 'on the doorstep')
    const leases = await rig.claim()
    await t.rejects(of(one, '43'), taken, 'in flight')
    for (const lease of leases) await rig.engine.settle(lease, { to: 'released' })
    await t.rejects(of(one, '43'), taken, 'waiting')
    await rig.restart(true)
    t.strictSame(await of(one, '42'), { id: one, isRepeat: true }, 'after a kill')
    t.strictSame((await deliver(rig)).toSorted(), [one, two])
    t.strictSame(await of(two, '42'), { id: two, isRepeat: true }, 'delivered')
  },

  'a message that went on from here and comes back is no repeat': async (t, rig) => {
    const [one, two] = ['01JD1K4ZZZAAAAAAAAAAAAAAAA', '01JD1K4ZZZBBBBBBBBBBBBBBBB']
    const of = (id: string, hops?: number, key = '42') =>
      rig.engine.submit({
        draft: { to: 'ops', key },
        body: Buffer.from('hello'),
        sender: {
          uid: 0,
          door: 'http',
          token: 'laptop',
          relayed: id,
          ...(hops === undefined ? {} : { hops }),
        },
        id,
      })
    const loop = { name: 'LoopError', code: 'data' }
    t.strictSame(await of(one, 1), { id: one, isRepeat: false })
    t.strictSame(await of(one, 1), { id: one, isRepeat: true }, 'sent again')
    await t.rejects(of(one, 3), loop, 'on the doorstep')
    await rig.restart(true)
    await t.rejects(of(one, 3), loop, 'after a kill')
    t.strictSame(await deliver(rig), [one])
    await t.rejects(of(one, 3), loop, 'delivered')
    t.strictSame(await of(one, 1), { id: one, isRepeat: true }, 'and still a repeat')
    t.strictSame(await of(two), { id: two, isRepeat: false }, 'of one that counts no hops')
    t.strictSame(await of(two, 2), { id: two, isRepeat: true })
    await t.rejects(of(two, 2, '43'), loop, 'it began here, and has not left yet')
    await t.rejects(of(two, 1, '43'), { name: 'IdConflict' })
  },

  'there is no reason to refuse anything': async (t, rig) => {
    t.equal(rig.engine.refusal(), undefined)
    await rig.engine.close()
    t.type(rig.engine.refusal(), 'string', 'until it is not ours')
  },

  'the crowd is what came in and stands on the doorstep': async (t, rig) => {
    t.equal(rig.engine.crowd, 0)
    await submit(rig)
    await submit(rig)
    await submit(rig, { key: '43' })
    t.equal(rig.engine.crowd, 2)
    t.equal((await deliver(rig)).length, 2)
    t.equal(rig.engine.crowd, 0)
  },
}
