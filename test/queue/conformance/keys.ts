/**
 * keys - a sender's idempotency key: the first message goes out, a repeat is dropped, another
 * message under the same key bounces.
 */
import type { Draft } from '../../../src/message/draft.ts'
import { KEY_WINDOW } from './rig.ts'
import type { Promises, Rig } from './rig.ts'

const HOUR = 3_600_000

/** Sends a message with the key 42, and lets the engine claim what it would; all is put back. */
async function sendKeyed(rig: Rig, draft: Draft = {}, body = 'hello'): Promise<string> {
  const id = await rig.send({ to: 'ops', key: '42', ...draft }, body)
  for (const lease of await rig.claim()) await rig.engine.settle(lease, { to: 'released' })
  return id
}

async function deliver(rig: Rig): Promise<string[]> {
  const leases = await rig.claim()
  for (const lease of leases) await rig.engine.settle(lease, { to: 'delivered' })
  return leases.map(({ id }) => id)
}

/** Checks that the next message with the key is dropped as a repeat of this one. */
async function expectRepeatOf(rig: Rig, first: string, what: string): Promise<void> {
  const { t } = rig
  const repeat = await sendKeyed(rig)
  t.equal(await rig.stateOf(repeat), 'gone', what)
  t.equal(await rig.engine.firstOf(repeat), first, `${what}: who asks learns of which`)
  t.equal(await rig.engine.firstOf(repeat.slice(-8)), first)
}

