/**
 * grip - one open descriptor on a message that is acted upon: it reads what its sender said of
 * its time, and writes the line of the act wherever the file is by then.
 *
 * The trail is only the story. What cannot be opened or written never stops a move, and behind
 * the last byte of a file made by hand nothing is written: it would be body.
 */
import { closeSync, constants, lstatSync, openSync } from 'node:fs'

import { appendToOpen } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import { checkEnvelope, parseObject } from '../../message/envelope.ts'
import type { Envelope } from '../../message/envelope.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { TrailLine } from '../../message/trail.ts'
import { notBeforeOf } from '../states.ts'
import { EDGE, firstLine, readAt } from './read.ts'

/** Most envelopes are shorter. */
const FIRST = 2 * 1024

const { O_RDWR, O_RDONLY, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants
const PLAIN = O_NOFOLLOW | O_NONBLOCK

export class Grip {
  readonly #path: string
  #fd: number | undefined
  #canWrite = false
  #isOpened = false
  #head: Envelope | 'unsealed' | undefined
  /** Why a file that is there could not be read. */
  #trouble: unknown

  /** Nothing is opened yet. */
  constructor(path: string) {
    this.#path = path
  }

  /** The sender's own earliest time, epoch ms; throws what the system says where nobody can tell. */
  notBefore(): number | undefined {
    this.open()
    if (this.#trouble !== undefined) throw this.#trouble
    return this.#head === 'unsealed' ? undefined : notBeforeOf(this.#head)
  }

  /** Takes hold of the file, where that is possible; again does nothing. */
  open(): void {
    if (this.#isOpened) return
    this.#isOpened = true
    try {
      // To open what is no file may block, or act.
      if (!lstatSync(this.#path).isFile()) return
      this.#fd = this.#openToWrite() ?? openSync(this.#path, O_RDONLY | PLAIN)
      this.#head = headOf(this.#fd)
    } catch (error) {
      // Not there any more: the move decides.
      if (!isMissing(error)) this.#trouble = error
    }
  }

  /** Appends a line, if that is possible. */
  write(line: TrailLine | undefined): void {
    const canWrite = this.#canWrite && this.#head !== 'unsealed'
    if (this.#fd === undefined || !canWrite || line === undefined) return
    try {
      appendToOpen(this.#fd, formatTrailLine(line))
    } catch {
      // A full disk never stops a move.
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #openToWrite(): number | undefined {
    try {
      const fd = openSync(this.#path, O_RDWR | O_APPEND | PLAIN)
      this.#canWrite = true
      return fd
    } catch {
      return undefined
    }
  }
}

/** The envelope; 'unsealed' for a file made by hand; undefined for what is no message. */
function headOf(fd: number): Envelope | 'unsealed' | undefined {
  const start = readAt(fd, 0, FIRST)
  const isCut = start.length === FIRST && !start.includes(0x0a)
  try {
    const raw = parseObject(firstLine(isCut ? readAt(fd, 0, EDGE) : start).line)
    return raw['v'] === undefined ? 'unsealed' : checkEnvelope(raw)
  } catch {
    return undefined
  }
}
