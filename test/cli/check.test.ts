/**
 * check - every fault of configuration and spool is named, and nothing is changed.
 */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'

import { asNobody, put } from '../config/machine.ts'
import { HOUR, NOON, World, screen } from './world.ts'
import type { Ran } from './world.ts'

const OPS = '[destinations.ops]\ntype = "http"\nurl = "https://ops.example/in"\n'

/** The output without the folder of the test. */
function page(world: World, { out }: Ran): string {
  return out.replaceAll(world.folder, '')
}

/** The findings alone, each `level message`. */
function findings(world: World, { out }: Ran): string[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level?: string; message: string })
    .filter(({ level }) => level !== undefined)
    .map(({ level, message }) => `${level} ${message.replaceAll(world.folder, '')}`)
}

/** All names of the spool, and their bytes. */
function everything(world: World): string[] {
  return readdirSync(world.spool, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return `${path} ${entry.isFile() ? readFileSync(path, 'latin1') : ''}`
    })
    .toSorted()
}

t.test('a machine that is well has nothing to say', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  await world.defer({ to: 'ops' }, HOUR)
  await world.bounce({ to: 'ops' })
  await world.send({ to: 'https://hooks.example/x' }, 'x'.repeat(3 * 1024 * 1024))
  const ran = await world.run('check')
  t.equal(ran.code, 0)
  t.equal(
    page(world, ran),
    screen(`
      configuration  /etc/msgq/msgq.toml: 1 destination
      spool          /spool

      4 messages proven, 0 errors, 0 warnings
    `),
  )
})

t.test('without any configuration the defaults are checked', async (t) => {
  const world = await World.open(t)
  const ran = await world.run('check')
  t.equal(ran.code, 0)
  t.match(ran.out, /^configuration {2}none, all defaults$/m)
})

t.test('all faults of a configuration are named, and then the spool', async (t) => {
  const world = await World.open(t)
  world.configure('[retry]\nmim = "10s"\nmax = 5\n\n[destinations.ops]\ntype = "http"\n')
  const ran = await world.run('check')
  t.equal(ran.code, 78)
  t.match(
    page(world, ran),
    /^configuration\n {2}error {4}\/etc\/msgq\/msgq\.toml:2: retry\.mim: unknown option\n {11}did you mean min\?.*\n {2}error {4}\/etc\/msgq\/msgq\.toml:3: retry\.max: .*\n {11}.*\n {2}error {4}\/etc\/msgq\/msgq\.toml:5: destinations\.ops.*\n {11}.*\nspool {10}\/spool\n/,
  )
  t.match(ran.out, '0 messages proven, 3 errors, 0 warnings')
})

t.test('a configuration that cannot be read is its own exit code', async (t) => {
  const world = await World.open(t)
  const named = await world.run('check', '--config', join(world.folder, 'absent.toml'))
  t.equal(named.code, 78)
  t.match(
    named.out,
    /error {4}.*absent\.toml: no such file or directory\n {11}--config names it/,
  )
  chmodSync(world.configure(OPS), 0o600)
  for (const folder of ['', 'etc', 'etc/msgq']) chmodSync(join(world.folder, folder), 0o755)
  t.equal((await asNobody(() => world.run('check'))).code, 77)
})

t.test('secrets are looked up: those of files must be there and be kept', async (t) => {
  const world = await World.open(
    t,
    OPS +
      'auth = { bearer = { file = "/absent/token" } }\n[destinations.crm]\ntype = "http"\nurl = { file = "url" }\n',
  )
  chmodSync(
    put(join(world.environment.etc, 'msgq/url'), 'https://crm.example/s3cret'),
    0o644,
  )
  const ran = await world.run('check', '--json')
  t.equal(ran.code, 78)
  t.match(findings(world, ran), [
    /^error .*destinations\.ops\.auth\.bearer: secret .* no such file: \/absent\/token$/,
    /^warning .*destinations\.crm\.url: secret .* can be read by everybody \(chmod o-r\)$/,
  ])
  t.notMatch(ran.out, 's3cret')
})

t.test('what the configuration would do to the messages that wait', async (t) => {
  const world = await World.open(t, `[send]\nmessage_size_limit = "1k"\n${OPS}`)
  await world.send({ to: 'crm-old' })
  await world.defer({ to: 'crm-old' }, HOUR)
  await world.send({ to: 'opz' }, 'x'.repeat(1025))
  await world.bounce({ to: 'long-gone' })
  await world.send({ event: 'user.created' })
  const ran = await world.run('check')
  t.equal(ran.code, 0, 'warnings alone are no failure')
  t.equal(
    page(world, ran).split('\n').slice(2, -3).join('\n'),
    screen(`
      # the screen
        warning  1 queued message names opz, which the configuration does not know (was it renamed ops?)
                 they wait until it does: msgq mailq --to opz
        warning  2 queued messages name crm-old, which the configuration does not know
                 they wait until it does: msgq mailq --to crm-old
        warning  1 queued message is for an event that has no route
                 they bounce: write [[routes]] with event and to
        warning  1 queued message is over message_size_limit (1.0K)
                 what was accepted is delivered all the same
    `)
      .replace(/^.*\n/, '')
      .trimEnd(),
  )
})

