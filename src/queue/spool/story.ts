/**
 * story - envelope and trail of one file for who selects by them, and no more of it.
 *
 * Nothing is proven: that is for who delivers or shows the message. What is no message has the
 * end of its file for a story, where it says why it was put aside. Two short reads, so that a
 * hundred thousand files can be asked.
 */
import { closeSync, fstatSync } from 'node:fs'

import { isMissing } from '../../base/errno.ts'
import { checkEnvelope, parseObject } from '../../message/envelope.ts'
import type { Envelope } from '../../message/envelope.ts'
import type { Story } from '../../message/selector.ts'
import { parseTrail } from '../../message/trail.ts'
import { Defect, EDGE, firstLine, openPlain, readAt } from './read.ts'

/** Most files are shorter: one read has all of it. */
const FIRST = 8 * 1024

/** What a file says of its message; throws what the system says of one that is gone, or breaks off. */
export function readStory(path: string): Story {
  let fd
  try {
    fd = openPlain(path)
  } catch (error) {
    if (isMissing(error)) throw error
    return error instanceof Defect ? { trail: [] } : { trail: [], unread: true }
  }
  try {
    const { size } = fstatSync(fd)
    const start = readAt(fd, 0, Math.min(size, FIRST))
    const { envelope, bodyAt } = headOf(start, fd)
    const from = Math.max(
      envelope === undefined ? 0 : bodyAt + envelope.bytes + 1,
      size - EDGE,
    )
    const tail =
      size <= start.length
        ? start.subarray(from)
        : readAt(fd, from, Math.max(0, size - from))
    return { envelope, trail: parseTrail(tail.toString('utf8')) }
  } finally {
    closeSync(fd)
  }
}

function headOf(
  start: Buffer,
  fd: number,
): { envelope: Envelope | undefined; bodyAt: number } {
  try {
    const isCut = start.length === FIRST && !start.includes(0x0a)
    const { line, bodyAt } = firstLine(isCut ? readAt(fd, 0, EDGE) : start)
    return { envelope: checkEnvelope(parseObject(line)), bodyAt }
  } catch {
    return { envelope: undefined, bodyAt: 0 }
  }
}
