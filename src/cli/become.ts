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
  const owner = ownerToBe(spool)
  if (owner === undefined) return
  process.setgroups!([owner.gid])
  process.setgid!(owner.gid)
  process.setuid!(owner.uid)
}

/**
 * Does something as the owner of the spool, and has root's rights again afterwards. For what is
 * our own alone: who is lent rights this way could take the others back.
 */
export async function asOwner<T>(spool: string, act: () => Promise<T>): Promise<T> {
  const owner = ownerToBe(spool)
  if (owner === undefined) return act()
  const { euid, egid } = { euid: process.geteuid!(), egid: process.getegid!() }
  process.setegid!(owner.gid)
  process.seteuid!(owner.uid)
  try {
    return await act()
  } finally {
    process.seteuid!(euid)
    process.setegid!(egid)
  }
}

/** Whom root becomes; undefined for anybody else, and where the spool is root's. */
function ownerToBe(spool: string): Stats | undefined {
  if (process.geteuid?.() !== 0) return undefined
  const owner = lookAt(spool)
  return owner?.uid === 0 ? undefined : owner
}

function lookAt(spool: string): Stats | undefined {
  try {
    return statSync(spool, { throwIfNoEntry: false })
  } catch (error) {
    throw new MsgqError('temporary', `spool: ${spool}: ${plainError(error)}`)
  }
}
