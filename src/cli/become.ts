/**
 * become - who runs a command as root becomes the owner of the spool before touching it.
 *
 * A file that root made in the spool of another could not be read by the daemon. Read what only
 * root may read (configuration, files, who is asking) before; there is no way back.
 */
import { statSync } from 'node:fs'
import type { Stats } from 'node:fs'

import { plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'

/** Lays down root's rights for those of the spool's owner. For anybody else does nothing. */
export function becomeOwner(spool: string): void {
  if (process.geteuid?.() !== 0) return
  const owner = lookAt(spool)
  if (owner === undefined || owner.uid === 0) return
  process.setgroups!([owner.gid])
  process.setgid!(owner.gid)
  process.setuid!(owner.uid)
}

function lookAt(spool: string): Stats | undefined {
  try {
    return statSync(spool, { throwIfNoEntry: false })
  } catch (error) {
    throw new MsgqError('temporary', `spool: ${spool}: ${plainError(error)}`)
  }
}
