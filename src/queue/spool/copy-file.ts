/**
 * copy-file - the bytes of one file as they are now, in another place: with owner, mode and time,
 * and fsynced. A name that is taken there is never overwritten.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

import { errnoOf, isMissing } from '../../base/errno.ts'
import { cannotUse } from './layout.ts'

/** What came of it: how many bytes, or why there are none. */
export type Copied =
  | { readonly kind: 'copied'; readonly bytes: number }
  | { readonly kind: 'gone' }
  /** It is no regular file. */
  | { readonly kind: 'strange' }
  | { readonly kind: 'unread'; readonly error: unknown }

const CHUNK = 1 << 20

/** Copies a file. Throws a MsgqError where the copy cannot be made. */
export async function copyFile(from: string, to: string): Promise<Copied> {
  // A link is not followed and a FIFO not waited for: other users may have put it there.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  let source: FileHandle
  try {
    source = await open(from, flags)
  } catch (error) {
    if (isMissing(error)) return { kind: 'gone' }
    const isStrange = errnoOf(error) === 'ELOOP' || errnoOf(error) === 'ENXIO'
    return isStrange ? { kind: 'strange' } : { kind: 'unread', error }
  }
  try {
    return await copyInto(to, source)
  } catch (error) {
    throw cannotUse(to, error)
  } finally {
    await source.close()
  }
}

async function copyInto(to: string, source: FileHandle): Promise<Copied> {
  const stat = await source.stat()
  if (!stat.isFile()) return { kind: 'strange' }
  const target = await open(to, 'wx', stat.mode & 0o777)
  let bytes = 0
  try {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, stat.size + 1))
    for (;;) {
      const { bytesRead } = await source.read(chunk, 0, chunk.length, null)
      if (bytesRead === 0) break
      await target.writeFile(chunk.subarray(0, bytesRead))
      bytes += bytesRead
    }
    if (process.geteuid?.() === 0) await target.chown(stat.uid, stat.gid)
    await target.chmod(stat.mode & 0o777)
    await target.utimes(stat.atime, stat.mtime)
    await target.sync()
  } finally {
    await target.close()
  }
  return { kind: 'copied', bytes }
}
