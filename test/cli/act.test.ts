import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import t from 'tap'

import type { Io } from '../../src/cli/command.ts'
import { warning } from '../../src/cli/io.ts'
import { main } from '../../src/cli/main.ts'
import { shortId } from '../../src/message/id.ts'
import type { State } from '../../src/message/state.ts'
import { asNobody } from '../config/machine.ts'
import { HOUR, MINUTE, NOON, World } from './world.ts'

/** Where each message is. */
async function states(world: World): Promise<Record<string, State>> {
  const { items } = await world.engine.list({}, { limit: Infinity })
  return Object.fromEntries(items.map(({ id, state }) => [id, state]))
}

/** One message in each state that a person can bring about. */
async function fill(
  world: World,
): Promise<Record<'incoming' | 'deferred' | 'hold' | 'bounce', string>> {
  const bounce = await world.bounce({ to: 'crm' })
  const deferred = await world.defer({ to: 'crm' }, HOUR)
  const hold = await world.send({ to: 'crm' })
  await world.engine.act('hold', { ids: [hold] }, { by: 'ann' })
  const incoming = await world.send({ to: 'crm' })
  return { incoming, deferred, hold, bounce }
}

t.test('each verb acts on the states that it means', async (t) => {
  for (const [verb, words, after] of [
    [
      'flush',
      [],
      { incoming: 'incoming', deferred: 'incoming', hold: 'hold', bounce: 'bounce' },
    ],
    [
      'flush',
      ['ALL'],
      { incoming: 'incoming', deferred: 'incoming', hold: 'hold', bounce: 'bounce' },
    ],
    [
      'hold',
      ['ALL'],
      { incoming: 'hold', deferred: 'hold', hold: 'hold', bounce: 'bounce' },
    ],
    [
      'release',
      ['ALL'],
      { incoming: 'incoming', deferred: 'deferred', hold: 'incoming', bounce: 'bounce' },
    ],
    [
      'requeue',
      ['ALL'],
      { incoming: 'incoming', deferred: 'deferred', hold: 'hold', bounce: 'incoming' },
    ],
    [
      'expire',
      ['ALL'],
      { incoming: 'incoming', deferred: 'bounce', hold: 'bounce', bounce: 'bounce' },
    ],
    ['delete', ['ALL'], {}],
    ['delete', ['--state', 'bounce,hold'], { incoming: 'incoming', deferred: 'deferred' }],
    [
      'requeue',
      ['--to', 'crm', '--state', 'deferred'],
      { incoming: 'incoming', deferred: 'incoming', hold: 'hold', bounce: 'bounce' },
    ],
  ] as const) {
    const world = await World.open(t)
    const ids = await fill(world)
    const { code, err } = await world.run(verb, ...words)
    t.equal(code, 0, err)
    const expected = Object.entries(after).map(([name, state]) => [
      ids[name as keyof typeof ids],
      state,
    ])
    t.strictSame(
      await states(world),
      Object.fromEntries(expected),
      `${verb} ${words.join(' ')}`,
    )
  }
})

t.test('every verb but flush wants to know which messages', async (t) => {
  const world = await World.open(t)
  const before = await fill(world)
  for (const verb of ['hold', 'release', 'requeue', 'delete', 'expire'])
    for (const words of [[], ['--limit', '1'], ['--dry-run'], ['--json']]) {
      const { code, out, err } = await world.run(verb, ...words)
      t.equal(code, 64, `${verb} ${words.join(' ')}`)
      t.equal(out, '')
      t.match(
        err,
        new RegExp(`^msgq: ${verb}: which messages\\?\\n {2}hint: give ids, a selector`),
      )
    }
  t.equal(Object.keys(await states(world)).length, Object.keys(before).length)
})

t.test('it ends with what came of it, and names what was skipped', async (t) => {
  const world = await World.open(t)
  const { deferred, bounce, incoming, hold } = await fill(world)
  const { code, out } = await world.run('release', incoming, deferred, bounce, hold)
  t.equal(code, 0)
  t.match(out.split('\n'), [
    /skipped: in /,
    /skipped: in /,
    /skipped: in /,
    /^matched 4, done 1, skipped 3 \(1 in \w+, 1 in \w+, 1 in \w+\)$/,
    '',
  ])
  t.match(out, new RegExp(`^${shortId(bounce)} skipped: in bounce$`, 'm'))
  const verbose = await world.run('hold', '-v', '--to', 'crm')
  t.match(verbose.out, new RegExp(`^${shortId(deferred)} held$`, 'm'))
  t.match(verbose.out, /\nmatched 3, done 3, skipped 0\n$/)
})

