/**
 * status - one page of everything, with the daemon up, down, and not well.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { VERSION } from '../../src/base/version.ts'
import { loadConfig } from '../../src/config/load.ts'
import { publishLimits } from '../../src/config/limits.ts'
import { Control } from '../daemon/fake-control.ts'
import type { DaemonStatus } from '../../src/delivery/status.ts'
import { Lock } from '../../src/queue/spool/lock.ts'
import { Layout } from '../../src/queue/spool/layout.ts'
import { asNobody } from '../config/machine.ts'
import { HOUR, MINUTE, NOON, World, screen } from './world.ts'
import type { Ran } from './world.ts'

const OPS = '[destinations.ops]\ntype = "http"\nurl = "https://ops.example/in"\n'

/** A daemon that says this of itself. */
async function daemonUp(t: Test, world: World, more: Partial<DaemonStatus> = {}) {
  const none = {
    delivered: 0,
    deleted: 0,
    expanded: 0,
    deferred: 0,
    postponed: 0,
    bounced: 0,
    held: 0,
    released: 0,
  }
  const status: DaemonStatus = {
    version: VERSION,
    pid: 812,
    spool: world.spool,
    startedAt: new Date(NOON - 49 * HOUR).toISOString(),
    configAt: new Date(NOON - 8 * HOUR).toISOString(),
    configFiles: ['/etc/msgq/msgq.toml'],
    destinations: ['ops', 'crm', 'pager'],
    inFlight: 0,
    recent: none,
    total: none,
    lanes: [],
    troubles: [],
    ...more,
  }
  const routes = { 'GET /v1/status': () => ({ status: 200, body: status }) }
  const control = await Control.open(world.spool, routes)
  t.teardown(() => control.close())
}

/** The page without what differs from machine to machine. */
function page(world: World, { out }: Ran): string {
  return out
    .replaceAll(world.folder, '')
    .replace(/[\d.]+ \w+ free \(\d+ %\)/, 'N free (P %)')
    .replaceAll(VERSION, '9.9.9')
}

t.test('a daemon that is well', async (t) => {
  const world = await World.open(t)
  await daemonUp(t, world, {
    configFiles: [],
    lanes: [{ lane: 'pager', window: 20, active: 2 }],
    inFlight: 2,
  })
  const ran = await world.run('status')
  t.equal(ran.code, 0)
  t.equal(
    page(world, ran),
    screen(`
      msgqd 9.9.9   running 2d 1h (pid 812), no configuration, all defaults of 04:00
      spool         /spool, 0 messages, N free (P %)
      queue         0 incoming  0 active  0 deferred  0 hold  0 bounce  0 corrupt
      last 5 min    0 delivered  0 deferred  0 bounced  0 held

      LANE   STATE  WINDOW  ACTIVE  WAITING  NEXT
      pager  open       20       2        0  -
    `),
  )
})

t.test('a daemon with all the trouble there is', async (t) => {
  const world = await World.open(t)
  world.at(NOON - 5 * HOUR - 12 * MINUTE)
  await world.defer({ to: 'crm' }, 6 * HOUR)
  await world.defer({ to: 'crm' }, 7 * HOUR)
  world.at(NOON - 3 * HOUR)
  await world.bounce({ to: 'ops' })
  await world.bounce({ to: 'ops' })
  await world.send({ to: 'crm-old' })
  writeFileSync(join(world.spool, 'corrupt/x'), '')
  world.at(NOON)
  await world.defer({ to: 'ops' }, 14 * MINUTE)
  const recent = {
    delivered: 38,
    deleted: 0,
    expanded: 0,
    deferred: 1,
    postponed: 2,
    bounced: 2,
    held: 0,
    released: 0,
  }
  await daemonUp(t, world, {
    version: '0.0.9',
    recent,
    lanes: [
      {
        lane: 'crm',
        window: 5,
        active: 1,
        closedUntil: world.iso(HOUR),
        why: '429 Too Many Requests: "slow down"',
      },
    ],
    troubles: [{ at: world.iso(-HOUR), message: 'incoming/x: permission denied\u001b[2J' }],
  })
  const ran = await world.run('status')
  t.equal(ran.code, 0)
  t.equal(
    page(world, ran),
    screen(`
      msgqd 0.0.9   running 2d 1h (pid 812), configuration of 04:00
      spool         /spool, 7 messages, N free (P %)
      queue         1 incoming  0 active  3 deferred  0 hold  2 bounce!  1 corrupt!
      last 5 min    38 delivered  1 deferred  2 bounced  0 held
      oldest        waits for 5h 12m

      LANE     STATE    WINDOW  ACTIVE  WAITING  NEXT
      crm      closed        5       1        1  in 1h
      crm-old  unknown       -       0        1  no such destination
      ops      open          -       0        1  in 14m

      ! 11:00 incoming/x: permission denied [2J
      ! msgqd is 0.0.9, this is 9.9.9:  systemctl restart msgq
      ! crm is closed until 13:00 (429 Too Many Requests: "slow down"); to try at once:  msgq flush --to crm
      ! 1 for crm-old, which the configuration does not know:  msgq mailq --to crm-old
      ! 2 bounced since 09:00:  msgq mailq --state bounce
      ! 1 put aside in corrupt:  msgq mailq --state corrupt
    `),
  )
})

