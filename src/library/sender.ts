/**
 * sender - who is asking: for the envelope of a message, and for the trail of an act.
 */
import { hostname, userInfo } from 'node:os'

import type { Environment } from '../config/find.ts'
import type { Sender } from '../message/envelope.ts'

type Env = Environment['env']

/**
 * Set by root's command for the child that does its work as the spool's owner (cli/again.ts). Whoever
 * else sets it gains nothing: only of a spool's owner a sender is believed that is not the file's.
 */
export const FOR_ROOT = 'MSGQ_FOR_ROOT'

/** Who sends, as the kernel says. */
export function senderHere(env: Env = {}): Sender {
  const user = userName(env)
  const host = hostname()
  return {
    uid: uidHere(env),
    ...(user === undefined ? {} : { user }),
    ...(host === '' ? {} : { host }),
  }
}

/** Who acts: behind sudo the one who called it, else the user; without a name `uid N`. */
export function operatorHere({ env }: Environment): string {
  const uid = uidHere(env)
  const caller = env['SUDO_USER']
  if (uid === 0 && caller !== undefined && /^[\w.-]{1,32}$/.test(caller)) return caller
  return userName(env) ?? `uid ${uid}`
}

function uidHere(env: Env): number {
  return env[FOR_ROOT] === undefined ? process.getuid!() : 0
}

function userName(env: Env): string | undefined {
  if (env[FOR_ROOT] !== undefined) return 'root'
  try {
    return userInfo().username
  } catch {
    // In a container the uid may be in no passwd.
    return undefined
  }
}
