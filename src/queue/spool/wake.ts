/**
 * wake - tells the daemon that something may have arrived. A hint, and no data that counts.
 *
 * Senders write a line to `run/wake`, which chokidar watches; of its events only `raw` comes at
 * once and for every line (the others are throttled, and drop). A ring that is lost, or a file
 * that cannot be made, costs a fraction of a second: the folder's time is looked at four times a
 * second, and it is read every few seconds regardless. Never a watcher over a folder with a
 * backlog: chokidar stats every file of it at each arrival.
 */
import { closeSync, fchmodSync, openSync, statSync, truncateSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { plainError } from '../../base/errno.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'

const LOOK_EVERY = 250
const READ_EVERY = 5_000
/** While the folder's time is younger, a second arrival may hide behind the same time. */
const SETTLED = 2_000
/** Nobody waits longer for a watcher that does not come up (ms). */
const PATIENCE = 2_000

/** Anybody who may send may ring, whatever the umask. */
const WAKE_MODE = 0o622
/** Whoever may write a line may write many: beyond this it is emptied. */
const FULL = 64 * 1024

export interface Wake {
  close(): Promise<void>
}

/** Calls back at each ring, at each change of incoming/, and every few seconds. */
export async function watchWake(
  layout: Layout,
  clock: Clock,
  onHint: () => void,
  report: (report: Report) => void = () => {},
): Promise<Wake> {
  const path = layout.run('wake')
  try {
    const fd = openSync(path, 'a', WAKE_MODE)
    try {
      fchmodSync(fd, WAKE_MODE)
    } catch {
      // Another's, from before the spool changed hands: what he may not ring, we look at.
    }
    closeSync(fd)
  } catch (error) {
    const message = `${path}: ${plainError(error)}: what is sent is found by looking`
    report({ level: 'warn', event: 'trouble', message })
  }
  const { watch } = await import('chokidar')
  const watcher = watch(path, { ignoreInitial: true })
  watcher.on('raw', onHint)
  await new Promise<void>((resolve) => {
    const patience = setTimeout(resolve, PATIENCE)
    const go = () => {
      clearTimeout(patience)
      resolve()
    }
    watcher.once('ready', go)
    // A watcher that cannot watch (no inotify instance left) leaves us the looks below.
    watcher.on('error', go)
  })
  const timer = setInterval(looker(layout, clock, onHint), LOOK_EVERY)
  return {
    close: async () => {
      clearInterval(timer)
      await watcher.close()
    },
  }
}

function looker(layout: Layout, clock: Clock, onHint: () => void): () => void {
  let seen: number | undefined
  let looks = 0
  return () => {
    looks++
    const mtime = mtimeOf(layout.folder('incoming'))
    const young = mtime !== undefined && Math.abs(clock.now() - mtime) < SETTLED
    if (looks % (READ_EVERY / LOOK_EVERY) === 0) {
      emptyFull(layout.run('wake'))
      onHint()
    } else if (young || mtime !== seen) onHint()
    seen = mtime
  }
}

function emptyFull(path: string): void {
  try {
    if (statSync(path).size > FULL) truncateSync(path)
  } catch {
    // Gone, or another's: it harms nobody.
  }
}

/** Undefined where it cannot be told: whoever looks closer says why. */
function mtimeOf(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs
  } catch {
    return undefined
  }
}
