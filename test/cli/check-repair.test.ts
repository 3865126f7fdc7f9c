/**
 * check --repair - a spool is mended, no byte of a message is lost, and what is left is said.
 */
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { spawnSync } from 'node:child_process'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'

import { STATES } from '../../src/message/state.ts'
import type { State } from '../../src/message/state.ts'
import { parseName } from '../../src/queue/spool/name.ts'
import { asPlainUser } from '../queue/spool/yard.ts'
import { HOUR, NOON, World } from './world.ts'
import type { Ran } from './world.ts'

const OPS = '[destinations.ops]\ntype = "http"\nurl = "https://ops.example/in"\n'
const DAY = 24 * HOUR

interface Line {
  readonly level?: string
  readonly message: string
  readonly hint?: string
}

function lines({ out }: Ran): Line[] {
  const all = out.trim().split('\n')
  return all.map((line) => JSON.parse(line) as Line).filter(({ level }) => level)
}

function said(world: World, ran: Ran): string[] {
  return lines(ran).map(
    ({ level, message }) => `${level} ${message.replaceAll(world.folder, '')}`,
  )
}

/** Later than anything that a test writes, so that nothing looks as if it were being written. */
function later(world: World): void {
  world.at(Date.now() + HOUR)
}

function contents(world: World): Buffer[] {
  return STATES.flatMap((state) =>
    world.files(state).map((file) => readFileSync(join(world.spool, state, file))),
  )
}

t.test('a spool that is well is left as it is', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  await world.bounce({ to: 'ops' })
  // The story so far is written a moment later.
  await world.engine.noted()
  const before = readdirSync(world.spool, { recursive: true }).toSorted()
  const ran = await world.run('check', '--repair')
  t.equal(ran.code, 0)
  t.match(ran.out, /\n2 messages proven, 0 errors, 0 warnings\n$/)
  const after = readdirSync(world.spool, { recursive: true }).toSorted()
  t.same(
    after.filter((name) => !String(name).startsWith('run')),
    before.filter((name) => !String(name).startsWith('run')),
  )
})

t.test(
  'finding 7: of a name in two folders the longer stays, if it has all of the other',
  async (t) => {
    const world = await World.open(t, OPS)
    await world.send({ to: 'ops' })
    const file = world.fileIn('incoming')
    const copy = readFileSync(file)
    await world.fail({ to: 'ops' }, HOUR)
    writeFileSync(join(world.spool, 'hold', basename(file)), copy)
    const found = await world.run('check', '--json')
    t.equal(found.code, 65)
    t.match(lines(found).at(-1), {
      message: /is there twice: deferred\/.* and hold\//,
      hint: /all of hold\/.* stands in the other: msgq check --repair removes it/,
    })
    t.equal(world.files('hold').length, 1, 'to look changes nothing')
    const ran = await world.run('check', '--repair', '--json')
    t.equal(ran.code, 0)
    t.match(
      said(world, ran)[0],
      /^mended hold\/.*: removed, all of it stands in deferred\//,
    )
    t.same([world.files('hold').length, world.files('deferred').length], [0, 1])
  },
)

t.test('finding 7: of any other pair both are kept, one of them in corrupt', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  const bytes = readFileSync(world.fileIn('deferred'))
  const name = basename(world.fileIn('deferred'))
  const other = Buffer.concat([bytes.subarray(0, -10), Buffer.from('"another"}\n')])
  writeFileSync(join(world.spool, 'bounce', name), other)
  later(world)
  const ran = await world.run('check', '--repair', '--json')
  t.equal(ran.code, 0)
  t.match(said(world, ran)[0], /^mended .*put into corrupt\/: another message has its id/)
  t.same(readFileSync(world.fileIn('bounce')), other, 'the one that is farther stays')
  t.ok(readFileSync(world.fileIn('corrupt')).includes(bytes), 'and no byte is lost')
  t.equal((await world.run('check')).code, 0, 'what lies in corrupt is nobody’s twin')
})

t.test('finding 7: a broken twin does not drive out the good one', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  const good = readFileSync(world.fileIn('deferred'))
  const broken = Buffer.from(good)
  broken[broken.indexOf('hello')] = 0x6a
  writeFileSync(join(world.spool, 'hold', basename(world.fileIn('deferred'))), broken)
  later(world)
  t.equal((await world.run('check', '--repair')).code, 0)
  t.same(readFileSync(world.fileIn('deferred')), good)
  t.ok(readFileSync(world.fileIn('corrupt')).includes(broken))
})

