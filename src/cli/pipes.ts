/**
 * pipes - pipes of the kind that a shell makes, for the output of another program.
 *
 * Node gives its children sockets. A script that writes to /dev/stderr cannot open one, and who
 * writes to one that nobody reads hears ECONNRESET where a pipe ends it by SIGPIPE. So these are
 * FIFOs whose names are gone before anybody can use them. Where they cannot be made (no room, no
 * mkfifo) sockets have to do.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

export interface Pipe {
  readonly reader: Readable
  /** The end for the other program; to be closed here once it has it. */
  readonly writer: number
}

/** So many pipes; undefined where there can be none. */
export function makePipes(count: number): readonly Pipe[] | undefined {
  let folder: string | undefined
  const open: number[] = []
  try {
    folder = mkdtempSync(join(tmpdir(), 'msgq-'))
    const names = Array.from({ length: count }, (_, index) => join(folder!, String(index)))
    if (spawnSync('mkfifo', ['-m', '600', ...names]).status !== 0) return undefined
    const ends = names.map((name) => {
      // Opened for reading first, because a FIFO without a reader cannot be opened for writing.
      const reader = openSync(name, O_RDONLY | O_NONBLOCK)
      open.push(reader)
      const writer = openSync(name, O_WRONLY)
      open.push(writer)
      return { reader, writer }
    })
    return ends.map(({ reader, writer }) => ({
      reader: new Socket({ fd: reader, readable: true, writable: false }),
      writer,
    }))
  } catch {
    for (const fd of open) closeSync(fd)
    return undefined
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}
