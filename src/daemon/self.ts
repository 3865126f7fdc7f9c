/**
 * self - who we are: the sender of what the daemon itself has to say.
 */
import { hostname, userInfo } from 'node:os'

import type { Sender } from '../message/envelope.ts'

/** This daemon, as the kernel knows it. */
export function senderOfOurs(): Sender {
  const host = hostname()
  const uid = process.getuid!()
  const where = host === '' ? {} : { host }
  try {
    return { uid, user: userInfo().username, ...where }
  } catch {
    // In a container the uid may be in no passwd.
    return { uid, ...where }
  }
}
