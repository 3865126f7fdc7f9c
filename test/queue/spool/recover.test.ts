import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'

import t from 'tap'

import { interruptions } from '../../../src/message/trail.ts'
import { RESTED, Yard, anId, asPlainUser, sealed } from './yard.ts'

void t.test('what was in flight goes back, told and uncharged', async (t) => {
  const yard = await Yard.open(t, { recover: false })
  const { name, bytes, id } = sealed({ tries: 3, claim: 'x1' })
  yard.put('active', name, bytes)
  t.equal(await yard.restart(), 1)
  t.strictSame(yard.ls('incoming'), [name.slice(0, -3)])
  const lease = await yard.lease()
  t.match(lease, { id, tries: 3, trail: [{ act: 'interrupted' }] })
  t.match(yard.said('recovered'), [{ message: /^1 in flight when the last daemon ended/ }])
})

void t.test(
  'killed in recovery it is run again; a line too many is the worst',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    const interrupted = '{"at":"2026-11-20T10:00:00.000Z","act":"interrupted"}\n'
    const { name, bytes } = sealed({ claim: 'x1', trail: interrupted })
    yard.put('active', name, bytes)
    t.equal(await yard.restart(), 1)
    t.equal(interruptions((await yard.lease()).trail), 2)
  },
)

void t.test('a torn line does not swallow the next', async (t) => {
  const yard = await Yard.open(t, { recover: false })
  const { name, bytes } = sealed({ claim: 'x1', trail: '{"at":"2026-11-20T10:0' })
  yard.put('active', name, bytes)
  await yard.restart()
  t.match((await yard.lease()).trail, [{ act: 'interrupted' }])
})

void t.test(
  'whatever lies in active/, the daemon starts, and nothing is lost',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    yard.layout.make()
    const long = 'x'.repeat(255)
    yard.put('active', long, 'a name that cannot grow')
    yard.put('active', 'by-hand', '{"to":"ops"}\nbody')
    mkdirSync(yard.path('active', 'folder'))
    mkdirSync(yard.path('active', '.folder'))
    yard.put('active', '.nfs0001', 'of another program')
    const copy = yard.put('active', `.${anId()}`, 'half a copy')
    symlinkSync('/nonexistent', yard.path('active', sealed({ claim: 'x1' }).name))
    yard.put('active', sealed({ claim: 'x2' }).name, 'garbage')
    yard.put('active', sealed({ claim: 'x3' }).name, '')
    yard.put('active', sealed({ lane: '_adopt', claim: 'x4' }).name, 'garbage')
    const { name, bytes, id } = sealed({ claim: 'x5' })
    yard.put('active', name, bytes)
    const other = sealed()
    yard.put('active', other.name, other.bytes)
    await yard.restart()
    t.notOk(existsSync(yard.path('active', copy)), 'what is a copy of ours is removed')
    const leases = [...(await yard.claim())]
    yard.clock.pass(RESTED)
    leases.push(...(await yard.claim()))
    t.strictSame(
      leases
        .map((lease) => lease.id)
        .filter((one) => one === id || one === other.id)
        .toSorted(),
      [id, other.id].toSorted(),
    )
    t.equal(leases.length, 3)
    t.match(
      yard.where(),
      { active: 5, corrupt: 6 },
      'three leases, two names with a dot; six are no messages',
    )
  },
)

void t.test(
  'a file that cannot be read, or moved, is named and stops no start',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    yard.layout.make()
    await asPlainUser(yard.root, async () => {
      const [secret, fine] = [sealed({ claim: 'x1' }), sealed({ claim: 'x2' })]
      yard.put('active', secret.name, secret.bytes)
      chmodSync(yard.path('active', secret.name), 0)
      yard.put('active', fine.name, fine.bytes)
      mkdirSync(yard.path('active', 'folder'))
      chmodSync(yard.path('active', 'folder'), 0o500)
      t.equal(await yard.restart(), 2)
      t.strictSame(
        (await yard.claim()).map((lease) => lease.id),
        [fine.id],
      )
      t.match((await yard.engine.get(secret.id))?.entry, { state: 'deferred', tries: 0 })
      t.match(yard.said('unreadable')[0], { message: /^active\/folder: permission denied/ })
      t.match(yard.said('trouble'), [
        { message: /^trail of active\/.*: permission denied/ },
      ])
      chmodSync(yard.path('active', 'folder'), 0o700)
      await yard.engine.close()
    })
  },
)

void t.test('a start that fails lets go of the spool', async (t) => {
  let released = 0
  const takeLock = async () => ({ held: () => true, release: async () => void released++ })
  const yard = await Yard.open(t, { recover: false, takeLock })
  yard.layout.make()
  await asPlainUser(yard.root, async () => {
    chmodSync(yard.path('active', ''), 0)
    await t.rejects(yard.engine.recover(), { code: 'no-permission', exitCode: 77 })
    chmodSync(yard.path('active', ''), 0o700)
  })
  t.equal(released, 1)
})

void t.test('a daemon that is killed again and again loses nothing', async (t) => {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  const ids: string[] = []
  for (let n = 0; n < 60; n++) {
    if (n % 3 === 0) yard.put('incoming', `by-hand-${n}`, `{"to":"lane${n % 4}"}\n${n}`)
    else ids.push(await yard.send({ to: `lane${n % 4}` }, String(n)))
  }
  // Claims, adopts and defers as fast as it can, until it is shot.
  const script = `
    const { SpoolEngine } = await import(${JSON.stringify(resolve('dist/queue/spool/spool.js'))})
    const { systemClock } = await import(${JSON.stringify(resolve('dist/base/clock.js'))})
    const engine = new SpoolEngine(${JSON.stringify(yard.root)}, {
      clock: { ...systemClock, now: () => Date.now() + 60_000 },
      anyFilesystem: true,
    })
    await engine.recover()
    console.log('up')
    for (;;) {
      for (const lease of await engine.claim({ room: () => 5, max: 20 })) {
        const line = { at: new Date().toISOString(), try: 1, outcome: 'deferred', reason: 'x' }
        await engine.settle(lease, { to: 'deferred', due: Date.now(), line })
      }
      await new Promise(setImmediate)
    }`
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    await once(child.stdout, 'data')
    await new Promise((done) => setTimeout(done, 20 + round * 17))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await yard.restart()
  yard.clock.pass(120_000)
  const leases = [...(await yard.claim()), ...(await yard.claim())]
  t.equal(leases.length, 60)
  t.equal(new Set(leases.map((lease) => lease.id)).size, 60)
  for (const id of ids) t.ok(leases.some((lease) => lease.id === id))
  const bodies = await Promise.all(
    leases.map(async (lease) => Number(await yard.bodyOf(lease))),
  )
  t.strictSame(
    bodies.toSorted((a, b) => a - b),
    Array.from({ length: 60 }, (_, n) => n),
  )
  t.strictSame(yard.where(), { active: 60 })
})
