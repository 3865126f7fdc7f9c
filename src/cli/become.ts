/**
 * become - who runs a command as root becomes the owner of the spool before touching it.
 *
 * A file that root made in the spool of another could not be read by the daemon. Read what only
 * root may read (configuration, files, who is asking) before; there is no way back. Where Node.js
 * refuses to change its user (mayBecome) a child does what follows: again.ts.
 */
import { statSync } from 'node:fs'
import type { Stats } from 'node:fs'

import { errnoOf, plainError } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'

/**
 * Whether this program may become another user, should it want to. Node.js refuses where a libuv that
 * it was not built with might use io_uring, whose requests would stay root's (CVE-2024-22017):
 * Debian 13 has such a one.
 */
export function mayBecome(): boolean {
  if (process.geteuid?.() !== 0) return true
  try {
    process.setegid!(process.getegid!())
    return true
  } catch (error) {
    if (errnoOf(error) === 'ERR_INVALID_STATE') return false
    throw error
  }
}

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
export function ownerToBe(spool: string): Stats | undefined {
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
