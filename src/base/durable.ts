/**
 * durable - writes that survive a power cut, or fail and leave nothing.
 *
 * Every byte is in and fsynced before a name becomes visible; a short write is a full disk and
 * never a success. A failed fsync is final: the file is removed, never fsynced again, because
 * the kernel may have dropped the pages that it could not write.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { close, fchmod, fsync, open, rename, unlink, writev } from 'node:fs'
import { promisify } from 'node:util'

const opened = promisify(open)
const closed = promisify(close)
const synced = promisify(fsync)
const renamed = promisify(rename)
const removed = promisify(unlink)
const chmodded = promisify(fchmod)

const { O_WRONLY, O_RDWR, O_RDONLY, O_CREAT, O_EXCL } = constants
const { O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants

/** The mode of a message whatever the umask: the folder's group may read, nobody may change. */
const FILE_MODE = 0o640

/** Writes all parts to a file that must not exist yet, fsynced. On failure nothing is left. */
export async function writeStaged(
  path: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  const fd = await opened(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE)
  try {
    await chmodded(fd, FILE_MODE)
    await writeAll(fd, parts)
    await synced(fd)
  } catch (error) {
    await removed(path).catch(() => {})
    throw error
  } finally {
    await closed(fd)
  }
}

async function writeAll(fd: number, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts.filter((part) => part.length > 0)
  while (left.length > 0) {
    let wrote = await written(fd, left)
    if (wrote === 0) throw Object.assign(new Error('short write'), { code: 'ENOSPC' })
    const rest: Uint8Array[] = []
    for (const part of left) {
      if (wrote < part.length) rest.push(part.subarray(wrote))
      wrote = Math.max(0, wrote - part.length)
    }
    left = rest
  }
}

function written(fd: number, parts: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, parts, (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
  })
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const fd = await opened(path, O_RDONLY | O_DIRECTORY)
  try {
    await synced(fd)
  } finally {
    await closed(fd)
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

/** rename(2). */
export const renameFile = renamed
/** unlink(2). */
export const removeFile = removed

/**
 * Appends a line to a regular file that exists. A torn last line gets a newline first; a short
 * write is taken back, so that no half line stays.
 */
export function appendLine(path: string, line: string): void {
  append(path, (fd) => appendToOpen(fd, line))
}

/** The same, always behind a newline of its own: what stood there can be told apart again. */
export function appendApart(path: string, line: string): void {
  append(path, (fd) => writeWhole(fd, `\n${line}`, fstatSync(fd).size))
}

/** appendLine through a descriptor that is open for reading and appending. */
export function appendToOpen(fd: number, line: string): void {
  const { size } = fstatSync(fd)
  const last = Buffer.alloc(1)
  if (size > 0) readSync(fd, last, 0, 1, size - 1)
  const torn = size > 0 && last[0] !== 0x0a
  writeWhole(fd, torn ? `\n${line}` : line, size)
}

function append(path: string, write: (fd: number) => void): void {
  // To open a device is to act on it already.
  if (!lstatSync(path).isFile())
    throw Object.assign(new Error('not a regular file'), { code: 'EINVAL' })
  const fd = openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
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

/** Writes one byte at the start of a file that exists: a wake-up for whoever watches it. */
export function touchByte(path: string): void {
  const fd = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    writeSync(fd, '\n', 0)
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
