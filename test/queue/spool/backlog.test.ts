import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'
import type { Test } from 'tap'

import { Agenda } from '../../../src/queue/spool/agenda.ts'
import { Backlog } from '../../../src/queue/spool/backlog.ts'
import { ClaimTable } from '../../../src/queue/spool/claims.ts'
import { Doorkeeper } from '../../../src/queue/spool/doorkeeper.ts'
import { KeyGate } from '../../../src/queue/spool/key-gate.ts'
import { Mover } from '../../../src/queue/spool/moves.ts'
import { Quota, UNBOUND } from '../../../src/queue/spool/quota.ts'
import { RESTED, Yard, anId, asPlainUser, sealed } from './yard.ts'

/** The reading alone, with an agenda that keeps few. */
async function reading(t: Test, most: number) {
  const yard = await Yard.open(t, { recover: false })
  yard.layout.make()
  const agenda = new Agenda(most)
  const report = (said: (typeof yard.reports)[number]) => yard.reports.push(said)
  const mover = new Mover(yard.layout, false)
  const { layout, clock } = yard
  const gate = new KeyGate({ layout, mover, clock, report, keyWindow: 1_000 })
  const deps = { layout, mover, clock, report, note: () => {}, gate, agenda }
  const claims = new ClaimTable(deps)
  const quota = new Quota({ ...deps, claims, bounds: UNBOUND })
  const more = { claims, quota, nextId: anId, messageSizeLimit: 1_000 }
  const door = new Doorkeeper({ ...deps, ...more })
  return { yard, agenda, mover, backlog: new Backlog({ ...deps, door }) }
}

void t.test(
  'a lane with more than is kept in memory comes out whole and in order',
  async (t) => {
    const { yard, agenda, mover, backlog } = await reading(t, 20)
    const dues = Array.from({ length: 300 }, (_, n) => 1_000_000 + ((n * 7_919) % 300))
    for (const due of dues) yard.put('deferred', sealed({ due }).name, 'x')
    await backlog.read()
    t.ok(agenda.size <= 40)
    const got: number[] = []
    for (let n = 0; n < 500 && got.length < 300; n++) {
      const taken = agenda.take(yard.clock.now(), () => 7, 7)
      for (const { file, due } of taken) {
        mover.move('deferred', file, 'active', file)
        got.push(due)
      }
      backlog.refill()
      await backlog.rest()
    }
    t.strictSame(
      got,
      dues.toSorted((a, b) => a - b),
    )
  },
)

void t.test('what is moved there by hand is found within ten minutes', async (t) => {
  const yard = await Yard.open(t)
  const { name, bytes, id } = sealed()
  yard.put('deferred', name, bytes)
  t.strictSame(await yard.claim(), [])
  yard.clock.pass(601_000)
  t.equal((await yard.soon())[0]?.id, id)
})

void t.test(
  'what has no name of ours goes to the doorstep, and is taken in there',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    yard.layout.make()
    yard.put('deferred', 'by-hand', '{"to":"ops"}\nbody')
    yard.put('deferred', 'x'.repeat(255), '{"to":"ops"}\nbody')
    yard.put('deferred', '.staged', 'x')
    mkdirSync(yard.path('deferred', 'folder'))
    const { name, bytes, id } = sealed()
    yard.put('deferred', `${name}#x1`, bytes)
    await yard.restart()
    const leases = [...(await yard.claim())]
    yard.clock.pass(RESTED)
    leases.push(...(await yard.claim()))
    t.equal(leases.length, 3)
    t.ok(
      leases.some((lease) => lease.id === id),
      'a claim that is none keeps its id',
    )
    t.strictSame(yard.where(), { active: 3, deferred: 1, corrupt: 1 })
  },
)

void t.test(
  'one file that cannot be taken in stops neither the others nor the start',
  async (t) => {
    const yard = await Yard.open(t, { recover: false })
    yard.layout.make()
    await asPlainUser(yard.root, async () => {
      const { name, bytes, id } = sealed()
      yard.put('deferred', name, bytes)
      mkdirSync(yard.path('deferred', 'folder'))
      chmodSync(yard.path('deferred', 'folder'), 0o500)
      // Two with one id, of which one cannot be read.
      const twin = sealed({ id, due: 5_000 })
      yard.put('deferred', twin.name, twin.bytes)
      chmodSync(yard.path('deferred', twin.name), 0)
      await yard.restart()
      t.equal(yard.said('unreadable').length, 2)
      t.ok((await yard.claim()).length <= 1)
      t.equal(yard.ids().filter((known) => known === id).length, 2, 'both are kept')
      rmSync(yard.path('deferred', 'folder'), { recursive: true })
      await yard.engine.close()
    })
  },
)

void t.test(
  'a folder that cannot be read is an error at the start, and later a report',
  async (t) => {
    const yard = await Yard.open(t)
    await asPlainUser(yard.root, async () => {
      chmodSync(yard.path('deferred', ''), 0)
      const late = yard.anotherEngine()
      await t.rejects(late.recover(), {
        code: 'no-permission',
        message: /permission denied/,
      })
      yard.clock.pass(601_000)
      for (let n = 0; n < 200 && yard.said('trouble').length === 0; n++) {
        await yard.claim()
        await sleep(5)
      }
      t.match(yard.said('trouble'), [
        { message: /^deferred\/: permission denied; read again/ },
      ])
      for (let n = 0; n < 5; n++) {
        await yard.claim()
        await sleep(5)
      }
      t.equal(yard.said('trouble').length, 1, 'not at every turn')
      chmodSync(yard.path('deferred', ''), 0o700)
      const { name, bytes, id } = sealed()
      writeFileSync(yard.path('deferred', name), bytes)
      yard.clock.pass(61_000)
      t.equal((await yard.soon())[0]?.id, id)
      await yard.engine.close()
    })
  },
)
