/**
 * log - what happened, for a person at 3 a.m. and for a program.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import type { JournalLine } from '../../src/message/journal-line.ts'
import { HOUR, MINUTE, NOON, World, screen } from './world.ts'

const DAY = 24 * HOUR

/** Two days: one message is delivered, one bounces, one waits and one is deleted. */
async function story(t: Parameters<typeof World.open>[0]) {
  const world = await World.open(t)
  const tell = (line: Partial<JournalLine> & Pick<JournalLine, 'id' | 'event'>) =>
    world.engine.note({ at: world.iso(), lane: 'ops', ...line })
  world.at(NOON - DAY)
  const good = await world.send({ to: 'ops' })
  await world.deliver(await world.claim('ops'), { to: 'ops', try: 1, ms: 12, ageMs: 30 })
  const bad = await world.bounce({ to: 'crm' })
  tell({
    id: bad,
    event: 'bounced',
    lane: 'crm',
    to: 'crm',
    try: 1,
    status: 404,
    reason: '404 Not Found',
    ms: 31,
  })
  world.at(NOON - 5 * MINUTE)
  const waits = await world.defer({ to: 'ops' }, HOUR)
  tell({ id: waits, event: 'deferred', try: 1, reason: '503', due: world.iso(HOUR) })
  const gone = await world.send({ to: 'crm', key: 'k' })
  await world.engine.act('delete', { ids: [gone] }, { by: 'ann', reason: 'twice' })
  await world.engine.noted()
  world.at(NOON)
  return { world, good, bad, waits, gone }
}

/** The ids and events that were printed. */
async function told(world: World, ...argv: string[]): Promise<string[]> {
  const { out, err } = await world.run('log', '--json', ...argv)
  if (err !== '') throw new Error(err)
  return out
    .split('\n')
    .slice(0, -1)
    .map((row) => JSON.parse(row) as JournalLine)
    .map(({ id, event }) => `${id.slice(-1)} ${event}`)
}

const ALL = [
  '1 queued',
  '1 delivered',
  '2 queued',
  '2 bounced',
  '3 queued',
  '3 deferred',
  '4 deleted',
]

t.test('a line has the time, the short id, the event and the rest', async (t) => {
  const { world } = await story(t)
  const { code, out } = await world.run('log')
  t.equal(code, 0)
  t.equal(
    out,
    screen(`
      Nov 19 12:00:00 00000001 queued to=ops age=0ms by=ann
      Nov 19 12:00:00 00000001 delivered to=ops try=1 age=30ms ms=12
      Nov 19 12:00:00 00000002 queued to=crm age=0ms by=ann
      Nov 19 12:00:00 00000002 bounced to=crm try=1 status=404 ms=31 (404 Not Found)
      11:55:00 00000003 queued to=ops age=0ms by=ann
      11:55:00 00000003 deferred to=ops try=1 next=1h (503)
      11:55:00 00000004 deleted to=crm by=ann (twice)
    `),
  )
})

t.test("journalctl's flags mean what they mean there", async (t) => {
  const { world, good } = await story(t)
  t.strictSame(await told(world), ALL)
  t.strictSame(await told(world, '-n', '2'), ALL.slice(-2))
  t.strictSame(await told(world, '-n'), ALL)
  t.strictSame(await told(world, '-n', 'all'), ALL)
  t.strictSame(await told(world, '-n', '0'), [])
  t.strictSame(await told(world, '-r'), ALL.toReversed())
  t.strictSame(await told(world, '-r', '-n', '2'), ALL.slice(-2).toReversed())
  t.strictSame(await told(world, '--since', '11:00'), ALL.slice(4))
  t.strictSame(await told(world, '--until', '2026-11-20'), ALL.slice(0, 4))
  t.strictSame(await told(world, '--since', '12:00'), [])
  t.strictSame(await told(world, '--to', 'crm'), ['2 queued', '2 bounced', '4 deleted'])
  t.strictSame(await told(world, '--to', 'crm,ops'), ALL)
  t.strictSame(await told(world, '--outcome', 'bounced,deleted'), [
    '2 bounced',
    '4 deleted',
  ])
  t.strictSame(await told(world, '--outcome', 'bounced', '--to', 'ops'), [])
  t.strictSame(await told(world, good.slice(-8)), ALL.slice(0, 2))
  rmSync(join(world.spool, 'log'), { recursive: true })
  t.strictSame(await told(world), [], 'no journal is no fault')
})

