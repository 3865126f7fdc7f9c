/**
 * sender - who is asking: for the envelope of a message, and for the trail of an act.
 */
import { hostname, userInfo } from 'node:os'

import type { Environment } from '../config/find.ts'
import type { Sender } from '../message/envelope.ts'

/** Who sends, as the kernel says. */
export function senderHere(): Sender {
  const user = userName()
  const host = hostname()
  return {
    uid: process.getuid!(),
    ...(user === undefined ? {} : { user }),
    ...(host === '' ? {} : { host }),
  }
}

/** Who acts: behind sudo the one who called it, else the user; without a name `uid N`. */
export function operatorHere({ env }: Environment): string {
  const uid = process.getuid!()
  const caller = env['SUDO_USER']
  if (uid === 0 && caller !== undefined && /^[\w.-]{1,32}$/.test(caller)) return caller
  return userName() ?? `uid ${uid}`
}

function userName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    // In a container the uid may be in no passwd.
    return undefined
  }
}
