import { chmodSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs'

import t from 'tap'

import { parseName } from '../../../src/queue/spool/name.ts'
import { NO_PRLIMIT, withFileLimit } from './limits.ts'
import { Yard, anId, asPlainUser, sealed } from './yard.ts'

void t.test('a claim is a name in active/ that ends in its token', async (t) => {
  const yard = await Yard.open(t)
  const id = await yard.send()
  const { token } = await yard.lease()
  t.match(parseName(yard.only('active')), { id, claim: token, lane: 'ops', tries: 0 })
})

void t.test(
  'what disproves itself goes to corrupt/ with its reason, and never out',
  async (t) => {
    const id = anId()
    const { name, bytes } = sealed({ id, body: 'body' })
    const damaged = Buffer.from(bytes)
    damaged[damaged.length - 3]! ^= 1
    const cases: [string, string, Buffer | string, RegExp][] = [
      ['another body', name, damaged, /not the one sealed/],
      [
        'a name with another id',
        sealed({ id: anId() }).name,
        bytes,
        /its name says 01J.*, its envelope/,
      ],
      [
        'a name with another lane',
        sealed({ id, lane: 'crm' }).name,
        bytes,
        /its name says crm, its envelope ops/,
      ],
      [
        'a name with a chain',
        sealed({ id, chain: 'abcdef01' }).name,
        bytes,
        /its name says ~abcdef01, its envelope no order/,
      ],
      ['no bytes at all', name, '', /no envelope line/],
      ['garbage', name, 'garbage\n', /no JSON/],
      ['half of it', name, bytes.subarray(0, -3), /cut short/],
    ]
    for (const state of ['incoming', 'deferred'] as const)
      for (const [what, file, content, reason] of cases) {
        const yard = await Yard.open(t, { recover: false })
        yard.put(state, file, content)
        utimesSync(yard.path(state, file), 0, 0)
        await yard.restart()
        t.strictSame(await yard.claim(), [], what)
        t.strictSame(yard.where(), { corrupt: 1 }, `${what} in ${state}`)
        const { id: named, claim } = parseName(yard.only('corrupt'))!
        t.equal(claim, undefined)
        t.match(yard.said('corrupt'), [{ id: named, message: reason }])
        t.match(await yard.engine.get(named), {
          defect: reason,
          entry: { state: 'corrupt' },
        })
      }
  },
)

void t.test(
  'a lease that the disk does not let us settle stands, and is told once',
  async (t) => {
    const yard = await Yard.open(t)
    const id = await yard.send()
    const lease = await yard.lease()
    await asPlainUser(yard.root, async () => {
      chmodSync(yard.path('bounce', ''), 0o500)
      const settlement = { to: 'bounced', line: yard.line('bounced') } as const
      for (let n = 0; n < 3; n++)
        await t.rejects(yard.engine.settle(lease, settlement), { code: 'EACCES' })
      t.strictSame(yard.where(), { active: 1 })
      chmodSync(yard.path('bounce', ''), 0o700)
      t.equal(await yard.engine.settle(lease, settlement), 'ok')
      t.equal((await yard.engine.get(id))?.trail.length, 1)
      await yard.engine.close()
    })
  },
)

void t.test(
  'a message that cannot be moved keeps neither its lane nor others waiting',
  async (t) => {
    const yard = await Yard.open(t)
    await asPlainUser(yard.root, async () => {
      const moved = [await yard.send(), await yard.send({ to: 'crm' })]
      await yard.claim({ room: () => 0 })
      chmodSync(yard.path('active', ''), 0o500)
      for (let n = 0; n < 2; n++) await t.rejects(yard.claim(), { code: 'EACCES' })
      t.strictSame(await yard.claim(), [], 'each is tried, and then neither for a while')
      t.strictSame(yard.where(), { incoming: 2 })
      chmodSync(yard.path('active', ''), 0o700)
      const ids = (await yard.claim()).map((lease) => lease.id)
      yard.clock.pass(61_000)
      ids.push(...(await yard.claim()).map((lease) => lease.id))
      t.strictSame(ids.toSorted(), moved.toSorted(), 'and goes out when it can')
      await yard.engine.close()
    })
  },
)

void t.test(
  'leases that were taken reach the caller, though the next message fails',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    // The second one goes to corrupt/, which cannot take it.
    const good = sealed({ due: 1_000 })
    const bad = sealed({ due: 2_000 })
    const last = sealed({ due: 3_000 })
    yard.put('deferred', good.name, good.bytes)
    yard.put('deferred', bad.name, 'garbage\n')
    yard.put('deferred', last.name, last.bytes)
    await yard.restart()
    await asPlainUser(yard.root, async () => {
      chmodSync(yard.path('corrupt', ''), 0o500)
      const first = await yard.claim()
      t.strictSame(
        first.map((lease) => lease.id),
        [good.id],
      )
      t.match(yard.said('trouble'), [{ message: /cannot be claimed: permission denied/ }])
      t.strictSame(
        (await yard.claim()).map((lease) => lease.id),
        [last.id],
      )
      t.strictSame(
        yard.where(),
        { active: 2, deferred: 1 },
        'the bad one is back where it was',
      )
      chmodSync(yard.path('corrupt', ''), 0o700)
      yard.clock.pass(61_000)
      t.strictSame(await yard.claim(), [])
      t.strictSame(yard.where(), { active: 2, corrupt: 1 })
      await yard.engine.close()
    })
  },
)

