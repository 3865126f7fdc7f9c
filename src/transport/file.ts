/**
 * file - delivers a message by appending it to a file, as one line of JSON.
 *
 * Delivered is what is fsynced, with the name of the file. The file is opened anew each time,
 * so that one that was rotated away by rename is followed by a new one. What comes at once goes
 * in one write and one fsync. A crash in between may leave a line that is appended again: its
 * id tells. Never writes through a symbolic link, nor into anything but a regular file.
 */
import { appendSynced } from '../base/durable.ts'
import { errnoOf, plainError } from '../base/errno.ts'
import { printable } from '../base/text.ts'
import type { FileDestination } from '../config/config.ts'
import type { Fault, Outcome } from '../message/outcome.ts'
import { lineOf } from './line.ts'
import type { Attempt, Transport } from './transport.ts'

/** What the disk does, and no operator mends in the configuration. */
const OF_DISK = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG'])

/** The transport of destinations of type `file`. */
export function createFileTransport(): Transport<FileDestination> {
  const files = new Map<string, Appender>()

  return {
    async deliver(attempt, signal) {
      if (signal.aborted)
        return { ...deferred('stopped before it was written'), uncharged: true }
      const { path } = attempt.destination
      let line: Buffer
      try {
        line = await lineFor(attempt)
      } catch (error) {
        return deferred(`body cannot be read: ${plainError(error)}`)
      }
      let appender = files.get(path)
      if (appender === undefined) files.set(path, (appender = new Appender(path)))
      try {
        await appender.append(line)
        return { kind: 'delivered', reason: `appended to ${printable(path, 200)}` }
      } catch (error) {
        return unwritten(path, error)
      } finally {
        if (appender.isIdle) files.delete(path)
      }
    },
    async close() {
      await Promise.all([...files.values()].map((file) => file.rest()))
    },
  }
}

async function lineFor({
  envelope,
  body,
  destination,
}: Attempt<FileDestination>): Promise<Buffer> {
  if (body.kind === 'bytes') return lineOf(envelope, body.bytes, destination.contentType)
  const chunks: Uint8Array[] = []
  for await (const chunk of body.open()) chunks.push(chunk as unknown as Uint8Array)
  const bytes = Buffer.concat(chunks)
  if (bytes.length !== body.length)
    throw new Error('it is not as long as it was said to be')
  return lineOf(envelope, bytes, destination.contentType)
}

function unwritten(path: string, error: unknown): Outcome {
  const code = errnoOf(error) ?? ''
  const why = code === 'ENOENT' ? 'its directory is missing' : plainError(error)
  const fault = OF_DISK.has(code) ? 'receiver' : 'configuration'
  return deferred(`cannot be appended to ${path}: ${why}`, fault)
}

function deferred(reason: string, fault: Fault = 'configuration') {
  return { kind: 'deferred', reason: printable(reason), fault } as const
}

interface Waiting {
  readonly line: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Appends to one file, all that came while the last lines were written at once. */
class Appender {
  readonly #path: string
  #waiting: Waiting[] = []
  #turn: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** True while nothing is written and nothing waits to be. */
  get isIdle(): boolean {
    return this.#turn === undefined
  }

  /** Resolves once the line is durable. */
  append(line: Uint8Array): Promise<void> {
    const appended = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
    })
    this.#turn ??= this.#writeAll()
    return appended
  }

  /** Resolves once nothing is under way. */
  async rest(): Promise<void> {
    await this.#turn
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const these = this.#waiting
      this.#waiting = []
      try {
        await appendSynced(this.#path, Buffer.concat(these.map(({ line }) => line)))
        for (const { resolve } of these) resolve()
      } catch (error) {
        for (const { reject } of these) reject(error)
      }
    }
    this.#turn = undefined
  }
}
