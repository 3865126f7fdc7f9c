/**
 * layout - the folders of a spool: where they are, how they are made, and on what they may lie.
 *
 * The only place that turns a state into a path. Refuses file systems that would lose messages.
 */
import { mkdirSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'

import { syncFolderSync } from '../../base/durable.ts'
import { errnoOf, plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import { shareSpool } from './share.ts'

/** Folders beside those of the states. sent/ comes when used. */
const OTHERS = ['keys', 'log', 'run', 'suspended'] as const

export class Layout {
  readonly root: string
  readonly #shared: boolean

  /** With `shared` any user may send into it. */
  constructor(root: string, shared = false) {
    this.root = resolve(root)
    this.#shared = shared
  }

  folder(state: State): string {
    return `${this.root}/${state}`
  }

  /** Written together and not joined: it is asked for several times for each message. */
  file(state: State, name: string): string {
    return `${this.root}/${state}/${name}`
  }

  run(name: string): string {
    return join(this.root, 'run', name)
  }

  key(name: string): string {
    return join(this.root, 'keys', name)
  }

  suspended(lane: string): string {
    return join(this.root, 'suspended', lane)
  }

  log(name: string): string {
    return join(this.root, 'log', name)
  }

  /** Makes what is missing of the spool's folders, durably; the spool itself must exist. */
  make(): void {
    let made = false
    for (const name of [...STATES, ...OTHERS])
      try {
        mkdirSync(join(this.root, name), { mode: 0o750 })
        made = true
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw cannotUse(this.root, error)
      }
    if (!made) return
    this.#sync(this.root)
    this.share()
  }

  /** Gives a shared spool its modes; what could not be set, and how to mend it. */
  share(): readonly string[] {
    return this.#shared ? shareSpool(this.root) : []
  }

  /** Makes the spool's own folder, with its parents: only for the default place. */
  makeRoot(): void {
    try {
      this.#makeFolder(this.root)
    } catch (error) {
      throw cannotUse(this.root, error)
    }
  }

  /** Throws unless this is a spool: a folder with incoming/ in it. */
  check(): void {
    for (const path of [this.root, this.folder('incoming')]) {
      try {
        if (!statSync(path).isDirectory())
          throw new MsgqError('cannot-create', `spool: ${path} is not a directory`)
      } catch (error) {
        if (error instanceof MsgqError) throw error
        if (errnoOf(error) !== 'ENOENT') throw cannotUse(path, error)
        throw new MsgqError(
          'cannot-create',
          `spool: ${this.root} is not there or not a spool (no incoming/)`,
          `msgqd makes it when it starts; --spool or MSGQ_SPOOL names another`,
        )
      }
    }
  }

  /** A message is as durable as the names of all folders above it. */
  #makeFolder(path: string): void {
    try {
      mkdirSync(path, { mode: 0o750 })
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return
      if (errnoOf(error) !== 'ENOENT') throw error
      this.#makeFolder(dirname(path))
      mkdirSync(path, { mode: 0o750 })
    }
    this.#sync(dirname(path))
  }

  #sync(path: string): void {
    try {
      syncFolderSync(path)
    } catch (error) {
      // A folder that we may not read is not ours to make durable.
      if (errnoOf(error) !== 'EACCES') throw cannotUse(this.root, error)
    }
  }
}

/** The error for a spool that cannot be used, by what the system said. */
export function cannotUse(path: string, error: unknown): MsgqError {
  const code = errnoOf(error)
  const why = `spool: ${path}: ${plainError(error)}`
  if (code === 'EACCES' || code === 'EPERM')
    return new MsgqError(
      'no-permission',
      why,
      'it belongs to another user: run as that user, or name another spool with --spool',
      error,
    )
  if (code === 'ENOTDIR' || code === 'ENOENT' || code === 'EEXIST')
    return new MsgqError('cannot-create', why, undefined, error)
  return new MsgqError('temporary', why, HINTS[code ?? ''], error)
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space on its disk, and try again',
  EDQUOT: 'free some space within its quota, and try again',
  EFBIG: 'files may not become that large here: see ulimit -f',
  EROFS: 'mount it for writing, or name another spool with --spool',
}

/** Magic numbers of statfs(2) on which a rename may be lost, or the whole spool with it. */
const REFUSED: Readonly<Record<number, string>> = {
  0x01021994: 'tmpfs (gone at the next boot)',
  0x858458f6: 'ramfs (gone at the next boot)',
  0x794c7630: 'overlay (gone with its container)',
  0x6969: 'nfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb',
  0x517b: 'smb',
  0x01021997: '9p',
  0x00c36400: 'ceph',
  0x65735546: 'fuse',
}

/** On these a power cut leaves a rename done or not done, never half. */
const JOURNALED = new Set([0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1])

/** What the file system under a spool is good for. */
export interface Ground {
  /** Renames must be followed by a sync of both folders. */
  readonly cautious: boolean
  readonly freeBytes: number
  readonly freeInodes: number
}

/** Looks at the file system; throws for one that cannot be trusted, unless any will do. */
export function survey(root: string, anyFilesystem: boolean): Ground {
  let fs, real
  try {
    fs = statfsSync(root)
    real = anyFilesystem ? root : realpathSync(root)
  } catch (error) {
    throw cannotUse(root, error)
  }
  const kind = REFUSED[fs.type >>> 0]
  if (!anyFilesystem) {
    const hint = 'put it on a local disk, or say any_filesystem = true in msgq.toml'
    if (kind !== undefined)
      throw new MsgqError('config', `spool: ${root} lies on ${kind}`, hint)
    if (real.split(sep).includes('node_modules'))
      throw new MsgqError(
        'config',
        `spool: ${root} lies inside node_modules, which the next install empties`,
        hint,
      )
  }
  return {
    cautious: !JOURNALED.has(fs.type >>> 0),
    freeBytes: fs.bavail * fs.bsize,
    // btrfs and others that make inodes as they go say 0 of 0.
    freeInodes: fs.files === 0 ? Infinity : fs.ffree,
  }
}
