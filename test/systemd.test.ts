/**
 * systemd - the unit and its companions are what systemd wants to read, and agree with the code.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'

import { EXIT_CODES } from '../src/base/errors.ts'
import { Program } from './cli/program.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}systemd`
const unit = readFileSync(`${folder}/msgq.service`, 'utf8')

/** The values of a setting of the unit, in the order they stand. */
const settings = (name: string) =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value)

const run = (program: string, ...args: string[]) =>
  spawnSync(program, args, { encoding: 'utf8' })
const lacks = (program: string) =>
  run(program, '--version').status !== 0 && `no ${program} here`

/** What systemd says of the unit with msgq's programs where this checkout has them. */
function verify(t: Test, text: string, name = 'msgq.service'): string {
  const here = text.replaceAll(/\/usr\/bin\/(?=msgqd?\b)/g, `${root}bin/`)
  const file = `${t.testdir({ [name]: here })}/${name}`
  const { stderr } = run('systemd-analyze', 'verify', '--man=no', file)
  // It reads what the unit depends on as well: the units of this machine are not ours.
  return stderr
    .split('\n')
    .filter((line) => line.includes(name.replace(/@.*/, '')))
    .join('\n')
}

t.test('the unit', { skip: lacks('systemd-analyze') }, async (t) => {
  t.equal(verify(t, unit), '', 'systemd has nothing to say of it')
  t.match(
    verify(t, unit.replace('WatchdogSec=', 'WatchdogSecs=')),
    'Unknown key',
    'or it does',
  )
  t.match(verify(t, unit.replace('/usr/bin/msgqd', '/usr/bin/no')), 'not executable')

  const file = `${folder}/msgq.service`
  const security = ['security', '--offline=true', '--threshold=15', '--no-pager']
  const { status } = run('systemd-analyze', ...security, file)
  t.equal(status, 0, 'an exposure of 1.5 at most')
})

t.test('the units for machines without the daemon', async (t) => {
  const once = readFileSync(`${folder}/msgq-once.service`, 'utf8')
  t.test('systemd reads them', { skip: lacks('systemd-analyze') }, async (t) => {
    t.equal(verify(t, once, 'msgq-once.service'), '')
    const timer = readFileSync(`${folder}/msgq-once.timer`, 'utf8')
    t.equal(verify(t, timer, 'msgq-once.timer'), '')
    t.match(
      verify(t, timer.replace('OnCalendar=', 'OnCalender='), 'msgq-once.timer'),
      'Unknown',
    )
  })

  /** What is said of the sandbox: from the first folder that may be written on. */
  const sandbox = (text: string) =>
    [...text.matchAll(/^[A-Z]\w+=.*$/gm)]
      .map(([line]) => line)
      .slice(0, -1)
      .join('\n')
      .replace(/^[^]*?(?=^ProtectSystem=)/m, '')
  t.equal(sandbox(`${once}\nWantedBy=`), sandbox(unit), 'in the same sandbox')
  t.match(sandbox(unit), 'SystemCallErrorNumber=EPERM')
  t.match(once, 'ExecStart=/usr/bin/msgqd --once\n')
  t.match(once, `SuccessExitStatus=${EXIT_CODES.temporary}\n`, 'a daemon does it')
})

const NOTIFY = 'msgq-notify@.service'
const notify = readFileSync(`${folder}/${NOTIFY}`, 'utf8')

t.test('the unit for OnFailure=', { skip: lacks('systemd-analyze') }, async (t) => {
  t.equal(verify(t, notify, NOTIFY), '', 'systemd has nothing to say of it')
  t.match(verify(t, notify.replace('Type=', 'Typ='), NOTIFY), 'Unknown key', 'or it does')
})

