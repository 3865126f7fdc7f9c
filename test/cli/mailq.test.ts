/**
 * mailq - the screen that operators live in: whole screens over spools of the real engine.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'

import { Control } from '../daemon/fake-control.ts'
import { formatName } from '../../src/queue/spool/name.ts'
import { asNobody } from '../config/machine.ts'
import { HOUR, MINUTE, NOON, World, screen } from './world.ts'

const OPS = '[destinations.ops]\ntype = "http"\nurl = "https://ops.example/in"\n'
const CRM = '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/in"\n'
const DOWN = '! msgqd is not running: nothing is being delivered'

/** One message of each kind, as on a bad morning. */
async function badMorning(t: Test): Promise<World> {
  const world = await World.open(t, OPS + CRM)
  world.at(NOON - 5 * HOUR)
  await world.defer({ to: 'crm', subject: 'user.created' }, 5 * HOUR + 50 * MINUTE, {
    reason: 'no answer in 10s',
  })
  world.at(NOON - 3 * HOUR)
  await world.bounce({ to: 'crm' })
  const held = await world.send({ to: 'crm', subject: 'invoice.paid' })
  await world.engine.act('hold', { ids: [held] }, { by: 'alice', reason: 'wrong totals' })
  world.at(NOON - 2 * HOUR)
  await world.defer({ to: 'ops', subject: 'Backup failed on db1' }, 2 * HOUR + 14 * MINUTE)
  world.at(NOON - 4_000)
  await world.send({ to: 'ops', subject: 'db1 is down' })
  await world.claim('ops')
  world.at(NOON)
  return world
}

t.test('a queue with nothing in it says so, and that nobody delivers', async (t) => {
  const world = await World.open(t)
  t.same(await world.run('mailq'), { code: 0, out: `0 messages\n${DOWN}\n`, err: '' })
  t.same(await world.run('list'), await world.run('mailq'), 'list is its other name')
})

t.test('what waits is listed by its next attempt, with the reason below', async (t) => {
  const world = await badMorning(t)
  const { out } = await world.run('mailq')
  t.equal(
    out,
    screen(`
      ID        STATE     SIZE  AGE  TRIES  NEXT    TO   SUBJECT
      00000005  active     257   4s      0  now     ops  db1 is down
      00000004  deferred   481   2h      1  in 14m  ops  Backup failed on db1
                (503 Service Unavailable: "upstream down", 1h ago)
      00000001  deferred   447   5h      1  in 50m  crm  user.created
                (no answer in 10s, 4h ago)
      00000003  hold       342   3h      0  -       crm  invoice.paid
                (held by alice 09:00: "wrong totals")

      4 messages, 1.5 KiB: 0 incoming, 1 active, 2 deferred, 1 hold
      ! 1 in bounce since 09:00: msgq mailq --state bounce
      ${DOWN}
    `),
  )
})

t.test('equal reasons in a row are said once, below the last of them', async (t) => {
  const world = await World.open(t, OPS)
  for (const minutes of [1, 2, 3]) await world.defer({ to: 'ops' }, minutes * MINUTE)
  await world.send({ to: 'ops', notBefore: world.iso(4 * MINUTE) })
  await world.engine.claim({ room: () => 0, max: 1 })
  await world.defer({ to: 'ops' }, 5 * MINUTE)
  const { out } = await world.run('mailq')
  t.equal(
    out.split('\n\n')[0],
    screen(`
      ID        STATE     SIZE  AGE  TRIES  NEXT   TO   SUBJECT
      00000001  deferred   448   0s      1  in 1m  ops
      00000002  deferred   448   0s      1  in 2m  ops
      00000003  deferred   448   0s      1  in 3m  ops
                (these 3: 503 Service Unavailable: "upstream down", 0s ago)
      00000004  deferred   272   0s      0  in 4m  ops
      00000005  deferred   448   0s      1  in 5m  ops
                (503 Service Unavailable: "upstream down", 0s ago)
    `).trimEnd(),
  )
})

