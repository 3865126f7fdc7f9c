/**
 * body - the bytes of one message: from the line, from a file, or from stdin.
 *
 * stdin is opened only when it is the body. Bytes stay as they are. What is over the limit is
 * refused as soon as that is seen, and the rest is not read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { briefSize } from '../base/size.ts'
import type { Io } from './command.ts'

/** Where the body of a message comes from. */
export type Source =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly path: string }
  /** `explicit`: somebody wrote `@-`. */
  | { readonly kind: 'stdin'; readonly explicit: boolean }

const CHUNK = 64 * 1024

/** The source that the value of -d or --json names: DATA, @FILE or @-. */
export function sourceOf(option: string, value: string): Source {
  if (value === '@-') return { kind: 'stdin', explicit: true }
  if (value === '-')
    throw new MsgqError('usage', `${option} -: is one dash`, `${option} @- reads stdin`)
  if (value === '@') throw new MsgqError('usage', `${option} @: names no file`)
  if (value.startsWith('@')) return { kind: 'file', path: value.slice(1) }
  return { kind: 'bytes', bytes: Buffer.from(value) }
}

/** All bytes of a source. */
export async function readSource(source: Source, io: Io, limit: number): Promise<Buffer> {
  if (source.kind === 'bytes') {
    if (source.bytes.length > limit) throw tooLarge(limit)
    return source.bytes
  }
  return source.kind === 'file' ? readFile(source.path, limit) : readStdin(io, limit)
}

function readFile(path: string, limit: number): Buffer {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const stat = fstatSync(fd)
    // The size of a pipe or a device says nothing.
    if (stat.isFile() && stat.size > limit) throw tooLarge(limit)
    return readAll(fd, limit)
  } catch (error) {
    if (error instanceof MsgqError) throw error
    throw new MsgqError('no-input', `@${path}: ${plainError(error)}`, undefined, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function readAll(fd: number, limit: number): Buffer {
  const chunks: Buffer[] = []
  let bytes = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK)
    const read = readSync(fd, chunk)
    if (read === 0) return Buffer.concat(chunks, bytes)
    bytes += read
    if (bytes > limit) throw tooLarge(limit)
    chunks.push(chunk.subarray(0, read))
  }
}

async function readStdin(io: Io, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of io.stdin as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limit) throw tooLarge(limit)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof MsgqError) throw error
    throw new MsgqError('no-input', `stdin: ${plainError(error)}`, undefined, error)
  }
  return Buffer.concat(chunks, bytes)
}

/** What is said of a body beyond the limit (bytes). */
export function tooLarge(limit: number): MsgqError {
  return new MsgqError(
    'data',
    `message: is over the limit of ${briefSize(limit)}`,
    'message_size_limit in msgq.toml sets it; or send where the data lies, and not the data',
  )
}
