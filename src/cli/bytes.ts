/**
 * bytes - puts a body or a file on stdout as it is, byte by byte.
 *
 * On a terminal bytes that would move its cursor or worse are refused: what is raw goes through
 * a pipe. Waits while the reader is slow; that it left ends the command quietly.
 */
import { MsgqError } from '../base/errors.ts'
import type { Body } from '../message/body.ts'
import type { Io } from './command.ts'

/** Controls other than tab and the ends of lines. */
const HARMFUL = /[^\P{Cc}\t\n\r]/u

/** Writes all of it to stdout. `command` prints the same bytes, for the hint. */
export async function writeBytes(
  io: Io,
  source: AsyncIterable<Uint8Array | string> | readonly Uint8Array[],
  command: string,
): Promise<void> {
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk as Uint8Array)
    if (io.stdout.isTTY && HARMFUL.test(bytes.toString('utf8')))
      throw new MsgqError(
        'data',
        'its bytes are not text: not printed on a terminal',
        `${command} | less, or > FILE`,
      )
    await io.print(bytes)
  }
}

/** The chunks of a body. */
export function chunksOf(body: Body): AsyncIterable<Uint8Array> | readonly Uint8Array[] {
  if (body.kind === 'bytes') return [body.bytes]
  return body.open() as AsyncIterable<Uint8Array>
}