t.test('finding 22: of two links of one file one name goes', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  const file = world.fileIn('incoming')
  const bytes = readFileSync(file)
  linkSync(file, join(world.spool, 'hold', basename(file)))
  t.equal((await world.run('check', '--repair')).code, 0)
  t.same(contents(world), [bytes])
})

t.test('finding 34: whatever lies twice, no byte of it is lost', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  const name = basename(world.fileIn('deferred'))
  const good = readFileSync(world.fileIn('deferred'))
  rmSync(world.fileIn('deferred'))
  later(world)
  const file = fc.record({
    cut: fc.integer({ min: 0, max: good.length }),
    more: fc.uint8Array({ maxLength: 5 }),
    state: fc.constantFrom<State>('incoming', 'deferred', 'hold', 'bounce'),
    flip: fc.option(fc.integer({ min: 0, max: good.length - 1 }), { nil: undefined }),
  })
  const property = fc.asyncProperty(
    fc.array(file, { minLength: 2, maxLength: 4 }),
    async (files) => {
      const put = new Map<string, Buffer>()
      for (const { cut, more, state, flip } of files) {
        const bytes = Buffer.concat([good.subarray(0, cut), more])
        if (flip !== undefined && flip < bytes.length) bytes[flip]! ^= 1
        put.set(join(world.spool, state, name), bytes)
      }
      for (const [path, bytes] of put) writeFileSync(path, bytes)
      world.at(Date.now() + HOUR)
      await world.run('check', '--repair')
      const kept = contents(world)
      for (const bytes of put.values())
        if (!kept.some((one) => one.subarray(0, bytes.length).equals(bytes)))
          throw new Error('bytes are gone')
      const places = ['incoming', 'active', 'deferred', 'hold', 'bounce'] as const
      if (places.flatMap((state) => world.files(state)).length > 1) throw new Error('twice')
      for (const state of STATES)
        for (const left of world.files(state)) rmSync(join(world.spool, state, left))
    },
  )
  await fc.assert(property, { numRuns: 40 })
  t.pass('held')
})

t.test('foreign names go to where they are taken in, and are', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  const name = basename(world.fileIn('deferred'))
  renameSync(world.fileIn('deferred'), join(world.spool, 'hold', `${name}#abc`))
  for (const state of ['deferred', 'hold', 'bounce'])
    writeFileSync(join(world.spool, state, `order-${state}`), '{"to":"ops"}\nhello')
  writeFileSync(join(world.spool, 'corrupt/odd'), 'odd')
  writeFileSync(join(world.spool, 'bounce/.dot'), '')
  const ran = await world.run('check', '--repair', '--json')
  t.equal(ran.code, 0)
  t.equal(lines(ran).filter(({ level }) => level === 'mended').length, 5)
  t.same(world.files('hold'), [name], 'a claim that is over is taken off')
  t.same(world.files('incoming').toSorted(), [
    'order-bounce',
    'order-deferred',
    'order-hold',
  ])
  t.ok(parseName(basename(world.fileIn('corrupt'))), 'commands find it now')
  t.ok(said(world, ran).includes("warning bounce/.dot: is nobody's message: it has a dot"))
  world.pass(3_000)
  await world.engine.claim({ room: () => 0, max: 1 })
  world.pass(3_000)
  const leases = await world.engine.claim({ room: () => 9, max: 9 })
  t.equal(leases.length, 3)
})

t.test('bytes that disprove themselves are put aside, wherever they lie', async (t) => {
  const world = await World.open(t, OPS)
  await world.bounce({ to: 'ops' })
  const file = world.fileIn('bounce')
  const bytes = readFileSync(file)
  bytes[bytes.indexOf('hello')] = 0x6a
  writeFileSync(file, bytes)
  world.at(Date.now())
  const young = await world.run('check', '--repair', '--json')
  t.equal(young.code, 65, 'not while it may be written')
  t.match(said(world, young)[0], /^warning left: .*it changed a moment ago$/)
  later(world)
  const ran = await world.run('check', '--repair')
  t.equal(ran.code, 0)
  t.match(ran.out, '1 mended, 0 errors')
  t.ok(readFileSync(world.fileIn('corrupt')).includes(bytes))
})

