/**
 * journal-reader - lines of one file of the journal, from either end, a piece at a time.
 *
 * A file may be of any size and is never held. A line that is longer than any of ours is passed
 * by, so that damage does no harm.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

import { isMissing } from '../../base/errno.ts'

const NEWLINE = 0x0a
const PIECE = 256 * 1024
/** No line of ours is as long. */
const LONGEST = 256 * 1024

/** What of a file is read. */
export interface Part {
  readonly path: string
  readonly from: number
  readonly to: number
  /** Only lines in which one of these stands. */
  readonly needles?: readonly string[]
  /** How much is read at once: another size is for tests. */
  readonly piece?: number
}

/** The lines of a part of a file; those of one that is gone are none. */
export async function* linesOf(part: Part, reverse = false): AsyncGenerator<string> {
  const file = await openOrNone(part.path)
  if (file === undefined) return
  try {
    const blocks = reverse ? backward(file, part) : forward(file, part)
    for await (const block of blocks)
      yield* reverse
        ? rowsOf(block, part.needles).toReversed()
        : rowsOf(block, part.needles)
  } finally {
    await file.close()
  }
}

/** Where the last whole line of a file ends; 0 for one that is gone. */
export async function endOf(path: string): Promise<number> {
  const file = await openOrNone(path)
  if (file === undefined) return 0
  try {
    const { size } = await file.stat()
    const last = await bytesOf(file, Math.max(0, size - 1), size)
    if (last[0] === NEWLINE) return size
    // Half a line: somebody is writing it, or died.
    const piece = await bytesOf(file, Math.max(0, size - LONGEST), size)
    return size - piece.length + piece.lastIndexOf(NEWLINE) + 1
  } finally {
    await file.close()
  }
}

async function openOrNone(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Blocks of whole lines. */
async function* forward(file: FileHandle, part: Part): AsyncGenerator<Buffer> {
  const { from, to, piece: size = PIECE } = part
  let rest: Buffer = Buffer.alloc(0)
  for (let at = from; at < to;) {
    const piece = await bytesOf(file, at, Math.min(to, at + size))
    if (piece.length === 0) break
    at += piece.length
    const end = piece.lastIndexOf(NEWLINE) + 1
    if (end === 0) {
      rest = rest.length > LONGEST ? Buffer.alloc(0) : Buffer.concat([rest, piece])
      continue
    }
    yield Buffer.concat([rest, piece.subarray(0, end)])
    rest = piece.subarray(end)
  }
  yield rest
}

/** Blocks of whole lines, the last one first. */
async function* backward(file: FileHandle, part: Part): AsyncGenerator<Buffer> {
  const { from, to, piece: size = PIECE } = part
  let rest: Buffer = Buffer.alloc(0)
  for (let at = to; at > from;) {
    const start = Math.max(from, at - size)
    const piece = await bytesOf(file, start, at)
    at = start
    const begin = piece.indexOf(NEWLINE) + 1
    if (begin === 0) {
      rest = rest.length > LONGEST ? Buffer.alloc(0) : Buffer.concat([piece, rest])
      continue
    }
    yield Buffer.concat([piece.subarray(begin), rest])
    rest = piece.subarray(0, begin)
  }
  yield rest
}

async function bytesOf(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from)
  return buffer.subarray(0, bytesRead)
}

/** The lines of a block. Looking for one text is much faster than looking at each line. */
function rowsOf(block: Buffer, needles: readonly string[] | undefined): string[] {
  const [needle, ...others] = needles ?? []
  if (needle !== undefined && others.length === 0) return rowsWith(block, needle)
  const rows = block.toString().split('\n')
  return needles === undefined
    ? rows
    : rows.filter((row) => needles.some((each) => row.includes(each)))
}

function rowsWith(block: Buffer, needle: string): string[] {
  const rows: string[] = []
  for (let at = block.indexOf(needle); at !== -1;) {
    const start = block.lastIndexOf(NEWLINE, at) + 1
    const next = block.indexOf(NEWLINE, at)
    const end = next === -1 ? block.length : next
    rows.push(block.toString('utf8', start, end))
    at = block.indexOf(needle, end)
  }
  return rows
}
