/**
 * readable - tells whether a folder is a spool that we may look into, before anybody does.
 *
 * That it is missing, or not ours to read, is said once. Nothing is made, locked or changed.
 */
import { closeSync, constants, openSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { errnoOf, isMissing, plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { STATES } from '../../message/state.ts'

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

/** What to say of what the system does not let us read. */
export function unreadable(what: string, error: unknown): MsgqError {
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

/** Throws for root where the spool is another's: whose files it made could not be read there. */
export function checkOwn(spool: string): void {
  if (process.geteuid?.() !== 0) return
  const owner = statSync(spool, { throwIfNoEntry: false })?.uid ?? 0
  if (owner === 0) return
  throw new MsgqError(
    'no-permission',
    `spool: ${spool} is that of uid ${owner}, and this is root`,
    'run as that user: files that root makes there could not be delivered',
  )
}