void t.test(
  'a full disk loses the line of an attempt, not the attempt',
  { skip: NO_PRLIMIT },
  async (t) => {
    const yard = await Yard.open(t)
    const id = await yard.send({ to: 'ops' }, 'x'.repeat(5_000))
    const lease = await yard.lease()
    const due = yard.clock.now() + 1_000
    const settled = await withFileLimit(4_096, () =>
      yard.engine.settle(lease, { to: 'deferred', due, line: yard.line() }),
    )
    t.equal(settled, 'ok')
    const message = await yard.engine.get(id)
    t.match(message, { entry: { state: 'deferred', tries: 1 }, trail: [] })
    t.match(yard.said('trouble'), [{ message: /^trail of active\/.*: file too large$/ }])
    t.equal((await yard.engine.body(id))?.kind, 'bytes', 'and the message is whole')
  },
)

void t.test(
  'a message that somebody took out of active/ by hand is lost to us, not to him',
  async (t) => {
    const yard = await Yard.open(t)
    for (const body of ['small', 'x'.repeat(2 * 1024 * 1024)]) {
      await yard.send({ to: 'ops' }, body)
      const lease = await yard.lease()
      const [file] = yard.ls('active')
      renameSync(yard.path('active', file!), yard.path('hold', file!.split('#')[0]!))
      if (body.length > 1_000_000) t.equal(await yard.engine.readBody(lease), undefined)
      t.equal(await yard.engine.settle(lease, { to: 'delivered' }), 'lost')
      t.equal(
        await yard.engine.readBody(lease),
        undefined,
        'of a lease that is lost there is none',
      )
    }
    t.strictSame(yard.where(), { hold: 2 })
    await yard.engine.act('release', {}, { by: 'ann' })
    t.equal((await yard.claim()).length, 2, 'and is leased again when he gives it back')
  },
)

void t.test(
  'a folder that somebody removed is made again, and nothing is lost',
  async (t) => {
    const yard = await Yard.open(t)
    const id = await yard.send()
    const lease = await yard.lease()
    rmSync(yard.path('bounce', ''), { recursive: true })
    t.equal(
      await yard.engine.settle(lease, { to: 'bounced', line: yard.line('bounced') }),
      'ok',
    )
    t.match((await yard.engine.get(id))?.entry, { state: 'bounce' })
  },
)

void t.test('tokens of one life and of two are never the same', async (t) => {
  const yard = await Yard.open(t)
  const tokens = new Set<string>()
  await yard.send()
  for (let n = 0; n < 20; n++) {
    const lease = await yard.lease()
    tokens.add(lease.token)
    if (n % 2 === 0) await yard.restart()
    else await yard.engine.settle(lease, { to: 'released' })
  }
  t.equal(tokens.size, 20)
})

void t.test('a long body is proven before a byte of it goes out', async (t) => {
  const yard = await Yard.open(t)
  const { name, bytes, id } = sealed({ body: Buffer.alloc(2 * 1024 * 1024, 'x') })
  bytes[bytes.length - 100]! ^= 1
  yard.put('incoming', name, bytes)
  const lease = await yard.lease()
  t.equal(await yard.engine.readBody(lease), undefined)
  t.match(await yard.engine.get(id), {
    entry: { state: 'corrupt' },
    defect: /not the one sealed/,
  })
  t.equal(await yard.engine.settle(lease, { to: 'delivered' }), 'lost')
})

void t.test(
  'a long body that disproves itself, and cannot be put aside now, stays in our hands',
  async (t) => {
    const yard = await Yard.open(t)
    const { name, bytes, id } = sealed({ body: Buffer.alloc(2 * 1024 * 1024, 'x') })
    bytes[bytes.length - 100]! ^= 1
    yard.put('incoming', name, bytes)
    const lease = await yard.lease()
    await asPlainUser(yard.root, async () => {
      chmodSync(yard.path('corrupt', ''), 0o500)
      await t.rejects(yard.engine.readBody(lease), { code: 'EACCES' })
      chmodSync(yard.path('corrupt', ''), 0o700)
      const due = yard.clock.now()
      t.equal(await yard.engine.settle(lease, { to: 'postponed', due }), 'ok')
      const again = await yard.lease()
      t.equal(await yard.engine.readBody(again), undefined)
      t.match(await yard.engine.get(id), { entry: { state: 'corrupt' } })
      await yard.engine.close()
    })
  },
)

void t.test('as many are in active/ as leases are out', async (t) => {
  const yard = await Yard.open(t)
  for (let n = 0; n < 50; n++) await yard.send({ to: `lane${n % 5}` })
  for (let n = 0; n < 5; n++) {
    const leases = await yard.claim({ max: 7, room: () => 2 })
    t.equal(leases.length, 7)
    t.equal(readdirSync(yard.path('active', '')).length, 7)
    for (const lease of leases) await yard.engine.settle(lease, { to: 'delivered' })
  }
})