t.test('messages that disprove themselves are named, and why', async (t) => {
  const world = await World.open(t, OPS)
  const spoil: ((text: string) => string)[] = [
    (text) => text.replace('hello', 'jello'),
    (text) => text.slice(0, -3),
    () => '',
    () => 'no JSON\nat all',
    (text) => text.replace(/"id":"\w+"/, '"id":"01K00000000000000000000000"'),
    (text) => text.replace('"to":"ops"', '"to":"crm"'),
  ]
  const names: string[] = []
  for (const [at, change] of spoil.entries()) {
    await world.send({ to: 'ops' })
    const name = world.files('incoming').at(-1)!
    const path = join(world.spool, 'incoming', name)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
    names[at] = name
  }
  const before = everything(world)
  const ran = await world.run('check', '--json')
  t.equal(ran.code, 65)
  t.match(findings(world, ran).toSorted(), [
    `error incoming/${names[0]}: its body is not the one sealed`,
    `error incoming/${names[1]}: is cut short: 3 of 5 bytes of body`,
    `error incoming/${names[2]}: has no envelope line`,
    `error incoming/${names[3]}: `,
    `error incoming/${names[4]}: `,
    `error incoming/${names[5]}: its name says ops, its envelope crm`,
  ])
  t.same(JSON.parse(ran.out.trim().split('\n').at(-1)!), {
    errors: 6,
    warnings: 0,
    messages: 0,
  })
  t.same(everything(world), before, 'and nothing was changed')
})

t.test('a large body is read to its end', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' }, 'x'.repeat(3 * 1024 * 1024))
  const file = world.fileIn('incoming')
  const bytes = readFileSync(file)
  bytes[2 * 1024 * 1024] = 0x79
  writeFileSync(file, bytes)
  const ran = await world.run('check')
  t.equal(ran.code, 65)
  t.match(ran.out, `incoming/${basename(file)}: its body is not the one sealed`)
})

t.test('a message of a newer msgq is named, and is no defect', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  const file = world.fileIn('incoming')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"v":1', '"v":99'))
  const ran = await world.run('check')
  t.equal(ran.code, 0)
  t.match(ran.out, /warning {2}incoming\/.*: message: format 99 is newer/)
})

t.test('files that are no messages are named by what becomes of them', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  const real = world.fileIn('incoming')
  const name = basename(real)
  const at = (...names: string[]) => join(world.spool, ...names)
  writeFileSync(at('incoming/order.json'), '{"to":"ops"}\n')
  writeFileSync(at('deferred/odd'), '')
  writeFileSync(at('hold/odd'), '')
  writeFileSync(at('corrupt/odd'), '')
  writeFileSync(at('incoming/.01K00000000000000000000000'), 'being written')
  writeFileSync(at('bounce/.dot'), '')
  symlinkSync('/etc/passwd', at('deferred', name.replace(/\w{2}@/, 'ZZ@')))
  mkdirSync(at('deferred', name.replace(/\w{2}@/, 'YY@')))
  const unsealed = at('incoming', name.replace(/\w{2}@/, 'XX@'))
  writeFileSync(unsealed, '{"to":"ops"}\nhello\n')
  const ran = await world.run('check', '--json')
  t.equal(ran.code, 65)
  t.same(findings(world, ran).toSorted(), [
    `error corrupt/odd: has no name of msgq, so that no command finds it`,
    `error deferred/${name.replace(/\w{2}@/, 'YY@')}: is a directory, not a file`,
    `error deferred/${name.replace(/\w{2}@/, 'ZZ@')}: is a symbolic link, not a file`,
    `error hold/odd: has no name of msgq, so that no command finds it`,
    `warning bounce/.dot: is nobody's message: it has a dot`,
    `warning deferred/odd: has no name of msgq`,
    `warning incoming/${name.replace(/\w{2}@/, 'XX@')}: was never sealed`,
    `warning incoming/order.json: was made by hand and waits for msgqd to take it in`,
  ])
})

t.test('what a writer left behind a day ago is named', async (t) => {
  const world = await World.open(t, OPS)
  writeFileSync(join(world.spool, 'incoming/.01K00000000000000000000000'), '')
  // The kernel's time of change is now; the clock of the test is moved past it instead.
  world.at(Date.now() + 25 * HOUR)
  t.match(
    (await world.run('check')).out,
    /warning {2}incoming\/\.01K0+: is nobody's message/,
  )
  world.at(Date.now() + 23 * HOUR)
  t.match((await world.run('check')).out, '0 warnings')
})

t.test('one id in two places is found among many', async (t) => {
  const world = await World.open(t, OPS)
  for (let n = 0; n < 40; n++) await world.send({ to: 'ops' })
  const [first] = world.files('incoming').toSorted()
  const other = first!.replace(/^[^,]+/, '20301120T000000.000Z')
  copyFileSync(join(world.spool, 'incoming', first!), join(world.spool, 'deferred', other))
  const ran = await world.run('check', '--json')
  t.equal(ran.code, 65)
  t.match(findings(world, ran), [
    new RegExp(
      `^error \\w{24}01: is there twice: incoming/${first} and deferred/${other}$`,
    ),
  ])
})

