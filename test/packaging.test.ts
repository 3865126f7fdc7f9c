/**
 * packaging - the Debian package holds what msgq needs and says the truth about itself; its units
 * and folders are those of systemd/ and of the spool. test/boot installs it on a machine.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

import { maintainerOf, makeDeb } from '../etc/packaging/deb.ts'
import { copyDependencies, dependencies } from '../etc/packaging/dependencies.ts'
import { allPages } from '../docs/manual/pages.ts'
import { VERSION } from '../src/base/version.ts'
import { systemEnvironment } from '../src/config/find.ts'
import { loadConfig } from '../src/config/load.ts'
import { makeSpool } from '../src/queue/open.ts'
import { wrongModes } from '../src/queue/spool/share.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'] as const

const run = (program: string, ...args: string[]) =>
  spawnSync(program, args, { encoding: 'utf8' })
const lacks = (program: string) =>
  run(program, '--version').error !== undefined && `no ${program} here`
const sha256 = (file: string) =>
  createHash('sha256').update(readFileSync(file)).digest('hex')

/** All paths below a folder, as the machine will have them. */
const below = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))

t.test('the package', { skip: lacks('dpkg-deb') }, async (t) => {
  const folder = t.testdir({ again: {} })
  await writeManual()
  process.env['SOURCE_DATE_EPOCH'] = '1795000000'
  t.teardown(() => delete process.env['SOURCE_DATE_EPOCH'])
  const quickly = { compression: 'none' } as const
  const deb = makeDeb(folder, quickly)
  const tree = join(folder, 'tree')
  execFileSync('dpkg-deb', ['--raw-extract', deb, tree])
  const at = (path: string) => readFileSync(join(tree, path), 'utf8')

  t.test('the same checkout makes the same bytes', async (t) => {
    t.equal(sha256(makeDeb(join(folder, 'again'), quickly)), sha256(deb))
  })

  t.test('it says what it needs', async (t) => {
    const control = at('DEBIAN/control')
    t.match(control, `Version: ${VERSION.replace('-', '~')}-1\n`)
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      engines: { node: string }
    }
    t.match(control, `nodejs (${engines.node.replace('>=', '>= ')})`)
    t.match(control, /^Maintainer: [^@<>,]+ <[^@<>\s]+@[^@<>\s]+>$/m)
    t.notMatch(control, /@[A-Z]+@/, 'and leaves nothing open')
    const named = { DEBFULLNAME: 'Ann, of msgq', DEBEMAIL: 'ann@msgq.example' }
    t.equal(maintainerOf(named), 'Ann of msgq <ann@msgq.example>')
    t.equal(at('DEBIAN/conffiles'), '/etc/msgq/msgq.toml\n')
  })

  t.test('everything is where an administrator looks for it', async (t) => {
    const files = below(tree)
    const wanted = [
      '/usr/bin/msgq',
      '/usr/sbin/msgqd',
      '/etc/msgq/msgq.toml',
      '/usr/lib/systemd/system/msgq.service',
      '/usr/lib/systemd/system/msgq-once.service',
      '/usr/lib/systemd/system/msgq-once.timer',
      '/usr/lib/systemd/system/msgq-notify@.service',
      '/usr/lib/sysusers.d/msgq.conf',
      '/usr/lib/tmpfiles.d/msgq.conf',
      '/usr/share/man/man1/msgq.1.gz',
      '/usr/share/man/man5/msgq.toml.5.gz',
      '/usr/share/man/man5/msgq-spool.5.gz',
      '/usr/share/man/man8/msgqd.8.gz',
      '/usr/share/bash-completion/completions/msgq',
      '/usr/share/zsh/vendor-completions/_msgq',
      '/usr/share/fish/vendor_completions.d/msgq.fish',
      '/usr/share/doc/msgq/copyright',
      '/usr/share/doc/msgq/changelog.Debian.gz',
    ]
    t.same(
      wanted.filter((path) => !files.includes(path)),
      [],
    )
    t.same(
      files.filter((path) => /\.(?:ts|map|deb)$|\/test\//.test(path)),
      [],
      'and nothing that only its makers need',
    )
    t.same(
      files.filter((path) => {
        const inode = lstatSync(join(tree, path))
        return !inode.isSymbolicLink() && (inode.mode & 0o022) !== 0
      }),
      [],
      'and nothing that others may write',
    )
  })

  t.test('its programs run, with all that they load', async (t) => {
    const spool = join(folder, 'spool')
    mkdirSync(join(spool, 'incoming'), { recursive: true })
    // Far from any node_modules of ours, as on another machine.
    const env = { PATH: process.env['PATH'], MSGQ_SPOOL: spool, MSGQ_ANY_FILESYSTEM: '1' }
    const program = (path: string, ...args: string[]) =>
      spawnSync(process.execPath, [join(tree, path), ...args], { env, encoding: 'utf8' })
    t.equal(program('usr/bin/msgq', '--version').stdout.trim(), VERSION)
    t.equal(program('usr/sbin/msgqd', '--version').stdout.trim(), VERSION)
    t.match(program('usr/bin/msgq', 'completion', 'bash').stdout, 'complete')
    t.match(
      program('usr/bin/msgq', 'send', 'http://127.0.0.1:9/', 'x').stdout,
      /^[0-9A-Z]{26}\n$/,
    )
    t.match(at('usr/lib/msgq/bin/msgq'), /^#!\/usr\/bin\/node\n/)
    const names = dependencies(ROOT).map(({ path }) => path)
    t.ok(names.includes('node_modules/undici'))
    t.notOk(names.some((name) => /typescript|tap|esbuild/.test(name)))
    const files = below(join(tree, 'usr/lib/msgq'))
    t.same(
      names.filter((name) => !files.includes(`/${name}/package.json`)),
      [],
    )
  })

  t.test('the licence of each dependency is in copyright', async (t) => {
    const copyright = at('usr/share/doc/msgq/copyright')
    for (const { path } of dependencies(ROOT))
      t.match(copyright, `Files: usr/lib/msgq/${path}/*\nCopyright: `)
  })

  t.test('its configuration is ours, but that all users may send', async (t) => {
    const file = join(tree, 'etc/msgq/msgq.toml')
    const config = loadConfig({ ...systemEnvironment(), env: {} }, { config: file })
    t.equal(config.submit.shared, true)
    t.same(config.warnings, [])
    const ours = readFileSync(join(ROOT, 'etc/msgq.toml'), 'utf8').split('\n')
    const added = at('etc/msgq/msgq.toml')
      .split('\n')
      .filter((line) => !ours.includes(line))
    t.equal(added.at(-1), 'shared = true')
    t.equal(added.length, 2, 'and one line says so')
  })

  t.test('its folders are those of a shared spool', async (t) => {
    const spool = join(folder, 'made')
    await makeSpool(spool)
    const names = ['', ...readdirSync(spool).map((name) => `/${name}`)]
    const lines = at('usr/lib/tmpfiles.d/msgq.conf').matchAll(
      /^d +\/var\/spool\/msgq(\S*) +:(\d+) +:msgq +:msgq +-$/gm,
    )
    const modes = new Map([...lines].map(([, name, mode]) => [name!, mode!]))
    t.same([...modes.keys()].toSorted(), names.toSorted())
    for (const [name, mode] of modes) chmodSync(`${spool}${name}`, Number.parseInt(mode, 8))
    t.same(wrongModes(spool), [])
    chmodSync(`${spool}/hold`, 0o755)
    t.equal(wrongModes(spool).length, 1, 'or they would be wrong')
  })

  t.test('its units are those of systemd/, with the daemon in sbin', async (t) => {
    const unit = at('usr/lib/systemd/system/msgq.service')
    t.match(unit, 'ExecStart=/usr/sbin/msgqd\n')
    t.match(unit, 'ExecReload=/usr/bin/msgq reload\n')
    t.equal(
      unit.replace('/usr/sbin/msgqd', '/usr/bin/msgqd'),
      readFileSync(join(ROOT, 'systemd/msgq.service'), 'utf8'),
    )
  })

  t.test('its scripts', async (t) => {
    for (const name of SCRIPTS) {
      const file = join(tree, 'DEBIAN', name)
      t.equal(run('sh', '-n', file).status, 0, `${name} is sh`)
      t.equal(statSync(file).mode & 0o777, 0o755)
      t.match(at(`DEBIAN/${name}`), /^set -e$/m)
    }
    t.notMatch(at('DEBIAN/postrm').split('if [ "$1" = purge ]')[0], /rm -|-delete/)
  })
})

t.test('a dependency that is not the locked one is refused', async (t) => {
  const name = 'node_modules/one'
  const folder = t.testdir({
    'package-lock.json': JSON.stringify({ packages: { [name]: { version: '1.0.0' } } }),
    node_modules: { one: { 'package.json': '{"name":"one","version":"1.0.1"}' } },
  })
  t.throws(() => copyDependencies(folder, join(folder, 'to')), {
    message: `${name} is 1.0.1, not 1.0.0: run npm ci`,
  })
})

/** What `npm run man` writes. */
async function writeManual(): Promise<void> {
  const man = join(ROOT, 'dist/man')
  mkdirSync(man, { recursive: true })
  for (const [file, text] of await allPages('2026-11-20'))
    writeFileSync(join(man, file), text)
}