t.test('what cannot be meant is said', async (t) => {
  const { world } = await story(t)
  for (const [argv, wanted] of [
    [['--outcome', 'bounce'], /no such event: "bounce"\n {2}hint: did you mean bounced\?/],
    [['-n', 'x'], /write a number, or all/],
    [['--since', 'x'], /--since: is no time: "x"/],
    [['-f', '-r'], /-f and -r exclude each other/],
    [['--summary', '-f'], /cannot be used with/],
    [['--to', 'A B'], /--to: is neither a destination nor a URL/],
    [['zz'], /is no id: "zz"/],
  ] as const) {
    const { code, out, err } = await world.run('log', ...argv)
    t.strictSame([code, out], [64, ''], argv.join(' '))
    t.match(err, wanted)
  }
  t.match(await world.run('log', 'ZZZZZZ'), { code: 66, err: /no such message: ZZZZZZ/ })
})

t.test(
  'one life is told from the journal and from its trail, each thing once',
  async (t) => {
    const { world, waits } = await story(t)
    const before = await told(world, waits)
    t.strictSame(before, ['3 queued', '3 deferred'])
    await world.engine.act('hold', { ids: [waits] }, { by: 'bob' })
    t.strictSame(await told(world, waits), [...before, '3 held'])
    const { out } = await world.run('log', waits)
    t.match(out, /\n12:00:00 00000003 held to=ops by=bob\nnow hold, held by bob; waits/)
    rmSync(join(world.spool, 'log'), { recursive: true })
    t.strictSame(await told(world, waits), ['3 deferred', '3 held'], 'the trail alone')
    t.strictSame(await told(world, waits, '--outcome', 'held'), ['3 held'])
    t.strictSame(await told(world, waits, '-r', '-n', '1'), ['3 held'])
  },
)

t.test('an ending that fits two messages that are gone is no answer', async (t) => {
  const { world } = await story(t)
  for (const front of ['01M7WD7TG0AAAAAAAAAAZZZZZZ', '01M7WD7TG0BBBBBBBBBBZZZZZZ'])
    world.engine.note(world.told(front, 'delivered'))
  await world.engine.noted()
  for (const verb of ['log', 'show'])
    t.match(await world.run(verb, 'ZZZZZZ'), {
      code: 66,
      err: /ZZZZZZ: fits 2 messages of the journal\n {2}hint: give more of it: 01M7/,
    })
  t.match(await world.run('show', 'BZZZZZZ'), { code: 0 })
})

t.test('a summary counts by destination and outcome', async (t) => {
  const { world } = await story(t)
  for (let n = 1; n <= 100; n++)
    world.engine.note({
      ...world.told('01M7WD7TG0AAAAAAAAAAZZZZZZ', 'deferred'),
      lane: 'crm',
      ms: n * 10,
      ageMs: 5_000,
      reason: n % 4 === 0 ? '503 "busy"' : 'no answer in 10s',
    })
  await world.engine.noted()
  const { out } = await world.run('log', '--summary', '--since', '11:00')
  t.equal(
    out,
    screen(`
      TO   OUTCOME   COUNT  MEDIAN    95%   MAX   AGE
      crm  deferred    100   490ms  971ms  1.0s  5.0s
          75x no answer in 10s
          25x 503 "busy"
      crm  deleted       1       -      -     -     -
          1x twice
      ops  queued        1       -      -     -   0ms
      ops  deferred      1       -      -     -     -
          1x 503
    `),
  )
  const { out: json } = await world.run('log', '--summary', '--to', 'crm', '--json')
  const rows = json
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row) as object)
  t.match(rows[2], { lane: 'crm', event: 'bounced', count: 1, ms: { max: 31 } })
  t.match(rows.length, 4)
  const none = await world.run('log', '--summary', '--since', '12:01', '--outcome', 'lost')
  t.match(none, { code: 0, out: 'nothing happened\n' })
})

t.test('no line can move the cursor or pass for another one', async (t) => {
  const world = await World.open(t)
  const odd = 'a\u001b[31m\nb\u202e'
  world.engine.note({
    ...world.told('01M7WD7TG0AAAAAAAAAAZZZZZZ', 'bounced'),
    reason: odd,
    by: odd,
    to: odd,
  })
  await world.engine.noted()
  for (const argv of [[], ['--summary'], ['--json']]) {
    const { out } = await world.run('log', ...argv)
    // eslint-disable-next-line no-control-regex
    t.notMatch(out, /[\u0000-\u0009\u000b-\u001f\u202e]/, argv.join(' '))
  }
})

t.test(
  'a destination that nobody knows is said where it explains the silence',
  async (t) => {
    const { world } = await story(t)
    world.configure('[destinations.ops]\ntype = "file"\npath = "/x"\n')
    t.match(await world.run('log', '--to', 'opps'), {
      code: 0,
      out: '',
      err: 'msgq: log: --to: no such destination: "opps"\n  hint: did you mean ops?\n',
    })
    t.equal((await world.run('log', '--to', 'crm')).err, '', 'one that is gone has a past')
    t.match(await world.run('mailq', '--to', 'x7'), { err: /\n {2}hint: there are ops\n$/ })
  },
)