t.test('lanes in each of their states, and at rest', async (t) => {
  const world = await World.open(t)
  world.configure(
    `[lane]\nwindow = [3, 9]\n${OPS}lane = { rate = "1/s" }\n[destinations.crm]\ntype = "http"\nurl = "http://x"\nlane = { window = 4 }\n`,
  )
  await publishLimits(world.spool, loadConfig(world.environment, {}), world.clock.now())
  for (const to of ['ops', 'crm']) await world.defer({ to }, HOUR)
  await world.send({ to: 'http://h.example/x' })
  const why = '503 Service Unavailable, 5 in a row'
  await daemonUp(t, world, {
    destinations: ['ops', 'crm', 'up', 'back'],
    lanes: [
      { lane: 'up', state: 'open', window: 7, limit: 20, active: 2, rate: '10/s' },
      { lane: 'back', state: 'probing', window: 1, limit: 20, active: 1, why },
    ],
  })
  const ran = await world.run('status')
  t.match(
    ran.out,
    screen(`
      LANE           STATE      WINDOW  ACTIVE  WAITING  NEXT
      =h.example_80  open          3/9       0        1  due
      back           probing      1/20       1        0  one is out as a probe
        (503 Service Unavailable, 5 in a row)
      crm            open            4       0        1  in 1h
      ops            open 1/s      3/9       0        1  in 1h
      up             open 10/s    7/20       2        0  -
    `),
  )
  t.match(JSON.parse((await world.run('status', '--json')).out), {
    lanes: [
      { lane: '=h.example_80', window: 3, limit: 9 },
      { lane: 'back', state: 'probing', window: 1, limit: 20, why },
      { lane: 'crm', window: 4, limit: 4 },
      { lane: 'ops', state: 'open', rate: '1/s' },
      { lane: 'up', rate: '10/s' },
    ],
  })
})

t.test(
  'without a daemon the page is printed from the spool, and ends with 69',
  async (t) => {
    const world = await World.open(t, OPS)
    await world.send({ to: 'ops' })
    await world.defer({ to: 'crm-old' }, HOUR)
    const ran = await world.run('status')
    t.equal(ran.code, 69)
    t.equal(
      page(world, ran),
      screen(`
      msgqd         not running
      spool         /spool, 2 messages, N free (P %)
      queue         1 incoming  0 active  1 deferred  0 hold  0 bounce  0 corrupt
      oldest        waits for 0s

      LANE     STATE    WINDOW  ACTIVE  WAITING  NEXT
      crm-old  unknown       -       0        1  no such destination
      ops      -             -       0        1  due

      ! msgqd is not running: nothing is being delivered:  systemctl start msgq
      ! 1 for crm-old, which the configuration does not know:  msgq mailq --to crm-old
    `),
    )
  },
)

