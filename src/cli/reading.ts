/**
 * reading - opens a spool to look at it, and no more: nothing is made, locked or changed.
 *
 * A spool on a file system that msgqd would refuse can still be looked at. That it is missing,
 * or not ours to read, is said once and before anything is printed.
 */
import { errnoOf } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { checkReadable, openDesk, unreadable } from '../queue/open.ts'
import type { Desk, Suspensions } from '../queue/queue.ts'
import type { Io } from './command.ts'

export interface Reading extends SpoolPlace {
  readonly desk: Desk & Suspensions
}

/** The desk of the spool that counts for this command; throws where there is none to read. */
export async function openReading(io: Io, flags: Flags): Promise<Reading> {
  const place = await findSpool(io.environment, flags)
  checkReadable(place.spool)
  const desk = await openDesk(place.spool, { clock: io.clock, anyFilesystem: true })
  return { ...place, desk }
}

/** Does something that reads a file; what the system refuses becomes an error for people. */
export async function reading<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (errnoOf(error) === undefined || error instanceof MsgqError) throw error
    throw unreadable(what, error)
  }
}