t.test('it queues the state of the unit that failed', async (t) => {
  const program = new Program(t)
  writeFileSync(program.configFile, '[send]\nto = "https://ops.example/"\n')
  // What systemd would start, with its specifiers and its `$$` read as it reads them.
  const [, line, name] = /^ExecStart=\/bin\/sh -c '(.*)' (\S+) %i$/m.exec(notify)!
  const script = line!
    .replaceAll('$$', '$')
    .replaceAll('%H', 'web1')
    .replace('/usr/bin/msgq', `'${process.execPath}' '${root}bin/msgq'`)
  const bin = join(program.folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\necho "$@"; echo oh >&2; exit 3\n', {
    mode: 0o755,
  })
  const env = { ...program.env, PATH: `${bin}:${program.env['PATH']}` }
  const unitName = 'a b$HOME.service'
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script, name!, unitName], {
    env,
    encoding: 'utf8',
  })
  t.same([status, stderr], [0, ''])
  t.match(program.messages(), [
    {
      envelope: { subject: `${unitName} failed on web1`, level: 'error' },
      body: `status --full --no-pager --lines=20 -- ${unitName}\noh\n`,
    },
  ])
})

t.test('the unit agrees with the program', async (t) => {
  const { bin } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    bin: Record<string, string>
  }
  t.same(settings('ExecStart'), ['/usr/bin/msgqd'])
  t.same(settings('ExecReload'), ['/usr/bin/msgq reload'])
  t.same(Object.keys(bin).toSorted(), ['msgq', 'msgqd'])

  const final = settings('RestartPreventExitStatus').join(' ').split(' ').map(Number)
  t.same(
    final,
    [EXIT_CODES.usage, EXIT_CODES.config],
    'only what a person has to mend ends it',
  )
  t.same(settings('Restart'), ['on-failure'])
  t.same(settings('StartLimitIntervalSec'), ['0'], 'it never gives up')

  t.same(settings('NotifyAccess'), ['all'], 'systemd-notify is a child of the daemon')
  t.same(settings('MemoryDenyWriteExecute'), [], 'V8 dies of it')
  t.match(settings('SystemCallFilter')[0], /@pkey/, 'V8 dies without it')
})

t.test('the user and the folders', async (t) => {
  const skip = lacks('systemd-sysusers') || lacks('systemd-tmpfiles')
  const [user] = settings('User')
  const [spool] = settings('ReadWritePaths')
  const at = t.testdir({ etc: {} })

  t.test('systemd-sysusers makes the user of the unit', { skip }, async (t) => {
    const made = run('systemd-sysusers', `--root=${at}`, `${folder}/msgq.sysusers`)
    t.equal(made.status, 0, made.stderr)
    const [line = ''] = /^msgq:.*$/m.exec(readFileSync(`${at}/etc/passwd`, 'utf8')) ?? []
    t.match(line, new RegExp(`^${user}:x:\\d+:\\d+:message delivery:${spool}:.*nologin$`))
  })

  const needsRoot = process.getuid?.() !== 0 && 'only root may give a folder away'
  t.test(
    'systemd-tmpfiles makes the spool of the unit, for its user alone',
    { skip: skip || needsRoot },
    async (t) => {
      const made = run(
        'systemd-tmpfiles',
        `--root=${at}`,
        '--create',
        `${folder}/msgq.tmpfiles`,
      )
      t.equal(made.status, 0, made.stderr)
      const [, uid = '?'] =
        /^msgq:x:(\d+)/m.exec(readFileSync(`${at}/etc/passwd`, 'utf8')) ?? []
      const inode = statSync(`${at}${spool}`)
      t.equal(inode.uid, Number(uid))
      t.equal(inode.mode & 0o7777, 0o750)
      const configuration = statSync(`${at}/etc/msgq`)
      t.equal(configuration.uid, 0, 'the daemon cannot change its configuration')
      t.equal(configuration.mode & 0o7777, 0o755, 'who sends reads it')
      t.equal(statSync(`${at}/etc/msgq/secrets`).mode & 0o7777, 0o750)
    },
  )
})