t.test('many skipped are counted, and named with --verbose', async (t) => {
  const world = await World.open(t)
  const ids: string[] = []
  for (let n = 0; n < 15; n++) ids.push(await world.send({ to: 'crm' }))
  const { out } = await world.run('release', ...ids)
  t.equal(out.match(/ skipped: in incoming\n/g)?.length, 10)
  t.match(
    out,
    /\n\.\.\. and 5 more skipped \(-v shows all\)\nmatched 15, done 0, skipped 15 \(in incoming\)\n$/,
  )
  const verbose = await world.run('release', '-v', ...ids)
  t.equal(verbose.out.match(/ skipped: in incoming\n/g)?.length, 15)
})

t.test('a filter that matches nothing is no fault, an id that nobody has is', async (t) => {
  const world = await World.open(t)
  const { deferred } = await fill(world)
  const none = await world.run('delete', '--to', 'nobody')
  t.strictSame([none.code, none.out], [0, 'matched 0, done 0, skipped 0\n'])
  const empty = await world.runOn({ stdin: '' }, 'delete', '-')
  t.strictSame([empty.code, empty.out], [0, 'matched 0, done 0, skipped 0\n'])
  const absent = await world.run('delete', 'ZZZZZZ', deferred)
  t.equal(absent.code, 66)
  t.equal(absent.out, 'matched 1, done 1, skipped 0\n', 'the other one is deleted')
  t.match(absent.err, /^msgq: delete: no such message: ZZZZZZ\n {2}hint: /)
  t.notOk(deferred in (await states(world)))
})

t.test('a dry run says what would be done and does nothing', async (t) => {
  const world = await World.open(t)
  await fill(world)
  const before = await states(world)
  for (const verb of ['flush', 'hold', 'release', 'requeue', 'delete', 'expire']) {
    const { code, out, err } = await world.run(verb, 'ALL', '--dry-run', '-v')
    t.equal(code, 0)
    t.match(out, /\nmatched \d, to do \d, skipped \d.*; dry run, nothing was changed\n$/)
    t.match(out, /^[0-9A-Z]{8} to be \w+$/m)
    t.equal(err, '')
  }
  t.strictSame(await states(world), before)
})

t.test('--json is a line for each message, and one with the totals', async (t) => {
  const world = await World.open(t)
  const { hold, bounce } = await fill(world)
  const { code, out } = await world.run('release', '--json', hold, bounce, 'ZZZZZZ')
  t.equal(code, 66)
  t.strictSame(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [
      { id: hold, result: 'done' },
      { id: bounce, result: 'skipped', why: 'in bounce' },
      { id: 'ZZZZZZ', result: 'absent' },
      { act: 'release', totals: { matched: 2, done: 1, skipped: 1, absent: 1 } },
    ],
  )
  const dry = await world.run('requeue', '--json', 'ALL', '-n')
  t.match(dry.out, /\n\{"act":"requeue","dryRun":true,"totals":/)
})

t.test('who did it and why lies in the trail', async (t) => {
  const world = await World.open(t)
  const id = await world.send({ to: 'crm' })
  await world.run('hold', id.slice(-6), '--why', 'wrong\ntotals')
  const [line] = (await world.engine.get(id))!.trail
  t.match(line, { act: 'held', reason: 'wrong totals', by: /./ })
  if (process.getuid!() !== 0) return
  await world.runOn({ env: { SUDO_USER: 'alice' } }, 'release', id)
  t.match((await world.engine.get(id))!.trail.at(-1), { act: 'released', by: 'alice' })
  await world.runOn({ env: { SUDO_USER: '"; rm' } }, 'hold', id)
  t.notMatch((await world.engine.get(id))!.trail.at(-1), { by: /rm/ })
})

t.test('a flush puts messages in front, but not those of a later time', async (t) => {
  const world = await World.open(t)
  const deferred = await world.defer({ to: 'crm' }, HOUR)
  const later = await world.send({
    to: 'crm',
    notBefore: new Date(NOON + HOUR).toISOString(),
  })
  world.pass(MINUTE)
  const { out, err } = await world.run('flush', '--state', 'deferred,incoming', '-v')
  t.match(out, new RegExp(`^${deferred.slice(-8)} flushed$`, 'm'))
  t.notMatch(out, new RegExp(`^${later.slice(-8)} flushed$`, 'm'))
  t.equal(err, 'msgq: flush: msgqd is not running: they go out when it is started\n')
  const again = await world.run('flush')
  t.equal(again.err, 'msgq: flush: msgqd is not running: nothing is being delivered\n')
  t.equal(again.out, 'matched 0, done 0, skipped 0\n')
})

/** Runs msgq on a terminal where somebody types this answer once there is a question. */
async function answering(
  world: World,
  answer: string | undefined | (() => Promise<string>),
  ...argv: string[]
) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  let out = ''
  let err = ''
  let asked = false
  const type = async () => {
    stdin.end(typeof answer === 'function' ? await answer() : answer)
  }
  const stderr = new Writable({
    write(chunk: Buffer, _, done) {
      err += String(chunk)
      if (!asked && err.includes('[y/N]')) {
        asked = true
        void type()
      }
      done()
    },
  }) as unknown as NodeJS.WriteStream
  const io: Io = {
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: new PassThrough() as unknown as NodeJS.WriteStream,
    stderr,
    environment: world.environment,
    clock: world.clock,
    print: async (text) => {
      out += text
    },
    warn: (...said) => void stderr.write(warning(...said)),
  }
  return { code: await main(argv, io), out, err }
}

