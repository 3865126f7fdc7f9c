/**
 * main-send - one message needs one file; what needs more begins anew, as if nothing had been.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import t from 'tap'

import { NEEDS_ROOT, give } from '../queue/spool/yard.ts'
import { Program, ROOT, published } from './program.ts'

const HOOK = 'https://example.com/hook'
/** Its parser is needed to understand it. */
const CONFIG = '[destinations.crm]\ntype = "http"\nurl = "https://crm.example/"\n'

/** A msgq that consists of bin/msgq and the one file. */
function alone(program: Program): string {
  const home = join(program.folder, 'alone')
  mkdirSync(join(home, 'dist/bin'), { recursive: true })
  cpSync(join(ROOT, 'bin'), join(home, 'bin'), { recursive: true })
  for (const file of ['dist/bin/send.cjs', 'dist/bin/send.cjs.map'])
    cpSync(join(ROOT, file), join(home, file))
  return join(home, 'bin/msgq')
}

t.test('one message needs bin/msgq and one file, and no package', async (t) => {
  const program = await published(t)
  const msgq = alone(program)
  for (const to of ['crm', HOOK]) {
    const running = program.start([msgq, 'send', to])
    running.child.stdin.end('x')
    const { code, out, err } = await running.ended
    t.strictSame([code, err], [0, ''])
    t.ok(
      program.incoming().some((name) => name.includes(out.trim())),
      `for ${to}`,
    )
  }
  const running = program.start([msgq, 'send', 'nowhere', 'x'])
  const { code, err } = await running.ended
  t.equal(code, 64, 'a refusal needs no more')
  t.match(err, /^msgq: send: no such destination: "nowhere"\n {2}hint: /)
})

t.test(
  'it syncs a drop box on a file system that nobody knows, too',
  { skip: NEEDS_ROOT },
  async (t) => {
    const program = await published(t)
    const spool = mkdtempSync('/dev/shm/msgq-test-')
    t.teardown(() => rmSync(spool, { recursive: true, force: true }))
    chmodSync(spool, 0o755)
    mkdirSync(join(spool, 'incoming'))
    give(spool, 65_533)
    chmodSync(join(spool, 'incoming'), 0o3733)
    const stranger = 'setpriv --reuid=65534 --regid=65534 --clear-groups'
    const { code, err } = await program.sh(
      `env -u MSGQ_CONFIG MSGQ_SPOOL=${spool} ${stranger} '${process.execPath}' '${alone(program)}' send ${HOOK} x`,
    )
    t.strictSame([code, err], [0, ''])
    t.equal(readdirSync(join(spool, 'incoming')).length, 1)
  },
)

t.test('it loads what Node has anyway, and no module that costs', async (t) => {
  const program = await published(t)
  const list = join(program.folder, 'list.cjs')
  writeFileSync(
    list,
    `process.on('exit', () =>
      require('node:fs').writeSync(2, process.moduleLoadList.join('\\n')))`,
  )
  // Nor does tap load any there: test/loader.mjs.
  const { code, err } = await program.sh(
    `'${process.execPath}' --require '${list}' '${alone(program)}' send -q crm x`,
  )
  t.equal(code, 0)
  const loaded = new Set(err.split('\n').map((line) => line.replace(/^NativeModule /, '')))
  t.ok(loaded.has('os'), 'the list is one')
  const costly = [
    'child_process',
    'crypto',
    'fs/promises',
    'http',
    'net',
    'tls',
    'worker_threads',
    'zlib',
  ]
  for (const name of costly) t.ok(builtinModules.includes(name))
  t.strictSame(
    costly.filter((name) => loaded.has(name)),
    [],
  )
})

t.test('what needs more begins anew, and says and queues everything once', async (t) => {
  const program = new Program(t)
  writeFileSync(program.configFile, CONFIG)
  const late = ['--at', '2020-01-01T00:00Z']
  const said = /^msgq: send: --at is over: it goes out at once\n$/

  const configured = await program.msgq(['send', 'crm', ...late], 'x')
  t.equal(configured.code, 0, 'the configuration, which nobody published')
  t.match(configured.err, said)
  t.equal(program.incoming().length, 1)

  // Where it is published, nothing else made it begin anew before.
  const served = await published(t)
  const dryRun = await served.msgq(['send', 'crm', ...late, '--dry-run'], 'from stdin')
  t.equal(dryRun.code, 0, '--dry-run')
  t.match(dryRun.err, said)
  t.match(dryRun.out, /^POST https:\/\/crm\.example\/\n[^]*\nfrom stdin\n$/)

  const line = JSON.stringify({ to: 'crm', body: 'x' })
  const batch = await program.msgq(['send', '--batch'], `${line}\n${line}\n`)
  t.strictSame([batch.code, batch.err], [0, ''], '--batch')
  t.equal(batch.out.trim().split('\n').length, 2)
  t.equal(program.incoming().length, 3)

  const unknown = await program.msgq(['send', 'nowhere', 'x'])
  t.equal(unknown.code, 64, 'a fault that the whole program finds')
  t.match(unknown.err, /^msgq: send: no such destination: "nowhere"\n {2}hint: .*\n$/)

  writeFileSync(program.configFile, 'spool = [')
  const faulty = await program.msgq(['send', HOOK, 'x'])
  t.equal(faulty.code, 0, faulty.err)
  t.match(faulty.err, /^msgq: send: taken unchecked, the configuration has a fault: .*\n$/)
  t.equal(program.incoming().length, 4)
})

t.test('a fault within keeps the names of functions and files', async (t) => {
  const program = await published(t)
  const broken = join(program.folder, 'broken.cjs')
  writeFileSync(
    broken,
    `require('node:fs').statfsSync = () => ({ get type() { throw new TypeError('bug') } })`,
  )
  const argv = [
    '--require',
    broken,
    '--enable-source-maps',
    alone(program),
    'send',
    'crm',
    'x',
  ]
  const { code, err } = await program.start(argv).ended
  t.equal(code, 1)
  t.match(err, /TypeError: bug/)
  t.match(err, /src\/queue\/spool\/layout\.ts:\d+/)
  t.strictSame(program.incoming(), [])
})
