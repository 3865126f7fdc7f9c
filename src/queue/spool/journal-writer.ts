/**
 * journal-writer - adds lines to the files of the journal, and keeps nobody waiting.
 *
 * Lines are gathered for a moment and leave in one write(2) of whole lines on a descriptor with
 * O_APPEND, in the thread pool, never synced: what several programs write does not mix, and a
 * kill loses a moment. Where the disk refuses that is reported once, lines are kept up to a
 * bound and tried again, and what is lost is counted. Nothing here ever throws.
 */
import { close, constants, fchmod, fstat, mkdir, open, read, write } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

import { errnoOf, isMissing, plainError } from '../../base/errno.ts'
import type { JournalLine } from '../../message/journal-line.ts'
import type { Report } from '../queue.ts'
import type { Layout } from './layout.ts'

const opened = promisify(open)
const closed = promisify(close)
const stated = promisify(fstat)
const chmodded = promisify(fchmod)
const made = promisify(mkdir)
const readInto = promisify(read)
const written = promisify(write)

const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
const EXISTING = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK

/** Lines are gathered for so long (ms). */
const MOMENT = 50
/** Or until they are so many characters. */
const ENOUGH = 256 * 1024
/** What the disk refused is tried again so much later (ms). */
const RETRY = 1_000
/** So much is kept meanwhile (characters). */
const MOST = 4 * 1024 * 1024

interface Batch {
  readonly day: string
  text: string
}

export class JournalWriter {
  readonly #layout: Layout
  readonly #report: (report: Report) => void
  #batches: Batch[] = []
  #size = 0
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isBroken = false
  #lost = 0

  constructor(layout: Layout, report: (report: Report) => void) {
    this.#layout = layout
    this.#report = report
  }

  add(line: JournalLine): void {
    if (this.#size > MOST) {
      this.#lost++
      return
    }
    // The file of its own day, so that a reader knows where to look.
    const day = line.at.slice(0, 10)
    const row = `${JSON.stringify(line)}\n`
    const last = this.#batches.at(-1)
    if (last?.day === day) last.text += row
    else this.#batches.push({ day, text: row })
    this.#size += row.length
    if (this.#size > ENOUGH && !this.#isBroken) void this.flush()
    else this.#soon(this.#isBroken ? RETRY : MOMENT)
  }

  /** Writes all there is; what the disk refuses now is tried once. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#writing !== undefined) await this.#writing
    if (this.#batches.length === 0) return
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined
    })
    await this.#writing
    if (this.#batches.length > 0) this.#soon(this.#isBroken ? RETRY : MOMENT)
  }

  /** The same for the last time. */
  async close(): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
    this.#timer = undefined
    const left = this.#batches.reduce((sum, { text }) => sum + linesIn(text), this.#lost)
    this.#batches = []
    this.#size = 0
    this.#sayLost(left)
  }

  #soon(ms: number): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.flush()
    }, ms)
    // Who wants the last lines written flushes or closes.
    this.#timer.unref()
  }

  async #writeAll(): Promise<void> {
    const batches = this.#batches
    this.#batches = []
    this.#size = 0
    while (batches.length > 0) {
      const { day, text } = batches[0]!
      try {
        const rest = await append(this.#layout.log(`${day}.jsonl`), text)
        if (rest !== '') {
          batches[0] = { day, text: rest }
          throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
        }
        batches.shift()
      } catch (error) {
        this.#keep(batches)
        this.#complain(error)
        return
      }
    }
    this.#isBroken = false
    this.#sayLost(this.#lost)
  }

  /** What was not written goes before what came meanwhile. */
  #keep(batches: readonly Batch[]): void {
    this.#batches = [...batches, ...this.#batches]
    this.#size = this.#batches.reduce((sum, { text }) => sum + text.length, 0)
  }

  #complain(error: unknown): void {
    if (this.#isBroken) return
    this.#isBroken = true
    const message = `journal: log/: ${plainError(error)}; deliveries go on without it`
    this.#report({ level: 'error', event: 'trouble', message })
  }

  #sayLost(count: number): void {
    this.#lost = 0
    if (count === 0) return
    const message = `journal: ${count} ${count === 1 ? 'line was' : 'lines were'} lost`
    this.#report({ level: 'error', event: 'trouble', message })
  }
}

function linesIn(text: string): number {
  return text.split('\n').length - 1
}

/** Appends whole lines in one write; the lines for which there was no room. */
async function append(path: string, text: string): Promise<string> {
  const fd = await openDay(path)
  try {
    const bytes = Buffer.from((await isTorn(fd)) ? `\n${text}` : text)
    const { bytesWritten } = await written(fd, bytes)
    if (bytesWritten === bytes.length) return ''
    // The line that was cut is written again: its first half is skipped by who reads it.
    const start = bytesWritten === 0 ? 0 : bytes.lastIndexOf(0x0a, bytesWritten - 1) + 1
    return bytes.toString('utf8', start)
  } finally {
    await closed(fd)
  }
}

/** True where a crash or a full disk left half a line at the end. */
async function isTorn(fd: number): Promise<boolean> {
  const { size } = await stated(fd)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  await readInto(fd, last, 0, 1, size - 1)
  return last[0] !== 0x0a
}

async function openDay(path: string): Promise<number> {
  for (let look = 0; ; look++)
    try {
      return await opened(path, EXISTING)
    } catch (error) {
      // Twice: another program may make or remove it at the same time.
      if (!isMissing(error) || look === 2) throw error
      const fd = await makeDay(path)
      if (fd !== undefined) return fd
    }
}

/** Makes the file of a day, and its folder; undefined when another program was faster. */
async function makeDay(path: string): Promise<number | undefined> {
  try {
    const fd = await opened(path, EXISTING | O_CREAT | O_EXCL, 0o640)
    // Whatever the umask: the group may read it.
    await chmodded(fd, 0o640).catch(() => {})
    return fd
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined
    if (!isMissing(error)) throw error
    await made(dirname(path), { mode: 0o750 }).catch((refused: unknown) => {
      if (errnoOf(refused) !== 'EEXIST') throw refused
    })
    return undefined
  }
}