export const KEY_PROMISES: Promises = {
  'a repeat is dropped wherever the first one is, and for a while after it is gone': async (
    t,
    rig,
  ) => {
    const first = await sendKeyed(rig)
    await expectRepeatOf(rig, first, 'waiting')
    const [lease] = await rig.claim()
    t.equal(lease?.id, first)
    await expectRepeatOf(rig, first, 'on the wire')
    const due = rig.clock.now() + 2 * KEY_WINDOW
    const line = rig.attempt('deferred')
    await rig.engine.settle(lease!, { to: 'deferred', due, line })
    rig.clock.pass(1.5 * KEY_WINDOW)
    await expectRepeatOf(rig, first, 'deferred for longer than the window')
    await rig.engine.act('hold', { ids: [first] }, { by: 'ann' })
    await expectRepeatOf(rig, first, 'held')
    await rig.engine.act('expire', { ids: [first] }, { by: 'ann' })
    await expectRepeatOf(rig, first, 'bounced')
    await rig.engine.act('requeue', { ids: [first] }, { by: 'ann' })
    t.strictSame(await deliver(rig), [first])
    rig.clock.pass(KEY_WINDOW - 1)
    await expectRepeatOf(rig, first, 'delivered')
    rig.clock.pass(1)
    const fresh = await sendKeyed(rig)
    t.strictSame(await deliver(rig), [fresh], 'after the window it is a new message')
  },

  'a message that waits for its time has its key already': async (t, rig) => {
    const first = await sendKeyed(rig, { notBefore: rig.clock.iso(HOUR) })
    t.not(await rig.stateOf(first), 'gone')
    await expectRepeatOf(rig, first, 'scheduled')
    t.strictSame(await deliver(rig), [])
    rig.clock.pass(HOUR)
    t.strictSame(await deliver(rig), [first])
  },

  'a message that its sender holds has its key already': async (t, rig) => {
    const first = await sendKeyed(rig, { hold: true })
    t.equal(await rig.stateOf(first), 'hold')
    const other = await sendKeyed(rig, {}, 'something else')
    t.equal(await rig.stateOf(other), 'bounce')
  },

  'a key belongs to its sender': async (t, rig) => {
    const first = await sendKeyed(rig)
    const draft = { to: 'ops', key: '42' }
    const body = Buffer.from('hello')
    const bobs = await rig.engine.enqueue({ draft, body, sender: { uid: 1001 } })
    const other = await rig.send({ to: 'ops', key: '43' })
    t.strictSame((await deliver(rig)).toSorted(), [first, bobs, other].toSorted())
  },

  'what says something else under the same key bounces, and names the first': async (
    t,
    rig,
  ) => {
    const first = await sendKeyed(rig)
    const others: [string, Draft, string?][] = [
      ['receiver', { to: 'crm' }],
      ['method', { method: 'PUT' }],
      ['headers', { headers: { 'x-a': '1' } }],
      ['type', { contentType: 'text/html' }],
      ['body', {}, 'hello!'],
    ]
    for (const [what, draft, body] of others) {
      const id = await sendKeyed(rig, draft, body)
      t.equal(await rig.stateOf(id), 'bounce', what)
      const { entry, trail } = await rig.look(id)
      t.equal(entry.due, rig.clock.now())
      t.match(trail, [{ act: 'refused', reason: new RegExp(first) }])
      t.equal(await rig.engine.firstOf(id), undefined)
    }
    t.strictSame(await deliver(rig), [first])
  },

  'subject, level and times do not make another message of it': async (t, rig) => {
    const first = await sendKeyed(rig, { headers: { 'X-A': '1', 'x-b': '2' } })
    const draft: Draft = {
      headers: { 'x-B': '2', 'x-a': '1' },
      subject: 'again',
      level: 'error',
      expiresAt: rig.clock.iso(HOUR),
    }
    const repeat = await sendKeyed(rig, draft)
    t.equal(await rig.engine.firstOf(repeat), first)
  },

  'of two that come together the older one goes': async (t, rig) => {
    const first = await rig.send({ to: 'ops', key: '42' })
    const second = await rig.send({ to: 'ops', key: '42' })
    const third = await rig.send({ to: 'ops', key: '42' }, 'else')
    t.strictSame(await deliver(rig), [first])
    t.equal(await rig.engine.firstOf(second), first)
    t.equal(await rig.stateOf(third), 'bounce')
  },

  'a kill loses neither the message nor its key': async (t, rig) => {
    const first = await sendKeyed(rig)
    await rig.restart(true)
    await expectRepeatOf(rig, first, 'after a kill')
    t.equal((await rig.claim()).length, 1)
    await rig.restart(true)
    await expectRepeatOf(rig, first, 'after a kill in flight')
    t.strictSame(await deliver(rig), [first])
    await rig.restart(true)
    await expectRepeatOf(rig, first, 'after it was delivered')
  },

  'a deleted message leaves its key to the next one': async (t, rig) => {
    const early = await rig.send({ to: 'ops', key: '42' })
    await rig.engine.act('delete', { ids: [early] }, { by: 'ann' })
    const first = await sendKeyed(rig)
    t.equal(await rig.engine.firstOf(first), undefined)
    const repeat = await sendKeyed(rig, {}, 'something else')
    await rig.engine.act('delete', { ids: [repeat] }, { by: 'ann' })
    await expectRepeatOf(rig, first, 'to delete one that bounced frees nothing')
    await rig.engine.act('delete', { ids: [first] }, { by: 'ann', dryRun: true })
    await expectRepeatOf(rig, first, 'nor does a dry run')
    await rig.engine.act('delete', { ids: [first] }, { by: 'ann' })
    const fresh = await sendKeyed(rig)
    t.strictSame(await deliver(rig), [fresh])
  },

  'one that is on the wire cannot be deleted, and keeps its key': async (t, rig) => {
    const first = await sendKeyed(rig)
    await rig.claim()
    const { skipped } = await rig.engine.act('delete', { ids: [first] }, { by: 'ann' })
    t.equal(skipped.length, 1)
    await expectRepeatOf(rig, first, 'not deleted')
  },

  'what was requeued is not asked again': async (t, rig) => {
    const first = await sendKeyed(rig)
    const other = await sendKeyed(rig, {}, 'something else')
    t.equal(await rig.stateOf(other), 'bounce')
    await rig.engine.act('requeue', { ids: [other] }, { by: 'ann' })
    t.strictSame((await deliver(rig)).toSorted(), [first, other].toSorted())
    await expectRepeatOf(rig, first, 'the key stays where it was')
  },
}