t.test('a hard link is named once for each of its names', async (t) => {
  const world = await World.open(t, OPS)
  await world.send({ to: 'ops' })
  const file = world.fileIn('incoming')
  linkSync(file, join(world.spool, 'hold', basename(file)))
  const ran = await world.run('check', '--json')
  t.match(findings(world, ran).toSorted(), [
    /^error .* is there twice: /,
    /^warning hold\/.*: has 2 names \(hard links\)$/,
    /^warning incoming\/.*: has 2 names \(hard links\)$/,
  ])
})

t.test('messages in corrupt were judged before, and are counted', async (t) => {
  const world = await World.open(t, OPS)
  for (let n = 0; n < 2; n++) {
    await world.send({ to: 'ops' })
    writeFileSync(world.fileIn('incoming'), 'nonsense')
    await world.engine.claim({ room: () => 1, max: 1 })
  }
  t.equal(world.files('corrupt').length, 2)
  const ran = await world.run('check')
  t.equal(ran.code, 0)
  t.match(
    ran.out,
    'warning  corrupt/: 2 messages put aside\n           msgq mailq --state corrupt\n',
  )
})

t.test('folders: missing, of another kind, open to everybody', async (t) => {
  const world = await World.open(t, OPS)
  rmdirSync(join(world.spool, 'hold'))
  rmdirSync(join(world.spool, 'bounce'))
  writeFileSync(join(world.spool, 'bounce'), '')
  chmodSync(join(world.spool, 'deferred'), 0o777)
  chmodSync(join(world.spool, 'incoming'), 0o755)
  const ran = await world.run('check', '--json')
  t.equal(ran.code, 65)
  t.same(findings(world, ran), [
    'warning /spool/incoming: everybody may list it (mode 755)',
    'error /spool/deferred: everybody may remove messages (mode 777)',
    'error /spool/hold: is missing',
    'error /spool/bounce: is not a directory',
  ])
})

t.test('a spool that is not there yet is no fault', async (t) => {
  const world = await World.open(t, OPS)
  const absent = join(world.folder, 'absent')
  const ran = await world.run('check', '--spool', absent)
  t.equal(ran.code, 0)
  t.match(
    ran.out,
    `warning  ${absent}: is not there yet\n           msgqd makes it when it starts`,
  )
  mkdirSync(absent, { mode: 0o750 })
  t.match(
    (await world.run('check', '--spool', absent)).out,
    'is no spool yet (no incoming/)',
  )
  rmdirSync(absent)
  writeFileSync(absent, '')
  const file = await world.run('check', '--spool', absent)
  t.equal(file.code, 65)
  t.match(file.out, `error    ${absent}: is not a directory`)
})

t.test('too little room, and a file system that is refused', async (t) => {
  const world = await World.open(t, '[send]\nmin_free = "1000000GiB"\n')
  const ran = await world.run('check')
  t.equal(ran.code, 65)
  t.match(page(world, ran), /error {4}\/spool: .* free, less than min_free \(\d+T\)\n/)
  const inside = join(world.folder, 'node_modules/msgq/spool')
  mkdirSync(join(world.folder, 'node_modules/msgq'), { recursive: true })
  renameSync(world.spool, inside)
  world.configure(OPS)
  const env = { MSGQ_ANY_FILESYSTEM: '0' }
  const refused = await world.runOn({ env }, 'check', '--spool', inside)
  t.equal(refused.code, 65)
  t.match(refused.out, /error {4}spool: .* lies (?:inside node_modules|on )/)
  renameSync(inside, world.spool)
})

t.test('who may not read the spool is told whom to be', async (t) => {
  const world = await World.open(t)
  await world.send({ to: 'ops' })
  chmodSync(world.fileIn('incoming'), 0o600)
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
  chmodSync(join(world.spool, 'hold'), 0o700)
  const { code, out } = await asNobody(() => world.run('check'))
  t.equal(code, 65)
  t.match(out, /hold: permission denied\n {11}check as the user of the spool, or as root/)
  t.match(out, /error {4}incoming\/.*: cannot be read: permission denied/)
})

t.test('a name made by hand cannot move the cursor', async (t) => {
  const world = await World.open(t)
  writeFileSync(join(world.spool, 'incoming/a\u001b[2J\nb'), '')
  const ran = await world.run('check')
  t.match(ran.out, 'incoming/a [2J b: was made by hand')
  // eslint-disable-next-line no-control-regex
  t.notMatch(ran.out, /\u001b/)
})

t.test('a torn trail is no defect', async (t) => {
  const world = await World.open(t, OPS)
  await world.defer({ to: 'ops' }, HOUR)
  appendFileSync(world.fileIn('deferred'), '{"at":"2026-')
  utimesSync(world.fileIn('deferred'), NOON / 1000, NOON / 1000)
  const ran = await world.run('check')
  t.match([ran.code, ran.out], [0, '1 message proven, 0 errors, 0 warnings'])
  rmSync(world.fileIn('deferred'))
})