t.test('a broken configuration does not keep the page from being printed', async (t) => {
  const world = await World.open(t, 'retry = nonsense')
  await world.send({ to: 'ops' })
  const ran = await world.run('status')
  t.equal(ran.code, 69)
  t.match(ran.out, /^ops {3}- /m, 'and nothing is said of destinations that nobody knows')
})

t.test('JSON has the same, for machines', async (t) => {
  const world = await World.open(t)
  await world.defer({ to: 'ops' }, HOUR)
  const down = JSON.parse((await world.run('status', '--json')).out) as object
  t.match(down, {
    daemon: { up: false },
    spool: { path: world.spool, free: Number, total: Number },
    states: { incoming: 0, active: 0, deferred: 1, hold: 0, bounce: 0, corrupt: 0 },
    oldestAt: world.iso(),
    lanes: [{ lane: 'ops', state: 'unknown', active: 0, waiting: 1, due: world.iso(HOUR) }],
    advice: [{ what: /not running/, command: 'systemctl start msgq' }, { what: /ops/ }],
  })
  t.notOk('rates' in down, 'absent is absent')
  await daemonUp(t, world)
  const { code, out } = await world.run('status', '--json')
  t.equal(code, 0)
  t.match(JSON.parse(out), {
    daemon: { up: true, version: VERSION, pid: 812, startedAt: world.iso(-49 * HOUR) },
    rates: { delivered: 0, deferred: 0, bounced: 0, held: 0, windowMs: 300_000 },
    lanes: [{ lane: 'ops', state: 'open', waiting: 1 }],
    advice: [],
  })
})

t.test('a daemon that answers nonsense is as good as none', async (t) => {
  const world = await World.open(t)
  const control = await Control.open(world.spool, {
    'GET /v1/status': () => ({ status: 500, body: { error: 'x' } }),
  })
  t.teardown(() => control.close())
  const ran = await world.run('status')
  t.equal(ran.code, 69)
  t.match(ran.out, /^msgqd {9}does not answer$/m)
  t.match(ran.out, '! msgqd: answers its status with 500:  systemctl status msgq\n')
})

t.test('who may not ask the daemon is told so', async (t) => {
  const world = await World.open(t)
  await daemonUp(t, world)
  for (const folder of [
    '',
    'incoming',
    'active',
    'deferred',
    'hold',
    'bounce',
    'corrupt',
    'run',
  ])
    chmodSync(join(world.spool, folder), 0o755)
  chmodSync(join(world.spool, 'run/control.sock'), 0o600)
  const ran = await asNobody(() => world.run('status'))
  t.equal(ran.code, 77)
  t.match(ran.out, /^! msgqd: its socket .*permission denied/m)
})

t.test('msgqd --once serves without a socket, and serves', async (t) => {
  const world = await World.open(t)
  const lock = await Lock.take(new Layout(world.spool), world.clock)
  t.teardown(() => lock.release())
  const ran = await world.run('status')
  t.equal(ran.code, 0)
  t.match(
    ran.out,
    `msgqd         running 0s (pid ${process.pid} on ${hostname()}), without a control socket\n`,
  )
  t.notMatch((await world.run('mailq')).out, 'not running')
})

t.test('a configuration that changed since it was read is pointed out', async (t) => {
  const world = await World.open(t)
  const file = world.configure(OPS)
  const config = loadConfig(world.environment, {})
  await publishLimits(world.spool, config, world.clock.now())
  await daemonUp(t, world)
  t.notMatch((await world.run('status')).out, /^! .*changed/m)
  rmSync(file)
  world.configure(`${OPS}# more\n`)
  t.match(
    (await world.run('status')).out,
    '! the configuration changed since msgqd read it:  msgq check && msgq reload\n',
  )
})

t.test('a disk that is almost full is pointed out', async (t) => {
  const world = await World.open(t)
  world.configure('[send]\nmin_free = "1000000GiB"\n')
  const config = loadConfig(world.environment, {})
  await publishLimits(world.spool, config, world.clock.now())
  t.match(
    (await world.run('status')).out,
    /^! .* free, less than min_free: msgq send refuses messages: {2}msgq check$/m,
  )
})