t.test('without reasons no file is opened, and no size or subject is known', async (t) => {
  const world = await badMorning(t)
  const [list, count, ids] = [['--names'], ['--count'], ['--ids']]
  const before = await Promise.all(
    [list, count, ids].map((it) => world.run('mailq', ...it)),
  )
  t.equal(
    before[0]!.out,
    screen(`
      ID        STATE     AGE  TRIES  NEXT    TO
      00000005  active     4s      0  now     ops
      00000004  deferred   2h      1  in 14m  ops
      00000001  deferred   5h      1  in 50m  crm
      00000003  hold       3h      0  -       crm

      4 messages: 0 incoming, 1 active, 2 deferred, 1 hold
      ! 1 in bounce since 09:00: msgq mailq --state bounce
      ${DOWN}
    `),
  )
  t.equal(before[1]!.out, '4\n')
  t.same(
    before[2]!.out.split('\n').map((id) => id.slice(-8)),
    ['00000005', '00000004', '00000001', '00000003', ''],
  )
  for (const state of ['active', 'deferred', 'hold'] as const)
    for (const file of world.files(state))
      writeFileSync(join(world.spool, state, file), 'these bytes are no message')
  const after = await Promise.all([list, count, ids].map((it) => world.run('mailq', ...it)))
  t.same(after, before, 'whatever the files hold')
})

t.test('a list is sorted by what is asked for, the worst first', async (t) => {
  const world = await badMorning(t)
  const order = async (...argv: string[]) => {
    const { out, code } = await world.run('mailq', 'ALL', '--ids', ...argv)
    t.equal(code, 0)
    return out
      .trimEnd()
      .split('\n')
      .map((id) => id.slice(-1))
      .join('')
  }
  t.equal(await order(), '54132')
  t.equal(await order('--sort', 'age'), '12345')
  t.equal(await order('--sort', 'age', '--reverse'), '54321')
  t.equal(await order('--sort', 'age', '--limit', '2'), '12', 'the limit is of the sorted')
  t.equal((await order('--sort', 'tries')).slice(-2), '35', 'what was not tried is last')
  t.equal((await order('--sort', 'to')).slice(-2), '54')
  t.equal((await order('--sort', 'state'))[0], '5')
  const { out } = await world.run('mailq', 'ALL', '--json', '--sort', 'size')
  const sizes = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { size: number }).size)
  t.strictSame(
    sizes,
    sizes.toSorted((a, b) => b - a),
  )
  t.equal(new Set(sizes).size > 1, true)
  t.equal((await world.run('mailq', '--sort', 'sise')).code, 64)
})

t.test('a count is of any selection, up to its limit', async (t) => {
  const world = await badMorning(t)
  const count = async (...argv: string[]) =>
    (await world.run('mailq', '--count', ...argv)).out.trimEnd()
  t.equal(await count('--to', 'crm', '--state', 'deferred,bounce'), '2')
  t.equal(await count('--to', 'crm', '--state', 'bounce,deferred', '--limit', '1'), '1')
  t.equal(await count('--reason', '503'), '1')
  t.equal(await count('--to', 'nobody'), '0')
  t.same(JSON.parse(await count('ALL', '--to', 'crm', '--json')), {
    count: 3,
    states: { deferred: 1, hold: 1, bounce: 1 },
  })
})

t.test('what leads nowhere says so instead of a time', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'crm-old' }, HOUR)
  await world.send({ event: 'user.created' })
  await world.send({ to: 'https://hooks.example/T0/B1/s3cret' })
  const { out } = await world.run('mailq', '--names')
  t.match(out, /^00000001 {2}deferred .* no such destination {2}crm-old$/m)
  t.match(out, /^00000002 {2}incoming .* due {2,}_event$/m)
  t.match(out, /^00000003 {2}incoming .* due {2,}=hooks\.example_443$/m)
})

t.test('a URL is cut to its first segment', async (t) => {
  const world = await World.open(t)
  await world.send({ to: 'https://hooks.example/T0/B1/s3cret?key=s3cret' })
  for (const flags of [[], ['--json']]) {
    const { out } = await world.run('mailq', ...flags)
    t.match(out, 'https://hooks.example/T0/...')
    t.notMatch(out, 's3cret')
  }
})

