/**
 * deb - npm run deb: makes dist/msgq_VERSION_all.deb of what is built, with dpkg-deb.
 *
 * The same checkout makes the same bytes: every time is $SOURCE_DATE_EPOCH, by default that of
 * the last commit, and modes and owners are not those of the checkout. Needs no network: the
 * packages of npm are those of node_modules, and have to be the ones in package-lock.json.
 * Leaves to others: dist/ (npm run build), the manual (npm run man), what the scripts of the
 * package do (deb/).
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

import { copyDependencies, licences } from './dependencies.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SOURCE = join(import.meta.dirname, 'deb')
const LIB = 'usr/lib/msgq'
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm']

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const source = (file: string) => readFileSync(join(SOURCE, file), 'utf8')

/** What differs from the package that is given away. */
interface DebOptions {
  /** The how manieth package of this version it is. */
  readonly revision?: number
  /** As dpkg-deb -Z has it. */
  readonly compression?: 'xz' | 'none'
}

/** Makes the package below `folder`; returns its path. */
export function makeDeb(
  folder: string,
  { revision = 1, compression = 'xz' }: DebOptions = {},
): string {
  const { version } = JSON.parse(text('package.json')) as { version: string }
  // A first candidate sorts before its release.
  const debVersion = `${version.replace('-', '~')}-${revision}`
  const tree = mkdtempSync(join(tmpdir(), 'msgq-deb-'))
  try {
    const epoch = epochOf(process.env['SOURCE_DATE_EPOCH'])
    layProgram(tree)
    laySystem(tree)
    layDocs(tree, debVersion, epoch)
    layControl(tree, debVersion)
    for (const path of walk(tree)) lutimesSync(path, epoch, epoch)
    const file = join(folder, `msgq_${debVersion}_all.deb`)
    mkdirSync(folder, { recursive: true })
    const args = ['--root-owner-group', `-Z${compression}`, '--build', tree, file]
    execFileSync('dpkg-deb', args, {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return file
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

/** Seconds; https://reproducible-builds.org/specs/source-date-epoch/ */
function epochOf(set: string | undefined): number {
  return Number(set || ofLastCommit('%ct'))
}

/** Who answers for the package: as debchange(1) has it, or else who made the last commit. */
export function maintainerOf(env: NodeJS.ProcessEnv): string {
  const name = env['DEBFULLNAME'] || ofLastCommit('%an')
  const address = env['DEBEMAIL'] || ofLastCommit('%ae')
  // A comma would begin another one.
  return `${name.replaceAll(/[,<>]/g, '')} <${address}>`
}

function ofLastCommit(format: string): string {
  const args = ['-c', 'safe.directory=*', 'log', '-1', `--format=${format}`]
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
}

/** The programs and all that they load. */
function layProgram(tree: string): void {
  for (const name of ['bin', 'dist', 'etc/completions', 'package.json'])
    cpSync(join(ROOT, name), join(tree, LIB, name), {
      recursive: true,
      // The manual and packages made before are no part of the program; maps and types are of no
      // use to it, nor is what dist/bin was made of and no library needs.
      filter: (path) => !/\/dist\/(man|cli|daemon)(\/|$)|\.(deb|map|d\.ts)$/.test(path),
    })
  copyDependencies(ROOT, join(tree, LIB))
  for (const name of ['msgq', 'msgqd']) {
    const file = join(tree, LIB, 'bin', name)
    // Debian's, whatever PATH the user has: nvm in a shell, next to nothing in a crontab.
    const script = readFileSync(file, 'utf8')
    write(file, script.replace('#!/usr/bin/env node', '#!/usr/bin/node'))
    chmodSync(file, 0o755)
  }
  link(join(tree, 'usr/bin/msgq'), join(tree, LIB, 'bin/msgq'))
  link(join(tree, 'usr/sbin/msgqd'), join(tree, LIB, 'bin/msgqd'))
}

/** What the system wants to know: units, the user, folders, the configuration, completion. */
function laySystem(tree: string): void {
  for (const name of readdirSync(join(ROOT, 'systemd')))
    if (/\.(service|timer)$/.test(name))
      write(join(tree, 'usr/lib/systemd/system', name), unit(text(`systemd/${name}`)))
  write(join(tree, 'usr/lib/sysusers.d/msgq.conf'), text('systemd/msgq.sysusers'))
  write(join(tree, 'usr/lib/tmpfiles.d/msgq.conf'), source('msgq.tmpfiles'))
  write(join(tree, 'etc/msgq/msgq.toml'), sharedToml(text('etc/msgq.toml')))
  for (const [from, to] of [
    ['msgq.bash', 'bash-completion/completions/msgq'],
    ['_msgq', 'zsh/vendor-completions/_msgq'],
    ['msgq.fish', 'fish/vendor_completions.d/msgq.fish'],
  ] as const)
    write(join(tree, 'usr/share', to), text(`etc/completions/${from}`))
}

/** A unit as the package has it: daemons lie in sbin. */
export function unit(written: string): string {
  return written.replaceAll('/usr/bin/msgqd', '/usr/sbin/msgqd')
}

/** The configuration as the package has it: all users of the machine may send. */
export function sharedToml(toml: string): string {
  return toml.replace(
    /^#shared = false$/m,
    '# The default is false; this package says true, and made the spool for it.\nshared = true',
  )
}

function layDocs(tree: string, version: string, epoch: number): void {
  const doc = join(tree, 'usr/share/doc/msgq')
  const man = join(ROOT, 'dist/man')
  for (const page of readdirSync(man)) {
    const section = page.at(-1)!
    const file = join(tree, `usr/share/man/man${section}/${page}.gz`)
    write(file, gzip(readFileSync(join(man, page))))
  }
  write(join(doc, 'README.md'), text('README.md'))
  write(join(doc, 'README.spool.md'), text('spool/README.md'))
  write(join(doc, 'README.systemd.md'), text('systemd/README.md'))
  write(join(doc, 'examples/sudoers'), source('sudoers'))
  write(join(doc, 'changelog.gz'), gzip(text('CHANGELOG.md')))
  write(join(doc, 'changelog.Debian.gz'), gzip(debianChangelog(version, epoch)))
  const licence = text('LICENSE').split('\n\n').slice(2).join('\n\n')
  write(
    join(doc, 'copyright'),
    `${source('copyright')}${licences(ROOT)}License: Expat\n${folded(licence)}\n`,
  )
  write(join(tree, 'usr/share/lintian/overrides/msgq'), source('lintian-overrides'))
}

/** Text as a field of several lines. */
export function folded(long: string): string {
  const lines = long.trimEnd().split('\n')
  return lines.map((line) => ` ${line.trimEnd() || '.'}`).join('\n')
}

function debianChangelog(version: string, epoch: number): string {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')
  const who = maintainerOf(process.env)
  return [
    `msgq (${version}) unstable; urgency=medium`,
    '  * What is new stands in changelog.gz.',
    ` -- ${who}  ${date}\n`,
  ].join('\n\n')
}

function layControl(tree: string, version: string): void {
  const files = [...walk(tree)].filter((path) => lstatSync(path).isFile()).toSorted()
  const sums = files.map((path) => {
    const sum = createHash('md5').update(readFileSync(path)).digest('hex')
    return `${sum}  ${relative(tree, path)}\n`
  })
  const kilobytes = files.reduce(
    (sum, path) => sum + Math.ceil(statSync(path).size / 1024),
    0,
  )
  const control = source('control')
    .replace('@VERSION@', version)
    .replace('@MAINTAINER@', maintainerOf(process.env))
    .replace('@SIZE@', String(kilobytes))
  const at = (name: string) => join(tree, 'DEBIAN', name)
  write(at('control'), control)
  write(at('md5sums'), sums.join(''))
  write(at('conffiles'), '/etc/msgq/msgq.toml\n')
  for (const name of SCRIPTS) {
    write(at(name), source(name))
    chmodSync(at(name), 0o755)
  }
}

/** Writes a file that everybody may read, and the folders above it. */
function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function link(path: string, target: string): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(relative(dirname(path), target), path)
}

function gzip(content: string | Uint8Array): Uint8Array {
  return gzipSync(content, { level: 9 })
}

/** All that lies below a folder, and it; whatever is below first. Modes are made the same. */
function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else {
      if (entry.isFile()) chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644)
      yield path
    }
  }
  chmodSync(folder, 0o755)
  yield folder
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(`${relative(process.cwd(), makeDeb(join(ROOT, 'dist')))}\n`)
