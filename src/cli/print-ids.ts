/**
 * print-ids - says which messages are durable, to whoever still listens.
 *
 * They are queued by now: a reader that left is no error, and a stdout that is full or broken
 * becomes a line on stderr.
 */
import { MsgqError } from '../base/errors.ts'
import type { Io } from './command.ts'
import { ReaderLeft } from './io.ts'

/** Prints ids of messages that are durable, whether anybody reads them or not. */
export async function printIds(ids: readonly string[], io: Io): Promise<void> {
  try {
    await io.print(ids.map((id) => `${id}\n`).join(''))
  } catch (error) {
    if (error instanceof ReaderLeft) return
    if (!(error instanceof MsgqError)) throw error
    io.warn(`send: queued as ${ids.join(', ')}, but ${error.message}`)
  }
}