t.test('a lane that its receiver closed puts its messages off', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, MINUTE)
  const status = {
    destinations: ['ops'],
    lanes: [{ lane: 'ops', window: 5, active: 0, closedUntil: world.iso(HOUR) }],
  }
  const control = await Control.open(world.spool, {
    'GET /v1/status': () => ({ status: 200, body: status }),
  })
  t.teardown(() => control.close())
  const { out } = await world.run('mailq')
  t.match(out, /^00000001 {2}deferred .* in 1h /m)
  t.notMatch(out, DOWN)
})

function footer(out: string): string[] {
  return out.split('\n').filter((line) => /messages?[,:]/.test(line))
}

t.test('selectors and ids choose, and the footer counts what was chosen', async (t) => {
  const world = await badMorning(t)
  t.same(footer((await world.run('mailq', '--to', 'crm')).out), [
    '2 messages, 789 B: 0 incoming, 0 active, 1 deferred, 1 hold',
  ])
  const bounced = await world.run('mailq', '--state', 'bounce')
  t.equal(
    bounced.out,
    screen(`
      ID        STATE   SIZE  AGE  TRIES  NEXT  TO   SUBJECT
      00000002  bounce   390   3h      1  -     crm
                (404 Not Found, 2h ago)

      1 message, 390 B: 1 bounce
      ${DOWN}
    `),
    'and bounce is not named again below',
  )
  t.match((await world.run('mailq', '--limit', '2', '--names')).out, /^2 messages: /m)
  const named = await world.run('mailq', '00000002', '00000003')
  t.match(
    named.out,
    /^2 messages.* 1 hold, 1 bounce, 0 corrupt$/m,
    'ids are found anywhere',
  )
})

t.test('an id that no message has is said after the others were listed', async (t) => {
  const world = await badMorning(t)
  const ran = await world.run('mailq', '--ids', '00000001', '0000000Z')
  t.equal(ran.code, 66)
  t.match(ran.out, /00000001\n$/)
  t.equal(ran.err.split('\n')[0], 'msgq: mailq: no such message: 0000000Z')
})

t.test('a line of JSON says what is known, and absent is absent', async (t) => {
  const world = await World.open(t, OPS)
  const id = await world.defer({ to: 'ops', subject: 'x', level: 'error' }, HOUR)
  const bare = await world.send({ to: 'ops', expiresAt: world.iso(HOUR) })
  const lines = (await world.run('mailq', '--json')).out.trim().split('\n')
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const sender = { uid: 1000, user: 'ann', host: 'web1' }
  t.same(first, {
    id: bare,
    state: 'incoming',
    to: 'ops',
    lane: 'ops',
    size: first!['size'],
    createdAt: world.iso(),
    due: world.iso(),
    expiresAt: world.iso(HOUR),
    tries: 0,
    sender,
  })
  t.same(second, {
    id,
    state: 'deferred',
    to: 'ops',
    lane: 'ops',
    subject: 'x',
    level: 'error',
    size: second!['size'],
    createdAt: world.iso(),
    due: world.iso(HOUR),
    tries: 1,
    sender,
    last: {
      at: world.iso(),
      outcome: 'deferred',
      fault: 'receiver',
      status: 503,
      reason: '503 Service Unavailable: "upstream down"',
      ms: 31,
    },
  })
  t.same(JSON.parse((await world.run('mailq', '--json', '--count')).out), {
    count: 2,
    states: { incoming: 1, deferred: 1 },
  })
})

t.test('a terminal gets a thousand, and how many more there are', async (t) => {
  const world = await World.open(t)
  for (let n = 0; n < 1_003; n++) {
    const id = `01K${String(n).padStart(23, '0')}`
    const name = formatName({ due: NOON + n, tries: 0, id, lane: 'ops' })
    writeFileSync(join(world.spool, 'deferred', name), '')
  }
  const { out } = await world.runOn({ columns: 200 }, 'mailq', '--names')
  t.equal(out.match(/^\d{8} {2}deferred/gm)?.length, 1_000)
  t.match(out, /^\.\.\. 3 more$/m)
  t.match(out, /^1003 messages: 0 incoming, 0 active, 1003 deferred, 0 hold$/m)
  const piped = await world.run('mailq', '--names')
  t.equal(piped.out.match(/^\d{8} {2}deferred/gm)?.length, 1_003)
  t.notMatch(piped.out, 'more')
})

