/**
 * redirection - messages that are sent on, on real files: what a crash in between leaves, and
 * what cannot be proven.
 */
import { chmodSync, copyFileSync, readdirSync } from 'node:fs'

import t from 'tap'

import { parseName } from '../../../src/queue/spool/name.ts'
import { Yard, asPlainUser, sealed } from './yard.ts'

const MOVE = { by: 'ann', redirect: { to: 'new', keep: false } } as const
const COPY = { by: 'ann', redirect: { to: 'new', keep: true } } as const

void t.test('broken off between the two, it is done again once', async (t) => {
  const yard = await Yard.open(t)
  for (let n = 0; n < 70; n++) {
    const { name, bytes } = sealed()
    yard.put('bounce', name, bytes)
  }
  const [file = ''] = yard.ls('bounce')
  const { id } = parseName(file)!
  copyFileSync(yard.path('bounce', file), yard.path('run', 'aside'))
  // What a writer left that was killed.
  yard.put('incoming', `.${id}`, 'half of it')
  const first = await yard.engine.act('requeue', {}, MOVE)
  t.equal(first.done.length, 70)
  t.equal(new Set(first.made!.values()).size, 70)
  t.strictSame(yard.ls('bounce'), [])
  copyFileSync(yard.path('run', 'aside'), yard.path('bounce', file))
  const again = await yard.engine.act('requeue', {}, MOVE)
  t.strictSame(again.done, [id])
  t.equal(again.made!.get(id), first.made!.get(id))
  t.strictSame(yard.ls('bounce'), [])
  t.strictSame(
    yard
      .ls('incoming')
      .map((one) => parseName(one)!.id)
      .toSorted(),
    [...first.made!.values()].toSorted(),
  )
  const leases = await yard.claim()
  t.equal(leases.length, 70)
  t.match((await yard.bodyOf(leases[0]!)).toString(), 'body')
  t.strictSame(yard.reports, [])
})

void t.test('a long body goes with it', async (t) => {
  const yard = await Yard.open(t)
  const body = Buffer.alloc(2 * 1024 * 1024, 'long ')
  const { name, bytes, id } = sealed({ body })
  yard.put('hold', name, bytes)
  const { made } = await yard.engine.act('requeue', { ids: [id] }, MOVE)
  const lease = await yard.lease()
  t.equal(lease.id, made!.get(id))
  t.ok((await yard.bodyOf(lease)).equals(body))
})

void t.test('what cannot be proven or written stays, with the reason', async (t) => {
  const yard = await Yard.open(t)
  const spoilt = sealed()
  spoilt.bytes.write('X', spoilt.bytes.length - 3)
  const bare = sealed()
  const good = sealed()
  yard.put('bounce', spoilt.name, spoilt.bytes)
  yard.put('bounce', bare.name, '{"to":"ops"}\nbody')
  yard.put('bounce', good.name, good.bytes)
  const { done, skipped } = await yard.engine.act('requeue', {}, MOVE)
  t.strictSame(done, [good.id])
  t.strictSame(
    new Map(skipped.map(({ id, why }) => [id, why])),
    new Map([
      [spoilt.id, 'its body is not the one sealed'],
      [bare.id, 'is not sealed yet: made by hand'],
    ]),
  )
  t.equal(yard.ls('bounce').length, 2)
  const last = sealed()
  yard.put('hold', last.name, last.bytes)
  await asPlainUser(yard.root, async () => {
    chmodSync(yard.path('incoming', ''), 0o500)
    const refused = await yard.engine.act('requeue', { ids: [last.id] }, MOVE)
    t.match(refused, { done: [], skipped: [{ id: last.id, why: /permission denied/ }] })
    chmodSync(yard.path('incoming', ''), 0o700)
  })
  t.strictSame(yard.ls('hold'), [last.name])
  const left = readdirSync(yard.path('incoming', '')).filter((file) => file.startsWith('.'))
  t.strictSame(left, [], 'nothing half-written')
})

void t.test(
  'one that is kept is sent on again only when it is asked for again',
  async (t) => {
    const yard = await Yard.open(t)
    const { name, bytes, id } = sealed()
    yard.put('bounce', name, bytes)
    copyFileSync(yard.path('bounce', name), yard.path('run', 'aside'))
    const { made } = await yard.engine.act('requeue', {}, COPY)
    copyFileSync(yard.path('run', 'aside'), yard.path('bounce', name))
    const again = await yard.engine.act('requeue', {}, COPY)
    t.equal(again.made!.get(id), made!.get(id), 'its line was not written: broken off')
    t.equal(yard.ls('incoming').length, 1)
    const twice = await yard.engine.act('requeue', {}, COPY)
    t.not(twice.made!.get(id), made!.get(id))
    t.equal(yard.ls('incoming').length, 2)
  },
)
