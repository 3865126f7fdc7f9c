/**
 * suspend - lanes that an operator stops and lets go on, and where that is shown.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { Control } from '../daemon/fake-control.ts'
import type { LaneStatus } from '../../src/delivery/status.ts'
import { shortId } from '../../src/message/id.ts'
import { HOUR, NOON, World } from './world.ts'

const CRM =
  '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n[destinations.ops]\ntype = "http"\nurl = "https://ops.example/"\n'
const DOWN = 'msgqd is not running: it counts from its next start\n'

/** A daemon that says this of the lanes, and keeps what it was told. */
async function daemon(t: Test, world: World, say: () => Partial<LaneStatus>[]) {
  const told: unknown[] = []
  const control = await Control.open(world.spool, {
    'POST /v1/suspended': (body) => {
      told.push(body)
      return { status: 200, body: { lanes: say() } }
    },
  })
  t.teardown(() => control.close())
  return told
}

function kept(world: World): Record<string, unknown> {
  const folder = join(world.spool, 'suspended')
  return Object.fromEntries(
    readdirSync(folder).map((lane) => {
      const {
        v: _,
        lane: __,
        ...rest
      } = JSON.parse(readFileSync(join(folder, lane), 'utf8'))
      return [lane, rest]
    }),
  )
}

t.test('suspended, for a while and until it is resumed, and told twice', async (t) => {
  const world = await World.open(t, CRM)
  const first = await world.run('suspend', 'crm', '--for', '2h', '--why', 'their\nAPI')
  t.strictSame(first, {
    code: 0,
    out: 'crm suspended until 14:00 (2h)\n',
    err: `msgq: suspend: ${DOWN}`,
  })
  const by = kept(world)['crm'] as { by: string }
  t.match(by, { at: world.iso(), until: world.iso(2 * HOUR), why: 'their API' })
  const twice = await world.run('suspend', 'crm', '--for', '2h')
  t.equal(
    twice.out,
    `crm is suspended already, since 12:00 by ${by.by} until 14:00: their API\n`,
  )
  world.pass(HOUR)
  const longer = await world.run('suspend', 'crm')
  t.equal(
    longer.out,
    'crm suspended until it is resumed (msgq resume crm); before, until 14:00\n',
  )
  t.match(kept(world)['crm'], { at: world.iso(-HOUR), until: undefined, why: 'their API' })
  t.match((await world.run('suspend', 'crm')).out, /^crm is suspended already, since 12:00/)
  const resumed = await world.run('resume', 'crm')
  t.equal(resumed.out, `crm resumed, was suspended since 12:00 by ${by.by}: their API\n`)
  t.equal(resumed.err, `msgq: resume: ${DOWN}`)
  t.strictSame(await world.run('resume', 'crm'), {
    code: 0,
    out: 'crm is not suspended\n',
    err: '',
  })
  t.strictSame(kept(world), {})
})

t.test('lanes are named as people know them', async (t) => {
  const world = await World.open(t, CRM)
  const { code, out } = await world.run(
    ...[
      'suspend',
      'ops,https://api.example.com/x',
      '=api.example.com_443',
      'crm',
      '--json',
    ],
  )
  t.equal(code, 0)
  const lines = out.trim().split('\n')
  t.strictSame(
    lines.map((line) => JSON.parse(line).lane),
    ['ops', '=api.example.com_443', 'crm'],
  )
  t.match(JSON.parse(lines[0]!), { result: 'suspended', at: world.iso(), by: String })
  const all = await world.run('resume', 'ALL', '--json')
  t.equal(all.out.trim().split('\n').length, 3)
  t.match(JSON.parse(all.out.split('\n')[0]!), { result: 'resumed', was: { by: String } })
  t.equal((await world.run('resume', 'ALL')).out, 'no lane is suspended\n')
})

t.test('a lane that is meant wrongly is said, and nothing is done', async (t) => {
  const world = await World.open(t, CRM)
  for (const [words, error] of [
    [['suspend', 'crn'], /no such destination: "crn"\n {2}hint: did you mean crm\?/],
    [['suspend', 'ops', 'billing'], /"billing"\n {2}hint: there are crm, ops/],
    [['suspend', 'CRM'], /neither a destination nor a URL: "CRM"/],
    [['suspend', '_event'], /neither a destination nor a URL/],
    [['suspend', 'http://'], /neither a destination nor a URL/],
    [['suspend', 'crm,'], /neither a destination nor a URL: ""/],
    [['suspend', 'ALL'], /which lanes\?/],
    [['suspend', 'crm', '--for', '0s'], /--for: is no time at all/],
    [['suspend', 'crm', '--for', 'soon'], /--for: is no span of time/],
    [['suspend'], /missing required argument/],
    [['resume', 'opss'], /did you mean ops/],
    [['resume', 'ALL', 'crm'], /ALL: stands alone/],
  ] as const) {
    const { code, out, err } = await world.run(...words)
    t.equal(code, 64, words.join(' '))
    t.equal(out, '')
    t.match(err, error)
  }
  t.strictSame(kept(world), {})
})