t.test('a terminal gets colours and no line beyond its edge', async (t) => {
  const world = await badMorning(t)
  const { out } = await world.runOn({ columns: 50 }, 'mailq')
  t.match(out, '\u001b[1mID        STATE', 'bold heads')
  t.match(out, '\u001b[31m! 1 in bounce', 'red alarms')
  // eslint-disable-next-line no-control-regex
  const bare = out.replaceAll(/\u001b\[\d+m/g, '')
  const [alarms, lines] = [true, false].map((is) =>
    bare.split('\n').filter((line) => line.startsWith('! ') === is),
  )
  t.equal(Math.max(...lines!.map((line) => line.length)), 50)
  t.match(alarms, [/: msgq mailq --state bounce$/, /! msgqd is not running/], 'never cut')
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }] as Record<string, string>[])
    t.equal((await world.runOn({ columns: 50, env }, 'mailq')).out, bare)
  t.notMatch((await world.run('mailq')).out, '\u001b')
})

t.test('what strangers wrote cannot move the cursor or forge a row', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops', subject: 'a\u202eb\u2028c' }, HOUR, {
    reason: '503 \u001b[2J\u009b31m\nR7T8Y9V0  active',
  })
  const { out } = await world.run('mailq')
  t.match(out, 'ops  a b c\n')
  t.match(out, '(503  [2J 31m R7T8Y9V0  active, 0s ago)\n')
  const { out: json } = await world.run('mailq', '--json')
  // eslint-disable-next-line no-control-regex
  t.notMatch(json.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u2028\u202e]/)
  t.match(JSON.parse(json), { subject: 'a\u202eb\u2028c' }, 'and nothing is lost')
})

t.test('a message that proves to be none shows why', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  writeFileSync(world.fileIn('deferred'), 'nonsense')
  const { out } = await world.run('mailq')
  t.match(out, /^00000001 {2}deferred {5}8 .*\n {10}\(has no envelope line\)$/m)
})

t.test('a file that is not ours to read hides no other', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops', subject: 'locked' }, HOUR)
  const locked = world.fileIn('deferred')
  await world.defer({ to: 'ops', subject: 'open' }, 2 * HOUR)
  for (const folder of ['', 'incoming', 'active', 'deferred', 'hold', 'bounce', 'corrupt'])
    chmodSync(join(world.spool, folder), 0o755)
  for (const file of world.files('deferred'))
    chmodSync(join(world.spool, 'deferred', file), 0o644)
  chmodSync(locked, 0o000)
  const { code, out } = await asNobody(() => world.run('mailq'))
  t.equal(code, 0)
  t.match(out, '(cannot be read: permission denied)')
  t.match(out, /^00000002 .* open$/m)
})

t.test('a spool that is not there, is none, or is not ours is one line', async (t) => {
  const world = await World.open(t)
  const absent = join(world.folder, 'absent')
  const missing = await world.run('mailq', '--spool', absent)
  t.same(missing, {
    code: 66,
    out: '',
    err:
      `msgq: mailq: spool: ${absent} is not there or not a spool (no incoming/)\n` +
      '  hint: msgqd makes it when it starts; --spool or MSGQ_SPOOL names another\n',
  })
  mkdirSync(absent)
  t.equal((await world.run('mailq', '--spool', absent)).code, 66, 'a folder is no spool')
  const file = join(world.folder, 'file')
  writeFileSync(file, '')
  t.equal((await world.run('mailq', '--spool', file)).code, 66, 'nor is a file')
  chmodSync(join(world.spool, 'hold'), 0o700)
  const closed = await asNobody(() => world.run('mailq'))
  t.equal(closed.code, 77)
  t.match(closed.err, /^msgq: mailq: spool: .*: permission denied\n {2}hint: run as /)
})

t.test('options that exclude each other are a usage error', async (t) => {
  const world = await World.open(t)
  const pairs = [
    ['--ids', '--json'],
    ['--ids', '--count'],
    ['--state', 'defered'],
    ['--limit', 'x'],
  ]
  for (const pair of pairs) {
    const ran = await world.run('mailq', ...pair)
    t.equal(ran.code, 64, pair.join(' '))
    t.equal(ran.out, '')
    t.match(ran.err, /^msgq: mailq: .*\n {2}hint: |^msgq: mailq: [^\n]*\n$/)
  }
})