t.test('a spool that is not there is 69, and one that is not ours 77', async (t) => {
  const world = await World.open(t)
  const absent = join(world.folder, 'absent')
  mkdirSync(absent)
  const missing = await world.run('status', '--spool', absent)
  t.equal(missing.code, 69)
  t.match(
    missing.err,
    `msgq: status: msgqd is not running; spool: ${absent} is not there or`,
  )
  chmodSync(world.spool, 0o700)
  t.equal((await asNobody(() => world.run('status'))).code, 77)
})

t.test('a terminal sees fifty lanes, a pipe all of them', async (t) => {
  const world = await World.open(t)
  for (let n = 0; n < 53; n++) await world.send({ to: `lane-${n}` })
  const { out } = await world.runOn({ columns: 200 }, 'status')
  t.equal(out.match(/^lane-\d+ /gm)?.length, 50)
  t.match(out, '... 3 more: msgq status --json\n')
  t.equal((await world.run('status')).out.match(/^lane-\d+ /gm)?.length, 53)
})

t.test('with bounds it is one line for a monitoring system', async (t) => {
  const world = await World.open(t, OPS)
  await world.bounce({ to: 'ops' })
  await world.bounce({ to: 'ops' })
  await world.defer({ to: 'ops' }, HOUR)
  world.pass(2 * HOUR)
  const check = async (...argv: string[]) => {
    const { code, out, err } = await world.run('status', ...argv)
    t.equal(err, '')
    t.match(out, /^MSGQ [A-Z]+ - [^|\n]+( \| [^|\n]+)?\n$/)
    return [code, out.replace(/free=\d+B/, 'free=NB')] as const
  }
  const down = await check('--warn', 'deferred=50')
  t.equal(down[0], 2)
  t.match(down[1], /^MSGQ CRITICAL - msgqd is not running \| /)
  await daemonUp(t, world)
  t.strictSame(await check('--warn', 'deferred=50,oldest=3h', '--crit', 'bounce=200'), [
    0,
    'MSGQ OK - 1 waiting, 2 in bounce, msgqd runs | incoming=0 active=0 deferred=1;50 hold=0 bounce=2;;200 corrupt=0 waiting=1 closed=0 oldest=7200s;10800 free=NB\n',
  ])
  t.match(await check('--warn', 'deferred=0,oldest=1h', '--crit', 'bounce=2'), [
    1,
    /^MSGQ WARNING - 1 deferred \(over 0\), oldest waits for 2h \(over 1h\) \| /,
  ])
  t.match(await check('--warn', 'bounce=0', '--warn', 'oldest=1h', '--crit', 'bounce=1'), [
    2,
    /^MSGQ CRITICAL - 2 bounce \(over 1\), oldest waits for 2h \(over 1h\) \| .* bounce=2;0;1 /,
  ])
  t.match(await check('--crit', 'free=900000GiB'), [
    2,
    /free \(less than .*\) \| .* free=NB;;\d+:\n$/,
  ])
  for (const [bounds, why] of [
    ['deferd=5', /did you mean deferred\?/],
    ['deferred', /is no bound: "deferred"/],
    ['deferred=many', /--warn: deferred: is no number: "many"/],
    ['oldest=5', /oldest: is no span of time: "5"/],
    ['free=x', /free: is no size: "x"/],
  ] as const) {
    const [code, line] = await check('--warn', bounds)
    t.equal(code, 3, bounds)
    t.match(line, /^MSGQ UNKNOWN - /)
    t.match(line, why)
  }
  const nowhere = await check('--warn', 'bounce=1', '--spool', '/no/such/spool')
  t.equal(nowhere[0], 3)
  t.equal((await world.run('status', '--warn', 'bounce=1', '--json')).code, 64)
})

t.test('closed lanes can be bound', async (t) => {
  const world = await World.open(t, OPS)
  const closedUntil = new Date(NOON + MINUTE).toISOString()
  await daemonUp(t, world, { lanes: [{ lane: 'ops', window: 0, active: 0, closedUntil }] })
  const { code, out } = await world.run('status', '--crit', 'closed=0')
  t.equal(code, 2)
  t.match(out, /^MSGQ CRITICAL - 1 closed lanes \(over 0\) \| /)
})