t.test('delete and expire of more than one ask on a terminal', async (t) => {
  for (const verb of ['delete', 'expire']) {
    const world = await World.open(t)
    await world.defer({ to: 'crm' }, HOUR)
    await world.defer({ to: 'crm' }, HOUR)
    const before = await states(world)
    for (const answer of ['n\n', '\n', 'what?\n', undefined]) {
      const { code, out, err } = await answering(world, answer, verb, 'ALL')
      t.equal(code, 1, `${verb}, ${answer}`)
      t.match(err, new RegExp(`^${verb} 2 messages\\? \\[y/N\\] `))
      t.match(err, new RegExp(`msgq: ${verb}: nothing was done\\n$`))
      t.equal(out, '')
      t.strictSame(await states(world), before)
    }
    const { code, out } = await answering(world, 'y\n', verb, 'ALL')
    t.strictSame([code, out], [0, 'matched 2, done 2, skipped 0\n'])
  }
})

t.test(
  'nothing asks about one, with --yes, in a dry run, or away from a terminal',
  async (t) => {
    const world = await World.open(t)
    const id = await world.defer({ to: 'crm' }, HOUR)
    await world.defer({ to: 'crm' }, HOUR)
    await world.defer({ to: 'crm' }, HOUR)
    t.notMatch((await answering(world, 'n\n', 'delete', id)).err, /\[y\/N\]/)
    t.notMatch((await answering(world, 'n\n', 'delete', 'ALL', '-n')).err, /\[y\/N\]/)
    t.equal(Object.keys(await states(world)).length, 2)
    t.notMatch((await answering(world, 'n\n', 'expire', 'ALL', '--yes')).err, /\[y\/N\]/)
    t.notMatch(
      (await answering(world, 'n\n', 'requeue', 'ALL')).err,
      /\[y\/N\]/,
      'undone by hold',
    )
    t.equal((await world.run('delete', 'ALL')).code, 0)
    t.strictSame(await states(world), {})
  },
)

t.test('what came in after the question is not meant by the answer', async (t) => {
  const world = await World.open(t)
  await world.send({ to: 'crm' })
  await world.send({ to: 'crm' })
  let late = ''
  const { out } = await answering(
    world,
    async () => {
      world.pass(1000)
      late = await world.send({ to: 'crm' })
      return 'y\n'
    },
    'delete',
    '--to',
    'crm',
  )
  t.equal(out, 'matched 2, done 2, skipped 0\n')
  t.strictSame(await states(world), { [late]: 'incoming' })
})

t.test('a spool that is not there, or not ours, is said', async (t) => {
  const world = await World.open(t)
  const { code, err } = await world.run('delete', 'ALL', '--spool', '/no/such/spool')
  t.equal(code, 66)
  t.match(err, /^msgq: delete: spool: \/no\/such\/spool is not there/)
  chmodSync(join(world.spool, 'deferred'), 0o700)
  const closed = await asNobody(() => world.run('delete', 'ALL'))
  t.equal(closed.code, 77)
  t.match(closed.err, /^msgq: delete: spool: .*: permission denied\n {2}hint: run as /)
})

t.test('the help says which messages it means, and how it ends', async (t) => {
  const world = await World.open(t)
  for (const [verb, text] of [
    ['flush', /\nWithout ids and options it means all of those in deferred\.\n/],
    ['hold', /\nWithout ids and --state it means those in incoming, active, deferred\.\n/],
    [
      'requeue',
      /those in bounce\.\n\nExit: 0 done.* {2}1 the canary failed {2}3 it is held/,
    ],
    [
      'delete',
      /hold, bounce\.\nOn a terminal it asks .*\n\nExit: .* {2}1 the answer was no\n66/,
    ],
  ] as const)
    t.match((await world.run(verb, '--help')).out, text, verb)
})
