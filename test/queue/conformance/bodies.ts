/**
 * bodies - every byte comes back, and bytes that are not the sealed ones never go out.
 */
import type { Test } from 'tap'

import { bytesOf } from './rig.ts'
import type { Promises, Rig } from './rig.ts'

const MIB = 1024 * 1024

async function comesBack(t: Test, rig: Rig, body: Uint8Array, kind: string): Promise<void> {
  const id = await rig.send({ to: 'ops' }, body)
  const leased = await rig.engine.readBody(await rig.claimFrom('ops'))
  for (const read of [leased, await rig.engine.body(id)]) {
    t.equal(read?.kind, kind)
    if (read?.kind === 'stream') t.equal(read.length, body.length)
    t.ok((await bytesOf(read)).equals(body), 'every byte')
    t.ok((await bytesOf(read)).equals(body), 'every byte, read anew for the next attempt')
  }
}

export const BODY_PROMISES: Promises = {
  'an empty body comes back empty': async (t, rig) => {
    await comesBack(t, rig, Buffer.alloc(0), 'bytes')
  },

  'any bytes come back as they were': async (t, rig) => {
    const every = Uint8Array.from({ length: 1024 }, (_, n) => n % 256)
    await comesBack(t, rig, every, 'bytes')
  },

  'a body that looks like the end of a message is a body': async (t, rig) => {
    const line = JSON.stringify({ at: rig.clock.iso(), act: 'held' })
    await comesBack(t, rig, Buffer.from(`\n${line}\n{"v":1}\n\n`), 'bytes')
    t.strictSame((await rig.engine.list({}, { limit: 9 })).items.length, 1)
    const [entry] = (await rig.engine.list({}, { limit: 9 })).items
    t.strictSame((await rig.look(entry!.id)).trail, [], 'none of it is its trail')
  },

  'a body of 1 MiB comes back whole': async (t, rig) => {
    await comesBack(t, rig, Buffer.alloc(MIB, 'abc'), 'bytes')
  },

  'a body of more than 1 MiB comes back as a stream': async (t, rig) => {
    await comesBack(t, rig, Buffer.alloc(MIB + 1, 'abc'), 'stream')
  },

  'a body of 2 MiB comes back, and after a kill too': async (t, rig) => {
    const body = Buffer.alloc(2 * MIB, 'xyz')
    await comesBack(t, rig, body, 'stream')
    await rig.restart(true)
    const lease = await rig.claimFrom('ops')
    t.ok((await bytesOf(await rig.engine.readBody(lease))).equals(body))
  },

  'a body that disproves itself is put aside with its reason, and told': async (t, rig) => {
    for (const size of [100, 2 * MIB]) {
      const id = await rig.send({ to: 'ops' }, Buffer.alloc(size, 'a'))
      if (!(await rig.damage(id))) return
      // An engine may find out when it claims, or when the body is asked for.
      const [lease] = await rig.claim()
      if (lease !== undefined) {
        t.equal(await rig.engine.readBody(lease), undefined)
        t.equal(await rig.engine.settle(lease, { to: 'delivered' }), 'lost')
      }
      const { entry, defect } = await rig.look(id)
      t.equal(entry.state, 'corrupt')
      t.ok(defect, 'it says why')
      t.equal(await rig.engine.body(id), undefined)
      t.ok(
        (await bytesOf(await rig.engine.raw(id))).length >= size,
        'what is left is shown',
      )
      t.ok(rig.reports.some((report) => report.event === 'corrupt' && report.id === id))
      t.strictSame(await rig.claim(), [])
    }
  },

  'a body is gone with its message': async (t, rig) => {
    const id = await rig.send()
    const lease = await rig.claimFrom('ops')
    await rig.engine.settle(lease, { to: 'delivered' })
    t.equal(await rig.engine.body(id), undefined)
    t.equal(await rig.engine.raw(id), undefined)
  },
}
