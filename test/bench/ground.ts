/**
 * ground - where the measurements stand: a folder of the checkout's disk, one that was named, or
 * a default ext4 of their own with a journal. All of it is removed at the end.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { openOutbox } from '../../src/queue/open.ts'
import type { Outbox } from '../../src/queue/queue.ts'

export const BODY = Buffer.alloc(1024, 'x')
/** Nothing listens there, and nothing is sent. */
export const NOBODY = 'http://127.0.0.1:9/'
/** Room for the inodes of 1,000,000 files and more; it is sparse. */
const IMAGE_SIZE = 32 * 1024 ** 3

let root = resolve('.bench')
let image: { readonly path: string; readonly device: string } | undefined

/** Where all that a run writes lies. */
export function folder(): string {
  mkdirSync(root, { recursive: true })
  return root
}

/** Puts it below another folder. */
export function standOn(dir: string): void {
  root = resolve(dir, '.bench')
  spreadFolders()
}

/** Puts it on a default ext4 in an image file; needs root and mkfs.ext4. */
export function standOnJournal(): void {
  const path = join(folder(), 'image')
  const mount = join(root, 'journal')
  mkdirSync(mount, { recursive: true })
  writeFileSync(path, '')
  truncateSync(path, IMAGE_SIZE)
  execFileSync('mkfs.ext4', ['-q', '-F', path])
  const words = ['--direct-io=on', '--find', '--show', path]
  const device = execFileSync('losetup', words, { encoding: 'utf8' }).trim()
  image = { path, device }
  // Tables of inodes that are zeroed meanwhile would be measured too.
  execFileSync('mount', ['-t', 'ext4', '-o', 'noinit_itable', device, mount])
  standOn(mount)
}

/**
 * ext4 without a journal shuns the inodes of files that were just removed, which makes creating
 * ten times as dear where much was: below this flag each folder begins in a place of its own.
 */
function spreadFolders(): void {
  mkdirSync(root, { recursive: true })
  spawnSync('chattr', ['+T', root], { stdio: 'ignore' })
}

/** A new empty folder, and it alone: no two rows share one. */
export function scratch(): string {
  spreadFolders()
  return mkdtempSync(join(root, 'spool-'))
}

/** Removes all that was written. */
export function cleanUp(): void {
  const { path, device } = image ?? {}
  if (path === undefined || device === undefined) {
    // rm is twice as fast as Node, which looks at each of a million files first.
    for (const name of ['bin', 'spool-*']) remove(join(root, name))
    return
  }
  image = undefined
  // Lazily: who was killed a moment ago may still hold a file of it.
  spawnSync('umount', ['--lazy', resolve(root, '..')], { stdio: 'inherit' })
  spawnSync('losetup', ['--detach', device], { stdio: 'inherit' })
  rmSync(path, { force: true })
}

/** Removes what a pattern of the shell names. */
export function remove(pattern: string): void {
  const words = ['-c', `rm -rf -- "$1"/$2`, 'sh', resolve(pattern, '..')]
  spawnSync('sh', [...words, pattern.slice(pattern.lastIndexOf('/') + 1)])
}

/** The door of a scratch spool. */
export function outboxOf(spool: string): Promise<Outbox> {
  return openOutbox(spool, { clock: systemClock, create: true, anyFilesystem: true })
}

/** Queues so many messages, 64 at once. */
export async function enqueueAll(spool: string, to: string, count: number): Promise<void> {
  const outbox = await outboxOf(spool)
  await inFlight(count, 64, () =>
    outbox.enqueue({ draft: { to }, body: BODY, sender: { uid: 0 } }),
  )
}

/** Calls `once` for each number, so many at a time. */
export async function inFlight(
  count: number,
  width: number,
  call: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

/** Messages a second of what `run` did. */
export async function rate(count: number, run: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await run()
  return (count / (performance.now() - began)) * 1000
}
