/**
 * formats - the spool of each released version, as its programs left it in test/spools, is read
 * by this one; what a later version wrote is named and untouched.
 */
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

import { systemClock } from '../../../src/base/clock.ts'
import { inspectSpool, makeSpool, openEngine } from '../../../src/queue/open.ts'
import type { Finding } from '../../../src/queue/open.ts'
import type { Report } from '../../../src/queue/queue.ts'

const SPOOLS = resolve(import.meta.dirname, '../../spools')
const LOOK = { clock: systemClock, anyFilesystem: true, minFree: 0 }

async function errorsIn(spool: string): Promise<Finding[]> {
  const findings: Finding[] = []
  for await (const finding of inspectSpool(spool, LOOK)) findings.push(finding)
  return findings.filter(({ level }) => level === 'error')
}

for (const version of readdirSync(SPOOLS))
  t.test(`a spool of msgq ${version}`, async (t) => {
    const spool = join(t.testdir(), 'spool')
    cpSync(join(SPOOLS, version), spool, { recursive: true })
    await makeSpool(spool)
    t.same(await errorsIn(spool), [])
    const engine = await openEngine(spool, LOOK)
    t.teardown(() => engine.close())
    t.equal((await engine.recover()).interrupted, 1)
    const { items } = await engine.list({}, { limit: 100 })
    t.same(items.map(({ state }) => state).toSorted(), [
      'bounce',
      'corrupt',
      'deferred',
      'deferred',
      'hold',
      'incoming',
    ])
    for (const { id, state } of items)
      if (state !== 'corrupt') t.ok(await engine.body(id), `${state} ${id} proves itself`)
    t.equal((await engine.suspensions()).length, 1)
    const leases = await engine.claim({ room: () => 9, max: 9 })
    t.ok(leases.length > 0, 'and goes out')
    for (const lease of leases)
      t.equal(await engine.settle(lease, { to: 'delivered' }), 'ok')
  })

t.test('a message of a later version is named, and untouched', async (t) => {
  const spool = join(t.testdir(), 'spool')
  await makeSpool(spool)
  const name = '20261120T101500.123Z,0,01JD3Z8K6Q4W5E6R7T8Y9V0A1P@crm'
  const file = join(spool, 'deferred', name)
  const bytes = '{"v":2,"to":{"all":["crm"]}}\nbody\n'
  writeFileSync(file, bytes)
  const reports: Report[] = []
  const engine = await openEngine(spool, {
    ...LOOK,
    report: (report) => void reports.push(report),
  })
  await engine.recover()
  t.same(await engine.claim({ room: () => 9, max: 9 }), [])
  await engine.close()
  t.match(reports, [{ event: 'newer', level: 'error', message: /newer/ }])
  t.same(await errorsIn(spool), [], 'it is no defect')
  t.equal(readFileSync(file, 'utf8'), bytes)
  rmSync(file)
})
