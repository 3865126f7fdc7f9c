/**
 * complain - says what went wrong, and what the exit code is: of sysexits, but for UNSURE.
 */
import { MsgqError, UnsureError } from '../base/errors.ts'
import type { Io } from './command.ts'
import { ReaderLeft } from './io.ts'

/** Exit code when nobody knows whether it was done: 64 to 78 mean that it was not. */
const UNSURE = 1
const ONCE_TOO_OFTEN = 'look with msgq mailq; to send it again may be once too often'

/** Says what a command threw, behind its name; what nobody foresaw is thrown on. */
export function complain(error: unknown, command: string | undefined, io: Io): number {
  const where = command === undefined ? '' : `${command}: `
  if (error instanceof ReaderLeft) return 0
  if (error instanceof UnsureError) {
    io.warn(`${where}${error.message}`, ONCE_TOO_OFTEN)
    return UNSURE
  }
  if (!(error instanceof MsgqError)) throw error
  io.warn(`${where}${error.message}`, error.hint)
  return error.exitCode
}
