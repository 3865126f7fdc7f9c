/**
 * limits - a machine that says no: files that may not grow, and a disk that is full.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Test } from 'tap'

const FREE = 'unlimited:unlimited'

// Node ignores the signal by itself; tap's signal-exit would end us, were it the only one to hear.
process.on('SIGXFSZ', () => {})

/** Why there are no limits here, or false. */
export const NO_PRLIMIT = limit(FREE) ? false : 'no prlimit(1) here'

function limit(fsize: string): boolean {
  const ran = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${fsize}`])
  return ran.status === 0
}

/**
 * Does something while no file of this process may grow beyond so many bytes: write(2) is then
 * short, as on a full disk, and says EFBIG the next time.
 */
export async function withFileLimit<T>(
  bytes: number,
  act: () => Promise<T> | T,
): Promise<T> {
  if (!limit(`${bytes}:unlimited`)) throw new Error('prlimit failed')
  try {
    return await act()
  } finally {
    limit(FREE)
  }
}

/** A file system of a few MiB, or undefined where none can be mounted. */
export function smallDisk(t: Test): string | undefined {
  // Not below t.testdir(), which is removed before our teardown could unmount it.
  const folder = mkdtempSync(join(tmpdir(), 'msgq-disk-'))
  const [image, disk] = [join(folder, 'image'), join(folder, 'disk')]
  mkdirSync(disk)
  t.teardown(() => {
    spawnSync('umount', [disk])
    rmSync(folder, { recursive: true })
  })
  const runs: [string, string[]][] = [
    ['truncate', ['-s', '8M', image]],
    ['mkfs.ext4', ['-q', '-F', image]],
    ['mount', ['-o', 'loop', image, disk]],
  ]
  for (const [program, args] of runs)
    if (spawnSync(program, args, { stdio: 'ignore' }).status !== 0) return undefined
  return disk
}
