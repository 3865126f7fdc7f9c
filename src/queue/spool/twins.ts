/**
 * twins - two files with one id: a restored backup, a copy made by hand, a name left behind.
 *
 * Files only grow. If one is the beginning of the other, the longer is later and the shorter
 * goes; of any other pair both are kept, one of them in corrupt/. Nothing is lost either way.
 */
import { closeSync, fstatSync } from 'node:fs'

import { isMissing } from '../../base/errno.ts'
import { Defect, openPlain, readAt } from './read.ts'

/** Which of the two counts. */
export type Verdict = 'first' | 'second' | 'neither'

const CHUNK = 1024 * 1024

/**
 * The one of two files that counts: the other is its beginning, equal to it, or gone. 'neither'
 * for files that differ. Throws what the system says of one that cannot be read.
 */
export function compareTwins(first: string, second: string): Verdict {
  let a: number | undefined
  let b: number | undefined
  try {
    b = openIfThere(second)
    if (b === undefined) return 'first'
    a = openIfThere(first)
    return a === undefined ? 'second' : compare(a, b)
  } catch (error) {
    if (error instanceof Defect) return 'neither'
    throw error
  } finally {
    for (const fd of [a, b]) if (fd !== undefined) closeSync(fd)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openPlain(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function compare(a: number, b: number): Verdict {
  const [sizeOfA, sizeOfB] = [fstatSync(a).size, fstatSync(b).size]
  const common = Math.min(sizeOfA, sizeOfB)
  for (let at = 0; at < common; at += CHUNK) {
    const length = Math.min(CHUNK, common - at)
    if (!readAt(a, at, length).equals(readAt(b, at, length))) return 'neither'
  }
  return sizeOfA >= sizeOfB ? 'first' : 'second'
}