t.test('a lane that is gone from the configuration can be resumed', async (t) => {
  const world = await World.open(t, CRM)
  await world.run('suspend', 'crm')
  world.configure('[destinations.ops]\ntype = "http"\nurl = "https://ops.example/"\n')
  t.match(await world.run('resume', 'crm'), { code: 0, out: /^crm resumed/ })
  world.configure('a broken = file')
  t.equal((await world.run('suspend', 'whatever')).code, 0, 'nobody knows what there is')
})

t.test('the daemon is told, and what it says is passed on', async (t) => {
  const world = await World.open(t, CRM)
  const suspended = { at: world.iso() }
  const told = await daemon(t, world, () => [{ lane: 'crm', active: 2, suspended }])
  const { out, err } = await world.run('suspend', 'crm')
  t.match(out, /; 2 under way go on to the end\n$/)
  t.equal(err, '')
  const json = await world.run('suspend', 'crm', '--json')
  t.match(JSON.parse(json.out), { result: 'already', active: 2 })
  t.strictSame(told, [{ lanes: ['crm'] }, { lanes: ['crm'] }])
})

t.test('what the daemon removed as over at that moment is written again', async (t) => {
  const world = await World.open(t, CRM)
  await world.run('suspend', 'crm', '--for', '1h')
  world.pass(HOUR)
  let times = 0
  const told = await daemon(t, world, () => {
    const suspended = { at: world.iso() }
    if (times++ > 0) return [{ lane: 'crm', active: 0, suspended }]
    void world.engine.resume('crm')
    return []
  })
  const { code } = await world.run('suspend', 'crm')
  t.equal(code, 0)
  t.equal(told.length, 2)
  t.match(kept(world), { crm: { at: world.iso() } })
})

t.test('a lane that its receiver closed says so when it is resumed', async (t) => {
  const world = await World.open(t, CRM)
  await world.run('suspend', 'crm')
  await daemon(t, world, () => [{ lane: 'crm', closedUntil: world.iso(HOUR) }])
  const { out } = await world.run('resume', 'crm')
  t.match(out, /; its receiver closed it until 13:00: msgq flush --to crm\n$/)
})

t.test('every screen shows it, until it is over', async (t) => {
  const world = await World.open(t, CRM)
  const id = await world.defer({ to: 'crm' }, HOUR)
  await world.send({ to: 'ops' })
  await world.run('suspend', 'crm', '--for', '2h', '--why', 'no money')
  const said =
    /crm is suspended since 12:00 by \S+ until 14:00: no money; .*msgq resume crm/
  const mailq = await world.run('mailq')
  t.match(mailq.out, new RegExp(`^${shortId(id)} .* suspended +crm`, 'm'))
  t.match(mailq.out, said)
  t.notMatch((await world.run('mailq', '--to', 'ops')).out, 'msgq resume')
  const status = await world.run('status')
  t.match(status.out, /^crm +suspended +- +0 +1 +in 2h$/m)
  t.match(status.out, said)
  const report = JSON.parse((await world.run('status', '--json')).out)
  t.match(report.lanes, [
    {
      lane: 'crm',
      state: 'suspended',
      suspended: { at: world.iso(), until: world.iso(2 * HOUR), why: 'no money' },
    },
    { lane: 'ops', suspended: undefined },
  ])
  const show = await world.run('show', id)
  t.match(show.out, /deferred, waits because crm is suspended since 12:00/)
  t.match(show.out, /msgq resume crm$/m)
  world.at(NOON + 2 * HOUR)
  for (const words of [['mailq'], ['status'], ['show', id]])
    t.notMatch((await world.run(...words)).out, /suspended/, words.join(' '))
})

t.test('a flush says what a suspended lane makes of it', async (t) => {
  const world = await World.open(t, CRM)
  await world.defer({ to: 'crm' }, HOUR)
  await world.run('suspend', 'crm')
  const still =
    /crm is suspended, and nothing goes out there until it is resumed: msgq resume crm/
  for (const words of [['--to', 'crm'], [], ['--to', 'crm,ops']]) {
    const { code, err } = await world.run('flush', ...words)
    t.equal(code, 0)
    t.match(err, still, words.join(' '))
  }
  t.notMatch((await world.run('flush', '--to', 'ops')).err, /suspended/)
  t.equal(world.files('incoming').length, 1, 'it is in front all the same')
})
