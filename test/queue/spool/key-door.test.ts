/**
 * key-door - a repeat hears of the first one only what is so: that it is durable, or nothing.
 */
import t from 'tap'
import type { Test } from 'tap'

import { UnsureError } from '../../../src/base/errors.ts'
import type { Submission } from '../../../src/queue/queue.ts'
import { KeyDoor } from '../../../src/queue/spool/key-door.ts'
import { KeyGate } from '../../../src/queue/spool/key-gate.ts'
import { Mover } from '../../../src/queue/spool/moves.ts'
import { SpoolOutbox } from '../../../src/queue/spool/outbox.ts'
import { Yard } from './yard.ts'

const MESSAGE: Submission = {
  draft: { to: 'ops', key: '42' },
  body: Buffer.from('hello'),
  sender: { uid: process.getuid!(), door: 'http' },
}

/** A door on a spool whose syncs of incoming/ are `sync`. */
async function doorOf(t: Test, sync: () => Promise<void>) {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  const { layout, clock, root } = yard
  const outbox = new SpoolOutbox(root, {
    clock,
    anyFilesystem: true,
    serves: true,
    onQueued: () => {},
    syncFolder: sync,
  })
  const report = () => {}
  const mover = new Mover(layout, false)
  const gate = new KeyGate({ layout, mover, clock, report, keyWindow: 1_000 })
  const make = () => new KeyDoor({ layout, gate, clock, outbox, isTaken: () => false })
  return { yard, outbox, make }
}

t.test('whoever gives up waits no longer, and nobody passes the first one', async (t) => {
  let go = () => {}
  const { yard, make } = await doorOf(t, () => new Promise((resolve) => (go = resolve)))
  const door = make()
  const first = door.submit(MESSAGE)
  const patience = new AbortController()
  const second = door.submit(MESSAGE, patience.signal)
  while (yard.ls('incoming').length === 0) await new Promise((r) => setTimeout(r, 5))
  patience.abort(new Error('no longer'))
  await t.rejects(second, { message: 'no longer' }, 'while the first one is written')
  const third = door.submit(MESSAGE)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(yard.ls('incoming').length, 1)
  go()
  const { id } = await first
  t.strictSame(await third, { id, isRepeat: true })
  t.equal(yard.ls('incoming').length, 1)
})

t.test('a name that the last daemon did not sync is synced before a yes', async (t) => {
  let synced = 0
  const { yard, make } = await doorOf(t, async () => void synced++)
  const { id } = await make().submit(MESSAGE)
  t.equal(synced, 1)
  const next = make()
  const twice = await Promise.all([next.submit(MESSAGE), next.submit(MESSAGE)])
  const repeat = { id, isRepeat: true }
  t.strictSame(twice, [repeat, repeat])
  t.equal(synced, 2, 'once more, and once for all')
  t.equal(yard.ls('incoming').length, 1)
})

t.test('of whom nobody knows whether he is queued, no repeat hears a yes', async (t) => {
  let fault: Error | undefined
  const { outbox, make } = await doorOf(t, async () => {
    if (fault !== undefined) throw fault
  })
  const enqueue = outbox.enqueue.bind(outbox)
  // As on a disk that fails at the sync, and lets nothing be taken back.
  outbox.enqueue = async (...given) => {
    await enqueue(...given)
    throw new UnsureError('may be queued or not')
  }
  const door = make()
  await t.rejects(door.submit(MESSAGE), UnsureError)
  fault = new Error('EIO')
  await t.rejects(door.submit(MESSAGE), { name: 'UnsureError', message: /or not: EIO/ })
  fault = undefined
  t.match(await door.submit(MESSAGE), { isRepeat: true })
})
