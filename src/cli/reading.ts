/**
 * reading - opens a spool to look at it, and no more: nothing is made, locked or changed.
 *
 * A spool on a file system that msgqd would refuse can still be looked at. That it is missing,
 * or not ours to read, is said once and before anything is printed.
 */
import { closeSync, constants, openSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { errnoOf, isMissing, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { STATES } from '../message/state.ts'
import { openDesk } from '../queue/open.ts'
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

/** Throws unless there is a spool in this folder that we may read. */
export function checkReadable(spool: string): void {
  const there = ['', ...STATES].filter((name) => canRead(join(spool, name)))
  if (!there.includes('incoming'))
    throw new MsgqError(
      'no-input',
      `spool: ${spool} is not there or not a spool (no incoming/)`,
      'msgqd makes it when it starts; --spool or MSGQ_SPOOL names another',
    )
}

/** False for a folder that is not there. Not by access(2), which asks for who we really are. */
function canRead(folder: string): boolean {
  try {
    closeSync(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY))
    statSync(`${folder}/.`)
    return true
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') return false
    throw unreadable(`spool: ${folder}`, error)
  }
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

function unreadable(what: string, error: unknown): MsgqError {
  const code = errnoOf(error)
  const why = `${what}: ${plainError(error)}`
  if (code === 'EACCES' || code === 'EPERM')
    return new MsgqError(
      'no-permission',
      why,
      'run as the user of the spool or as root, or as a member of its group',
      error,
    )
  return new MsgqError('temporary', why, undefined, error)
}
