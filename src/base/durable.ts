/**
 * durable - writes that survive a power cut, or fail and leave nothing.
 *
 * Every byte is in and fsynced before a name becomes visible; a short write is a full disk and
 * never a success. A failed fsync is final: the file is removed, never fsynced again, because
 * the kernel may have dropped the pages that it could not write.
 */
import { randomInt } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
  writevSync,
} from 'node:fs'
import { close, fchmod, fsync, open, rename, unlink, writev } from 'node:fs'
import { lstat, open as openFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

/** The calls of a write that the disk may take its time for. */
export interface Calls {
  readonly open: (path: string, flags: number, mode?: number) => Promise<number>
  readonly chmod: (fd: number, mode: number) => Promise<void>
  readonly write: (fd: number, parts: readonly Uint8Array[]) => Promise<number>
  readonly sync: (fd: number) => Promise<void>
  readonly close: (fd: number) => Promise<void>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly remove: (path: string) => Promise<void>
}

/** Through the thread pool: many at once, and nobody else has to wait. */
export const POOLED: Calls = {
  open: promisify(open),
  chmod: promisify(fchmod),
  write: (fd, parts) =>
    new Promise((resolve, reject) => {
      writev(fd, parts, (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
    }),
  sync: promisify(fsync),
  close: promisify(close),
  rename: promisify(rename),
  remove: promisify(unlink),
}

/** By the calling thread itself: the shortest way for one alone. */
export const DIRECT: Calls = {
  open: async (path, flags, mode) => openSync(path, flags, mode),
  chmod: async (fd, mode) => fchmodSync(fd, mode),
  write: async (fd, parts) => writevSync(fd, parts),
  sync: async (fd) => fsyncSync(fd),
  close: async (fd) => closeSync(fd),
  rename: async (from, to) => renameSync(from, to),
  remove: async (path) => unlinkSync(path),
}

/**
 * For many at once where nobody else has to wait: by the calling thread, but for the syncs, which
 * begin when all of a turn have written, and end together. What goes to the page cache costs less
 * than the way to another thread and back; but what makes a name while others sync waits for the
 * disk's journal.
 */
export function together(): Calls {
  let waiting: { fd: number; settle: (synced: Promise<void>) => void }[] = []
  const begin = async () => {
    const all = waiting
    waiting = []
    const synced = all.map(({ fd }) => POOLED.sync(fd))
    await Promise.allSettled(synced)
    for (const [n, { settle }] of all.entries()) settle(synced[n]!)
  }
  const sync = (fd: number) =>
    new Promise<void>((settle) => {
      if (waiting.push({ fd, settle }) === 1) setImmediate(begin)
    })
  return { ...DIRECT, sync }
}

const { O_WRONLY, O_RDWR, O_RDONLY, O_CREAT, O_EXCL } = constants
const { O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants

/** The mode of a message whatever the umask: the folder's group may read, nobody may change. */
const FILE_MODE = 0o640

/** Writes all parts to a file that must not exist yet, fsynced. On failure nothing is left. */
export async function writeStaged(
  path: string,
  parts: readonly Uint8Array[],
  calls = POOLED,
  mode = FILE_MODE,
): Promise<void> {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
  const fd = await calls.open(path, flags, mode)
  try {
    await calls.chmod(fd, mode)
    await writeAll(fd, parts, calls)
    await calls.sync(fd)
  } catch (error) {
    await calls.remove(path).catch(() => {})
    throw error
  } finally {
    await calls.close(fd)
  }
}

async function writeAll(
  fd: number,
  parts: readonly Uint8Array[],
  calls: Calls,
): Promise<void> {
  let left = parts.filter((part) => part.length > 0)
  while (left.length > 0) {
    let wrote = await calls.write(fd, left)
    if (wrote === 0) throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
    const rest: Uint8Array[] = []
    for (const part of left) {
      if (wrote < part.length) rest.push(part.subarray(wrote))
      wrote = Math.max(0, wrote - part.length)
    }
    left = rest
  }
}

/**
 * Writes a small file in place of what stands there, whole or not at all, durable with its name.
 * A crash leaves the old one or the new one, and perhaps what was staged beside it: where nobody
 * else writes it (`alone`) that goes with the next one.
 */
export async function replaceFile(
  path: string,
  text: string,
  { mode = FILE_MODE, alone = false }: { mode?: number; alone?: boolean } = {},
): Promise<void> {
  const staged = `${path}.${alone ? 'new' : randomInt(2 ** 32)}`
  if (alone) removeSync(staged)
  await writeStaged(staged, [Buffer.from(text)], POOLED, mode)
  await renameFile(staged, path).catch(async (error: unknown) => {
    await removeFile(staged).catch(() => {})
    throw error
  })
  await syncFolder(dirname(path))
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string, calls = POOLED): Promise<void> {
  const fd = await calls.open(path, O_RDONLY | O_DIRECTORY)
  try {
    await calls.sync(fd)
  } finally {
    await calls.close(fd)
  }
}

/** The same at once, for folders that were just made. */
export function syncFolderSync(path: string): void {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes what was written to a file durable, by whom ever. */
export function syncFileSync(path: string): void {
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** rename(2). */
export function renameFile(from: string, to: string, calls = POOLED): Promise<void> {
  return calls.rename(from, to)
}

/** unlink(2). */
export function removeFile(path: string, calls = POOLED): Promise<void> {
  return calls.remove(path)
}

/**
 * Appends a line to a regular file that exists. A torn last line gets a newline first; a short
 * write is taken back, so that no half line stays.
 */
export function appendLine(path: string, line: string): void {
  append(path, (fd) => appendToOpen(fd, line))
}

/** appendLine, fsynced: through the thread pool, as others wait for it. */
export async function appendDurably(path: string, line: string): Promise<void> {
  const fd = openToAppend(path)
  try {
    appendToOpen(fd, line)
    await POOLED.sync(fd)
  } finally {
    closeSync(fd)
  }
}

/** appendLine, always behind a newline of its own: what stood there can be told apart again. */
export function appendApart(path: string, line: string): void {
  append(path, (fd) => writeWhole(fd, `\n${line}`, fstatSync(fd).size))
}

/**
 * Appends lines to a regular file, which is made where it is missing, and resolves once they and
 * the file's name are durable. A torn last line gets a newline first; a short write is taken
 * back. A crash before that may leave the lines there or not, and of the last one a part.
 */
export async function appendSynced(path: string, lines: Uint8Array): Promise<void> {
  // To open a device is to act on it already; what comes between is seen below.
  const before = await lstat(path).catch(() => undefined)
  if (before !== undefined && !before.isFile() && !before.isSymbolicLink())
    throw Object.assign(new Error('not a regular file'), { code: 'EINVAL' })
  const flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK
  const file = await openFile(path, flags, FILE_MODE)
  try {
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    const torn = size > 0 && last[0] !== 0x0a
    const bytes = torn ? Buffer.concat([Buffer.from('\n'), lines]) : lines
    const { bytesWritten } = await file.write(bytes)
    if (bytesWritten < bytes.length) {
      // Not where another one's line already stands behind ours.
      if ((await file.stat()).size === size + bytesWritten) await file.truncate(size)
      throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
    }
    await file.sync()
    if ((await file.stat()).nlink === 0) throw new Error('the file was removed meanwhile')
    await syncFolder(dirname(path))
  } finally {
    await file.close()
  }
}

/** appendLine through a descriptor that is open for reading and appending. */
export function appendToOpen(fd: number, line: string): void {
  const { size } = fstatSync(fd)
  const last = Buffer.alloc(1)
  if (size > 0) readSync(fd, last, 0, 1, size - 1)
  const torn = size > 0 && last[0] !== 0x0a
  writeWhole(fd, torn ? `\n${line}` : line, size)
}

function openToAppend(path: string): number {
  // To open a device is to act on it already.
  if (!lstatSync(path).isFile())
    throw Object.assign(new Error('not a regular file'), { code: 'EINVAL' })
  return openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
}

function append(path: string, write: (fd: number) => void): void {
  const fd = openToAppend(path)
  try {
    write(fd)
  } finally {
    closeSync(fd)
  }
}

function writeWhole(fd: number, text: string, size: number): void {
  const bytes = Buffer.from(text)
  const wrote = writeSync(fd, bytes)
  if (wrote === bytes.length) return
  // Not where another one's line already stands behind ours.
  if (fstatSync(fd).size === size + wrote) ftruncateSync(fd, size)
  throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
}

/** Writes a line at the start of a file that exists: a wake-up for whoever watches it. */
export function writeFirstLine(path: string, line: string): void {
  const fd = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    writeSync(fd, `${line}\n`, 0)
  } finally {
    closeSync(fd)
  }
}

/** Removes a file; false when it was gone already. */
export function removeSync(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
