/**
 * lock - one daemon per spool: the kernel's word, and a heartbeat for where it has none.
 *
 * `run/lock` is held by flock(2), taken through flock(1) on our descriptor: it dies with us, kill
 * -9 included, and it holds across containers. Beside it proper-lockfile keeps a heartbeat
 * (`run/lock.lock`), which decides only against an owner who could not ask the kernel.
 * An owner whose heartbeat is late has to stop: somebody without flock(1) may have taken over.
 */
import { spawnSync } from 'node:child_process'
import fs, { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { ftruncateSync, rmSync, statSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from '../../base/clock.ts'
import { errnoOf, plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'

/** A heartbeat older than this may be taken over (ms). LATE and BEAT are measured by it. */
const STALE = 10_000
/** An owner whose last heartbeat is older than this stops: well before STALE. */
const LATE = 5_000
const BEAT = 1_000
/** Who has a heartbeat says who he is by then (ms). */
const SIGNED = 500

/** What `run/lock` says of its holder, for people, and whether the kernel vouches for it. */
export interface Holder {
  readonly pid: number
  readonly host: string
  readonly startedAt: string
  readonly kernel: boolean
  /** An operator's verb, which has it for a moment: a daemon that starts waits for it. */
  readonly brief?: boolean
}

export class Lock {
  readonly #clock: Clock
  readonly #fd: number
  readonly #release: () => Promise<void>
  readonly #beat: { at: number; lost: boolean }

  private constructor(
    clock: Clock,
    fd: number,
    release: () => Promise<void>,
    beat: { at: number; lost: boolean },
  ) {
    this.#clock = clock
    this.#fd = fd
    this.#release = release
    this.#beat = beat
  }

  /** Takes the spool, or throws a MsgqError (75) that names who has it. */
  static async take(layout: Layout, clock: Clock, briefly = false): Promise<Lock> {
    const path = layout.run('lock')
    const fd = await openLocked(layout, path).catch((error: unknown) => {
      throw asTrouble(layout, error)
    })
    let release: (() => Promise<void>) | undefined
    try {
      if (fd.kernel && (await isRelic(path)))
        rmSync(`${path}.lock`, { recursive: true, force: true })
      const beat = { at: clock.monotonic(), lost: false }
      release = await startHeartbeat(path, clock, beat).catch((error: unknown) => {
        if (!fd.kernel || !isFull(error)) throw error
        // A daemon has to start on a full disk: it makes room. The kernel's word is enough.
        beat.at = Infinity
        return async () => {}
      })
      writeHolder(fd.fd, clock, fd.kernel, briefly)
      return new Lock(clock, fd.fd, release, beat)
    } catch (error) {
      await release?.().catch(() => {})
      closeSync(fd.fd)
      throw asTrouble(layout, error)
    }
  }

  /** False once somebody else may have the spool: claim and settle nothing more, and exit. */
  held(): boolean {
    if (this.#clock.monotonic() - this.#beat.at > LATE) this.#beat.lost = true
    return !this.#beat.lost
  }

  async release(): Promise<void> {
    // A heartbeat that was taken over is not ours to remove; the error says just that.
    await this.#release().catch(() => {})
    closeSync(this.#fd)
  }
}

/** Who has the spool now, if anyone, as far as can be told without taking it. */
export function currentHolder(layout: Layout, clock: Clock): Holder | undefined {
  const path = layout.run('lock')
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    const holder = readHolder(path)
    const free = flock(fd, 'shared')
    if (free === true)
      return holder?.kernel === false && beats(path, clock) ? holder : undefined
    return free === undefined && !beats(path, clock) ? undefined : holder
  } finally {
    closeSync(fd)
  }
}

/** `msgq status` asks by a shared lock for a moment: one refusal proves nothing. */
const TRIES = 5
/** A verb has the spool for a moment, and longer where much was in flight: 30 s. */
const BRIEF_TRIES = 600

async function openLocked(
  layout: Layout,
  path: string,
): Promise<{ fd: number; kernel: boolean }> {
  for (let tries = 1; ; tries++) {
    const fd = openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o640)
    const got = flock(fd, 'exclusive')
    if (got === false) {
      closeSync(fd)
      const holder = readHolder(path)
      if (tries >= (holder?.brief ? BRIEF_TRIES : TRIES)) throw taken(layout, holder)
      await sleep(50)
      continue
    }
    // Somebody may have replaced the file between open and lock: then the lock is on nothing.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino)
      return { fd, kernel: got === true }
    closeSync(fd)
  }
}

/**
 * Locks an open file until its last descriptor closes: true, or false when another has it;
 * undefined where there is no flock(1). The lock belongs to the open file, so it outlives the
 * helper and no child of ours inherits it (Node opens with O_CLOEXEC).
 */
function flock(fd: number, kind: 'exclusive' | 'shared'): boolean | undefined {
  const flag = kind === 'exclusive' ? '-x' : '-s'
  const { error, status } = spawnSync('flock', ['-n', flag, '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
  })
  if (error === undefined) return status === 0
  if (errnoOf(error) === 'ENOENT') return undefined
  const why = `lock: flock(1) cannot be run: ${plainError(error)}`
  throw new MsgqError('temporary', why, undefined, error)
}

/**
 * True when the heartbeat is of one who had the kernel's lock as we have it now: he is dead. So is
 * one who never said who he is, which is done at once.
 */
async function isRelic(path: string): Promise<boolean> {
  const holder = readHolder(path)
  if (holder !== undefined || !existsSync(`${path}.lock`)) return holder?.kernel === true
  await sleep(SIGNED)
  return readHolder(path)?.kernel !== false
}

async function startHeartbeat(
  path: string,
  clock: Clock,
  beat: { at: number; lost: boolean },
): Promise<() => Promise<void>> {
  const lockfile = (await import('proper-lockfile')).default
  const beating = (
    target: string,
    atime: Date,
    mtime: Date,
    done: (error: Error | null) => void,
  ): void =>
    fs.utimes(target, atime, mtime, (error) => {
      if (error === null) beat.at = clock.monotonic()
      done(error)
    })
  try {
    return await lockfile.lock(path, {
      stale: STALE,
      update: BEAT,
      realpath: false,
      retries: 0,
      fs: { ...fs, utimes: beating },
      onCompromised: () => {
        beat.lost = true
      },
    })
  } catch (error) {
    if (errnoOf(error) !== 'ELOCKED') throw error
    throw new MsgqError(
      'temporary',
      `spool: ${path} is held by another msgqd, by its heartbeat`,
      `if it is dead, wait ${STALE / 1000} s and start again`,
    )
  }
}

function asTrouble(layout: Layout, error: unknown): MsgqError {
  return error instanceof MsgqError ? error : cannotUse(layout.root, error)
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')
}

function beats(path: string, clock: Clock): boolean {
  const seen = statSync(`${path}.lock`, { throwIfNoEntry: false })
  // Against the clock of the file system's host, as proper-lockfile itself compares.
  return seen !== undefined && clock.now() - seen.mtimeMs < STALE
}

function readHolder(path: string): Holder | undefined {
  try {
    const [line = ''] = readFileSync(path, 'utf8').split('\n')
    return JSON.parse(line) as Holder
  } catch {
    return undefined
  }
}

function writeHolder(fd: number, clock: Clock, kernel: boolean, brief: boolean): void {
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    startedAt: new Date(clock.now()).toISOString(),
    kernel,
    ...(brief ? { brief } : {}),
  }
  // Over the record of the last one and never first without any: it tells what is a relic.
  ftruncateSync(fd, writeSync(fd, `${JSON.stringify(holder)}\n`, 0))
}

function taken(layout: Layout, holder: Holder | undefined): MsgqError {
  const who = holder === undefined ? '' : ` (pid ${holder.pid} on ${holder.host})`
  return new MsgqError(
    'temporary',
    `spool: ${layout.root} is served by another msgqd${who}`,
    'one daemon per spool: stop that one, or name another spool with --spool',
  )
}
