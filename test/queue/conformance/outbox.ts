/**
 * outbox - what the door promises: accepted is durable, refused is nowhere.
 */
import { MsgqError } from '../../../src/base/errors.ts'
import type { Draft } from '../../../src/message/draft.ts'
import { sha256 } from '../../../src/message/envelope.ts'
import { bytesOf } from './rig.ts'
import type { Promises } from './rig.ts'

export const OUTBOX_PROMISES: Promises = {
  'what enqueue resolved is there after a kill': async (t, rig) => {
    const id = await rig.send({ to: 'ops', subject: 'überall' }, 'body')
    await rig.restart(true)
    const { entry, envelope } = await rig.look(id)
    t.equal(entry.id, id)
    t.equal(envelope?.subject, 'überall')
    t.equal((await bytesOf(await rig.engine.body(id))).toString(), 'body')
    t.equal((await rig.claimFrom('ops')).id, id)
  },

  'a message is listed, read and held before any daemon recovers the queue': async (
    t,
    rig,
  ) => {
    const engine = await rig.join()
    if (engine === undefined) return
    const draft = { to: 'ops' }
    const id = await engine.enqueue({
      draft,
      body: Buffer.from('x'),
      sender: { uid: 1000 },
    })
    t.strictSame(
      (await engine.list({}, { limit: 9 })).items.map((entry) => entry.id),
      [id],
    )
    t.strictSame((await engine.act('hold', { ids: [id] }, { by: 'ann' })).done, [id])
    t.equal(await rig.stateOf(id), 'hold')
  },

  'many at once are all accepted, each under its own id': async (t, rig) => {
    const numbers = Array.from({ length: 50 }, (_, n) => n)
    const ids = await Promise.all(numbers.map((n) => rig.send({ to: 'ops' }, `body ${n}`)))
    t.equal(new Set(ids).size, 50)
    const bodies = await Promise.all(
      ids.map(async (id) => (await bytesOf(await rig.engine.body(id))).toString()),
    )
    t.strictSame(
      bodies,
      numbers.map((n) => `body ${n}`),
    )
  },

  'an id that is taken is never written over': async (t, rig) => {
    const [one, two] = ['01KAGBVKC0AAAAAAAAAAAAAAAA', '01KAGBVKC0BBBBBBBBBBBBBBBB']
    const ids = [one, one, two]
    const same = await rig.anew(() => ids.shift() ?? two)
    t.equal(await same.send({ to: 'ops' }, 'first'), one)
    // Refused, or taken in under another id: both are honest.
    const second = await same.send({ to: 'ops' }, 'second').catch(() => undefined)
    t.not(second, one)
    t.equal((await bytesOf(await same.engine.body(one))).toString(), 'first')
    t.equal((await same.claim()).filter((lease) => lease.id === one).length, 1)
  },

  'a sender may use its buffer again': async (t, rig) => {
    const bytes = Buffer.from('before')
    const id = await rig.send({ to: 'ops' }, bytes)
    bytes.fill('x')
    t.equal((await bytesOf(await rig.engine.body(id))).toString(), 'before')
  },

  'a draft that cannot be sent is refused, and nothing is queued': async (t, rig) => {
    const drafts: Draft[] = [
      {},
      { to: 'a b' },
      { to: 'ops', event: 'user.new' },
      { to: 'ops', headers: { 'x-a': 'b\r\nc: d' } },
    ]
    for (const draft of drafts) await t.rejects(rig.send(draft), MsgqError)
    t.strictSame((await rig.engine.list({}, { limit: 9 })).items, [])
  },

  'the envelope holds what was said, by whom, when, and the proof of the body': async (
    t,
    rig,
  ) => {
    const draft: Draft = {
      to: 'https://hooks.example:8443/in?x=1',
      method: 'PUT',
      headers: { 'X-Trace': 'abc', accept: '*/*' },
      contentType: 'text/plain; charset=utf-8',
      subject: 'Größe "9" {}',
      level: 'warning',
      key: 'k-1',
      order: 'chain 7',
      notBefore: rig.clock.iso(-60_000),
      expiresAt: rig.clock.iso(60_000),
    }
    const body = Buffer.from('content\n')
    const sender = { uid: 1000, user: 'ann', host: 'box' }
    const parent = '01KAGBVKC0AAAAAAAAAAAAAAAA'
    const id = await rig.engine.enqueue({ draft, body, sender, parent })
    const expected = {
      v: 1,
      id,
      ...draft,
      createdAt: rig.clock.iso(),
      sender,
      parent,
      bytes: 8,
      sha256: sha256(body),
    }
    const message = await rig.look(id)
    t.same(message.envelope, expected)
    t.ok(message.size >= 8, 'its size counts the body')
    t.equal(message.entry.lane, '=hooks.example_8443')
    t.equal(message.entry.due, rig.clock.now(), 'a time that has passed means now')
    const lease = await rig.claimFrom('=hooks.example_8443')
    t.same(lease.envelope, expected)
  },
}
