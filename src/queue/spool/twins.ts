/**
 * twins - two files with one id: a restored backup, a copy made by hand, a name left behind.
 *
 * Files only grow. If one is the beginning of the other, the longer is later and the shorter
 * goes; of any other pair both are kept, one of them in corrupt/. Nothing is lost either way.
 */
import { closeSync, fstatSync } from 'node:fs'

import { isMissing } from '../../base/errno.ts'
import { openPlain, readAt } from './read.ts'

export type Verdict = 'same' | 'first' | 'second' | 'neither' | 'gone'

const CHUNK = 1024 * 1024

/**
 * Which of two files is the later one: 'first' or 'second' where the other is its beginning,
 * 'same' for equal ones, 'neither' for files that differ, 'gone' when one is not there any more.
 */
export function compareTwins(first: string, second: string): Verdict {
  const open: number[] = []
  const opened = (path: string) => {
    const fd = openPlain(path)
    open.push(fd)
    return { fd, stat: fstatSync(fd) }
  }
  try {
    const a = opened(first)
    const b = opened(second)
    if (!a.stat.isFile() || !b.stat.isFile()) return 'neither'
    const common = Math.min(a.stat.size, b.stat.size)
    for (let at = 0; at < common; at += CHUNK) {
      const length = Math.min(CHUNK, common - at)
      if (!readAt(a.fd, at, length).equals(readAt(b.fd, at, length))) return 'neither'
    }
    if (a.stat.size === b.stat.size) return 'same'
    return a.stat.size > b.stat.size ? 'first' : 'second'
  } catch (error) {
    if (isMissing(error)) return 'gone'
    throw error
  } finally {
    for (const fd of open) closeSync(fd)
  }
}
