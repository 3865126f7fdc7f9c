/**
 * quota-count - reads from the folders what other users have waiting: by names, and once by files.
 *
 * Beside the deliveries and a piece at a time, never with a call that would hold them up. A
 * message that moves meanwhile may be missed. What cannot be read is not counted: its reader
 * says why.
 */
import { constants } from 'node:fs'
import { open, opendir } from 'node:fs/promises'

import { isMissing } from '../../base/errno.ts'
import { parseEnvelope } from '../../message/envelope.ts'
import type { Layout } from './layout.ts'
import { parseName } from './name.ts'
import { EDGE } from './read.ts'

/** Where a message is that was neither delivered nor given up. */
const WAITING = ['incoming', 'deferred', 'hold', 'active'] as const
/** Most envelopes end well before. */
const HEAD = 4096
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

export interface Sent {
  readonly id: string
  readonly uid: number
  readonly bytes: number
}

/** The ids of all that waits. */
export async function* idsWaiting(layout: Layout): AsyncGenerator<string> {
  for await (const { id } of filesWaiting(layout)) yield id
}

/** What was accepted of other users and still waits, without what is known. */
export async function* sentBefore(
  layout: Layout,
  isKnown: (id: string) => boolean,
): AsyncGenerator<Sent> {
  for await (const { id, path } of filesWaiting(layout)) {
    if (isKnown(id)) continue
    const sent = await lookAt(path)
    if (sent !== undefined) yield { id, ...sent }
  }
}

async function* filesWaiting(layout: Layout): AsyncGenerator<{ id: string; path: string }> {
  for (const state of WAITING) {
    let folder
    try {
      folder = await opendir(layout.folder(state), { bufferSize: 256 })
    } catch (error) {
      if (isMissing(error)) continue
      throw error
    }
    for await (const { name: file } of folder) {
      const id = parseName(file)?.id
      if (id !== undefined) yield { id, path: layout.file(state, file) }
    }
  }
}

/** Who sent it; undefined for what is not ours yet, or cannot be read. */
async function lookAt(path: string): Promise<{ uid: number; bytes: number } | undefined> {
  let file
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile() || stat.uid !== process.geteuid!()) return undefined
    for (const length of [HEAD, EDGE]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0)
      const end = buffer.subarray(0, bytesRead).indexOf(0x0a)
      if (end < 0) continue
      const { sender } = parseEnvelope(buffer.toString('utf8', 0, end))
      return { uid: sender.uid, bytes: stat.size }
    }
  } catch {
    // Gone, or disproved when its turn comes.
  } finally {
    await file?.close().catch(() => {})
  }
  return undefined
}
