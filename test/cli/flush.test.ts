import t from 'tap'
import type { Test } from 'tap'

import { Control } from '../daemon/fake-control.ts'
import type { Answer } from '../../src/daemon/control.ts'
import { HOUR, World } from './world.ts'

/** A daemon that answers this to a flush, and keeps what it was told. */
async function daemon(t: Test, world: World, answer: Answer): Promise<unknown[]> {
  const told: unknown[] = []
  const control = await Control.open(world.spool, {
    'POST /v1/flush': (body) => {
      told.push(body)
      return answer
    },
  })
  t.teardown(() => control.close())
  return told
}

t.test('a flush has the daemon open the lanes that it means', async (t) => {
  const world = await World.open(t)
  const told = await daemon(t, world, { status: 200, body: { opened: 2 } })
  const crm = await world.defer({ to: 'crm' }, HOUR)
  const all = await world.run('flush')
  t.equal(all.code, 0)
  t.match(all.out, /^matched \d, done \d, skipped 0, 2 lanes opened\n$/)
  t.equal(all.err, '', 'msgqd is running')
  await world.run('flush', crm)
  await world.run('flush', '--to', 'ops,https://example.com/y')
  await world.run('flush', '--older-than', '1h')
  t.strictSame(told, [{}, { lanes: ['crm'] }, { lanes: ['ops', '=example.com_443'] }, {}])
  const json = await world.run('flush', '--json')
  t.match(JSON.parse(json.out.trimEnd().split('\n').at(-1)!), { totals: { opened: 2 } })
})

t.test('a flush that does nothing tells the daemon nothing', async (t) => {
  const world = await World.open(t)
  const told = await daemon(t, world, { status: 200, body: { opened: 0 } })
  await world.defer({ to: 'crm' }, HOUR)
  await world.run('flush', '--dry-run')
  t.equal((await world.run('flush', 'ZZZZZZ')).code, 66)
  t.strictSame(told, [])
})

t.test('a daemon that answers with an error leaves the messages in front', async (t) => {
  const world = await World.open(t)
  await daemon(t, world, { status: 500, body: { error: 'out of order' } })
  await world.defer({ to: 'crm' }, HOUR)
  const { code, out, err } = await world.run('flush')
  t.equal(code, 0)
  t.equal(out, 'matched 1, done 1, skipped 0\n')
  t.equal(err, 'msgq: flush: msgqd answers 500: its lanes stay as they are\n')
  t.equal(world.files('incoming').length, 1)
})

t.test('other verbs do not talk to the daemon', async (t) => {
  const world = await World.open(t)
  const told = await daemon(t, world, { status: 200, body: {} })
  await world.defer({ to: 'crm' }, HOUR)
  for (const verb of ['hold', 'release', 'delete'])
    t.equal((await world.run(verb, 'ALL')).err, '')
  t.strictSame(told, [])
})