t.test(
  'what a dead writer staged goes after a day, and nothing else with a dot',
  async (t) => {
    const world = await World.open(t, OPS)
    const staged = join(world.spool, 'incoming/.01K00000000000000000000000')
    writeFileSync(staged, 'half')
    // Of one whose id is not new, as of a notice or a redirect.
    writeFileSync(`${staged}-0a1b2c3d`, 'half')
    writeFileSync(join(world.spool, 'incoming/.mine'), 'mine')
    world.at(Date.now() + DAY - HOUR)
    await world.run('check', '--repair')
    t.ok(readFileSync(staged))
    world.at(Date.now() + DAY + HOUR)
    const found = await world.run('check', '--json')
    t.match(
      lines(found)
        .map(({ message, hint }) => `${message}: ${hint}`)
        .toSorted(),
      [
        /\/\.01K0+-0a1b2c3d: .*: msgqd removes it by itself, msgq check --repair now$/,
        /\/\.01K0+: is nobody's .*: msgqd removes it by itself, msgq check --repair now$/,
        /\/\.mine: is nobody's message: it has a dot: msgqd removes it by itself$/,
      ],
    )
    const ran = await world.run('check', '--repair')
    t.match(ran.out, /mended {3}incoming\/\.01K0+: removed, a dead writer's for a day/)
    t.same(readdirSync(join(world.spool, 'incoming')), ['.mine'])
  },
)

t.test('what a dead daemon had in its hands goes back, uncharged', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  await world.claim('ops')
  const found = await world.run('check')
  t.equal(found.code, 0)
  t.match(found.out, /warning {2}active\/: 1 under way when msgqd ended\n.*--repair now/)
  const ran = await world.run('check', '--repair')
  t.equal(ran.code, 0)
  t.match(ran.out, 'mended   1 in flight when the last daemon ended')
  t.match(readFileSync(world.fileIn('incoming'), 'utf8'), '"act":"interrupted"')
})

t.test('what could not be mended is not said to be', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  await world.claim('ops')
  await world.engine.noted()
  await asPlainUser(world.folder, async () => {
    chmodSync(join(world.spool, 'incoming'), 0o500)
    const ran = await world.run('check', '--repair', '--json')
    chmodSync(join(world.spool, 'incoming'), 0o700)
    const [line] = said(world, ran).filter((one) => one.includes('permission denied'))
    t.match(line, /^warning left: active\/.*: permission denied; it stays there$/)
  })
})

for (const [how, copy] of [
  ['cp -r', (from: string, to: string) => cpSync(from, to, { recursive: true })],
  [
    'tar',
    (from: string, to: string) => {
      mkdirSync(to)
      const tar = spawnSync('sh', [
        '-c',
        'tar -C "$1" -cf - . | tar -C "$2" -xf - -m',
        'sh',
        from,
        to,
      ])
      if (tar.status !== 0) throw new Error(String(tar.stderr))
    },
  ],
] as const)
  t.test(`finding 34: a spool restored with ${how} is mended`, async (t) => {
    const world = await World.open(t, OPS)
    await world.defer({ to: 'ops' }, HOUR)
    await world.bounce({ to: 'ops' })
    await world.send({ to: 'ops' })
    await world.claim('ops')
    const to = join(world.folder, 'restored')
    copy(world.spool, to)
    rmdirSync(join(to, 'hold'))
    for (const file of readdirSync(join(to, 'deferred'))) {
      chmodSync(join(to, 'deferred', file), 0o644)
      utimesSync(join(to, 'deferred', file), NOON / 1000, NOON / 1000)
    }
    later(world)
    const found = await world.run('check', '--spool', to)
    t.equal(found.code, 65)
    t.match(found.out, /hold: is missing\n.*msgq check --repair now/)
    t.match(found.out, /deferred\/.*: everybody may read it\n +chmod -R o-rwx /)
    const ran = await world.run('check', '--repair', '--spool', to)
    t.equal(ran.code, 0)
    t.match(ran.out, 'mended   hold/: made')
    const count = (state: string) => readdirSync(join(to, state)).length
    t.same(STATES.map(count), [1, 0, 1, 0, 1, 0])
  })

t.test('another folder than was meant is not made a spool', async (t) => {
  const world = await World.open(t, OPS)
  const empty = join(world.folder, 'empty')
  mkdirSync(empty)
  await world.run('check', '--repair', '--spool', empty)
  t.same(readdirSync(empty), [])
  t.equal((await world.run('check', '--repair', '--spool', join(empty, 'none'))).code, 0)
  t.same(readdirSync(empty), [])
})

t.test(
  'many with another owner are one line',
  { skip: process.getuid!() !== 0 },
  async (t) => {
    const world = await World.open(t, OPS)
    for (let n = 0; n < 3; n++) await world.send({ to: 'ops' })
    spawnSync('chown', ['-R', '12345', join(world.spool, 'incoming')])
    const ran = await world.run('check', '--json')
    t.match(
      said(world, ran).filter((line) => line.includes('12345')),
      [
        /^error \/spool\/incoming: belongs to uid 12345/,
        /^warning incoming\/: 3 messages belong to uid 12345, the spool to uid 0$/,
      ],
    )
  },
)
