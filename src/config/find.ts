/**
 * find - where the configuration is, and where the spool is.
 *
 * The first configuration that exists counts; one that cannot be read ends the search with
 * `no-permission` and is never skipped, because the next one might name another spool. The
 * environment is passed in. Loads no parser, so that `msgq send` can afford it; only a spool
 * that is written in an unusual way costs one (glance.ts).
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'

import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { DEFAULTS } from './defaults.ts'
import { glance, spoolDefect } from './glance.ts'
import { stampOf } from './stamp.ts'

/** The machine as the search sees it. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Empty when there is none. */
  readonly home: string
  /** The folder with our package.json. */
  readonly packageRoot: string
  readonly etc: string
  readonly var: string
}

/** What the command line says; it goes before everything else. */
export interface Flags {
  readonly config?: string | undefined
  readonly spool?: string | undefined
}

/** A configuration file that exists and could be read. */
export interface Found {
  readonly file: string
  readonly from: 'flag' | 'env' | 'etc' | 'xdg' | 'checkout'
  readonly bytes: Buffer
  /** Of the state that was read. */
  readonly stamp: string
}

export interface SpoolPlace {
  readonly configFile?: string
  readonly spool: string
  /** Nobody named it: it may be made when it is missing. */
  readonly spoolIsDefault: boolean
  readonly anyFilesystem: boolean
}

/** The machine that this runs on. */
export function systemEnvironment(): Environment {
  return {
    env: process.env,
    home: process.env['HOME'] || accountHome(),
    packageRoot: resolve(import.meta.dirname, '../..'),
    etc: '/etc',
    var: '/var',
  }
}

function accountHome(): string {
  try {
    return homedir()
  } catch {
    // In a container the uid may be in no passwd.
    return ''
  }
}

/** The configuration that counts, or undefined when there is none. */
export function findConfig(environment: Environment, flags: Flags): Found | undefined {
  const { env, etc, packageRoot } = environment
  if (flags.config) return read(resolve(flags.config), 'flag', '--config')
  if (env['MSGQ_CONFIG']) return read(resolve(env['MSGQ_CONFIG']), 'env', '$MSGQ_CONFIG')
  const personal = baseFolder(environment, 'XDG_CONFIG_HOME', '.config')
  const own = isCheckout(packageRoot)
  return (
    read(join(etc, 'msgq/msgq.toml'), 'etc') ??
    (personal ? read(join(personal, 'msgq/msgq.toml'), 'xdg') : undefined) ??
    (own ? read(join(packageRoot, 'etc/msgq.toml'), 'checkout') : undefined)
  )
}

/** A file that somebody `named` must exist; any other may be missing. */
function read(file: string, from: Found['from'], named?: string): Found | undefined {
  try {
    // In this order: a change in between makes the stamp old, never the bytes.
    const stamp = stampOf(file)
    return { file, from, stamp, bytes: readFileSync(file) }
  } catch (error) {
    const code = errnoOf(error)
    if (named === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw unreadable(file, error, named)
  }
}

/** What to say of a configuration file that cannot be read. */
export function unreadable(file: string, error: unknown, named?: string): MsgqError {
  const message = `${file}: ${plainError(error)}`
  const code = errnoOf(error)
  if (code === 'EACCES' || code === 'EPERM')
    return new MsgqError(
      'no-permission',
      message,
      'the configuration must be readable by who uses it; secrets stand in files of their own',
      error,
    )
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'EIO')
    return new MsgqError('temporary', message, 'try again', error)
  const hint = named === undefined ? undefined : `${named} names it`
  return new MsgqError('config', message, hint, error)
}

// An installed package may be replaced by an update, with everything that lies in it.
function isCheckout(packageRoot: string): boolean {
  return (
    !/(?:^|\/)node_modules(?:\/|$)/.test(packageRoot) &&
    existsSync(join(packageRoot, '.git'))
  )
}

/** A base folder by the XDG specification, which ignores relative ones. */
export function baseFolder(
  { env, home }: Environment,
  variable: string,
  inHome: string,
): string | undefined {
  const set = env[variable]
  if (set && isAbsolute(set)) return set
  return home === '' ? undefined : join(home, inHome)
}

/** Where the spool is, for those who need to know no more. */
export async function findSpool(
  environment: Environment,
  flags: Flags,
): Promise<SpoolPlace> {
  const found = findConfig(environment, flags)
  let seen = glance(found?.bytes.toString() ?? '')
  const doubtful = seen.doubtful || spoolDefect(seen.spool ?? '/') !== undefined
  // With the spool named elsewhere it is no matter what the file says of it.
  if (found !== undefined && doubtful && !isSpoolNamed(environment, flags)) {
    const { parseSpool } = await import('./parse-spool.ts')
    seen = parseSpool(found.file, found.bytes)
  }
  const { spool, spoolIsDefault } = placeSpool(environment, flags, found, seen.spool)
  return {
    ...(found === undefined ? {} : { configFile: found.file }),
    spool,
    spoolIsDefault,
    anyFilesystem: anyFilesystem(environment, seen.anyFilesystem).value,
  }
}

function isSpoolNamed({ env }: Environment, flags: Flags): boolean {
  return Boolean(flags.spool || env['MSGQ_SPOOL'])
}

/** Where the spool is, and whose word that is. */
export interface PlacedSpool {
  readonly spool: string
  readonly spoolIsDefault: boolean
  readonly spoolFrom: '--spool' | '$MSGQ_SPOOL' | 'file' | 'default'
}

/** The spool: the command line's, the environment's, the file's or the default one. */
export function placeSpool(
  environment: Environment,
  flags: Flags,
  found: Found | undefined,
  written: string | undefined,
): PlacedSpool {
  const { env } = environment
  if (flags.spool) return namedSpool(resolve(flags.spool), '--spool')
  if (env['MSGQ_SPOOL']) return namedSpool(resolve(env['MSGQ_SPOOL']), '$MSGQ_SPOOL')
  if (found !== undefined && written !== undefined)
    return namedSpool(resolve(dirname(found.file), written), 'file')
  const spool = defaultSpool(environment, found?.from)
  return { spool, spoolIsDefault: true, spoolFrom: 'default' }
}

function namedSpool(spool: string, spoolFrom: PlacedSpool['spoolFrom']): PlacedSpool {
  return { spool, spoolIsDefault: false, spoolFrom }
}

// A configuration of the machine means its spool, one of a person means that person's.
function defaultSpool(environment: Environment, from: Found['from'] | undefined): string {
  const shared = join(environment.var, 'spool/msgq')
  if (from === 'checkout') return join(environment.packageRoot, 'spool')
  if (from === 'etc' || (from !== 'xdg' && existsSync(shared))) return shared
  const state = baseFolder(environment, 'XDG_STATE_HOME', '.local/state')
  if (state !== undefined) return join(state, 'msgq')
  throw new MsgqError(
    'config',
    'spool: there is no home directory to put it in',
    'name it: --spool DIR or $MSGQ_SPOOL',
  )
}

/** Whether any file system will do: the environment's word, the file's, or the default. */
export function anyFilesystem(
  { env }: Environment,
  written: boolean | undefined,
): { value: boolean; from: string } {
  const set = env['MSGQ_ANY_FILESYSTEM']
  if (set) return { value: /^(?:1|true|yes)$/.test(set), from: '$MSGQ_ANY_FILESYSTEM' }
  if (written !== undefined) return { value: written, from: 'file' }
  return { value: DEFAULTS.any_filesystem, from: 'default' }
}
