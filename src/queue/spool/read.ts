/**
 * read - one message file, proven.
 *
 * Line 1 the envelope, then exactly `bytes` bytes of body, a newline, then the trail. The bytes
 * disprove themselves (Defect), are of a later msgq (NewerFormatError), or could not be read
 * (the system's error, thrown as it is): three different things, and only the first is corrupt.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
} from 'node:fs'
import type { Stats } from 'node:fs'

import { MsgqError } from '../../base/errors.ts'
import { briefSize } from '../../base/size.ts'
import type { Body } from '../../message/body.ts'
import {
  NewerFormatError,
  checkEnvelope,
  parseObject,
  sha256,
} from '../../message/envelope.ts'
import type { Envelope } from '../../message/envelope.ts'
import { parseTrail } from '../../message/trail.ts'
import type { TrailLine } from '../../message/trail.ts'

/** The first line is at most this long, and so much of the trail is read. */
export const EDGE = 64 * 1024
/** Bodies up to this are read whole; above it they are streamed. */
export const WHOLE = 1024 * 1024

/** Why the bytes of a file are no message; `cut` when more of them would make it one. */
export class Defect extends Error {
  readonly cut: boolean

  constructor(why: string, cut = false) {
    super(why)
    this.cut = cut
  }
}

/** The file was never sealed: it was made by hand and is to be adopted. */
export class Unsealed extends Error {}

export interface MessageFile {
  readonly envelope: Envelope
  readonly trail: readonly TrailLine[]
  readonly size: number
  readonly uid: number
  /** Names that the file has. */
  readonly links: number
  /** Where the body begins. */
  readonly bodyAt: number
  /** The body, proven, where it is small enough to be read whole. */
  readonly body?: Uint8Array
}

/** Opens a regular file. Of anything else nothing is opened: that may block, or act. */
export function openPlain(path: string): number {
  plainStat(path)
  return openSync(path, READ)
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

function plainStat(path: string): Stats {
  const stat = lstatSync(path)
  if (!stat.isFile()) throw new Defect(`is a ${kindOf(stat)}, not a file`)
  return stat
}

function kindOf(stat: Stats): string {
  if (stat.isSymbolicLink()) return 'symbolic link'
  if (stat.isDirectory()) return 'directory'
  if (stat.isFIFO()) return 'FIFO'
  return stat.isSocket() ? 'socket' : 'device'
}

/** The envelope alone; nothing is proven but that there is one. */
export function readEnvelope(path: string): Envelope {
  const fd = openPlain(path)
  try {
    return open(firstLine(readAt(fd, 0, EDGE)).line)
  } finally {
    closeSync(fd)
  }
}

/** True for a file made by hand, which has no trail: behind its last byte a line were body. */
export function isUnsealed(path: string): boolean {
  try {
    readEnvelope(path)
    return false
  } catch (error) {
    return error instanceof Unsealed
  }
}

/** Reads the file; a body over WHOLE is left for `bodyOf`. */
export function readMessage(path: string): MessageFile {
  const stat = plainStat(path)
  const fd = openSync(path, READ)
  try {
    const whole = stat.size <= WHOLE + 2 * EDGE
    const start = readAt(fd, 0, whole ? stat.size : Math.min(stat.size, EDGE))
    const { line, bodyAt } = firstLine(start)
    const envelope = open(line)
    const bodyEnd = bodyAt + envelope.bytes
    checkLength(stat.size, bodyEnd, envelope.bytes, bodyAt)
    const known = {
      envelope,
      size: stat.size,
      uid: stat.uid,
      links: stat.nlink,
      bodyAt,
    }
    if (whole) {
      if (start[bodyEnd] !== 0x0a) throw new Defect('its body does not end in a newline')
      const body = start.subarray(bodyAt, bodyEnd)
      if (sha256(body) !== envelope.sha256)
        throw new Defect('its body is not the one sealed')
      const trail = parseTrail(
        start.toString('utf8', Math.max(bodyEnd + 1, start.length - EDGE)),
      )
      // A longer one is proven here and streamed all the same: two of them must not fill us.
      return envelope.bytes <= WHOLE ? { ...known, trail, body } : { ...known, trail }
    }
    if (readAt(fd, bodyEnd, 1)[0] !== 0x0a)
      throw new Defect('its body does not end in a newline')
    const from = Math.max(bodyEnd + 1, stat.size - EDGE)
    return {
      ...known,
      trail: parseTrail(readAt(fd, from, stat.size - from).toString('utf8')),
    }
  } finally {
    closeSync(fd)
  }
}

/** The body of a proven file; a long one is read through once to prove it. */
export async function bodyOf(path: string, file: MessageFile): Promise<Body> {
  if (file.body !== undefined) return { kind: 'bytes', bytes: file.body }
  const { bodyAt, envelope } = file
  const stream = () =>
    createReadStream(path, {
      start: bodyAt,
      end: bodyAt + envelope.bytes - 1,
      highWaterMark: 256 * 1024,
    })
  const hash = createHash('sha256')
  for await (const chunk of stream()) hash.update(chunk as Buffer)
  if (hash.digest('hex') !== envelope.sha256)
    throw new Defect('its body is not the one sealed')
  return { kind: 'stream', length: envelope.bytes, open: stream }
}

/** Line 1 and where the rest begins. */
export function firstLine(start: Buffer): { line: string; bodyAt: number } {
  const end = start.subarray(0, EDGE).indexOf(0x0a)
  if (end < 0 && start.length < EDGE) throw new Defect('has no envelope line', true)
  if (end < 0) throw new Defect(`its first line is longer than ${briefSize(EDGE)}`)
  try {
    return { line: UTF8.decode(start.subarray(0, end)), bodyAt: end + 1 }
  } catch {
    throw new Defect('its first line is not UTF-8')
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function open(line: string): Envelope {
  try {
    const raw = parseObject(line)
    if (raw['v'] === undefined) throw new Unsealed()
    return checkEnvelope(raw)
  } catch (error) {
    if (error instanceof NewerFormatError) throw error
    if (error instanceof MsgqError) throw new Defect(error.message)
    throw error
  }
}

function checkLength(size: number, bodyEnd: number, bytes: number, bodyAt: number): void {
  if (size > bodyEnd) return
  const there = Math.max(0, size - bodyAt)
  throw new Defect(`is cut short: ${there} of ${bytes} bytes of body, and a newline`, true)
}

/** Up to `length` bytes from a position; fewer only at the end of the file. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const got = readSync(fd, buffer, filled, length - filled, position + filled)
    if (got === 0) break
    filled += got
  }
  return buffer.subarray(0, filled)
}

/** The end of any file, as text: where the reason stands why it was put aside. */
export function readTail(path: string): string {
  const fd = openPlain(path)
  try {
    const { size } = fstatSync(fd)
    const from = Math.max(0, size - EDGE)
    return readAt(fd, from, size - from).toString('utf8')
  } finally {
    closeSync(fd)
  }
}
