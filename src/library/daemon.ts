/**
 * daemon - who serves a spool, as far as that can be known. A look never fails.
 */
import type { Clock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import type { DaemonStatus } from '../delivery/status.ts'
import { holderOf } from '../queue/open.ts'
import type { Holder } from '../queue/open.ts'
import { askDaemon } from './control.ts'

/** Who serves the spool. `alone`: somebody has it and opens no socket, as `msgqd --once`. */
export type Daemon =
  | { readonly kind: 'up'; readonly status: DaemonStatus }
  | { readonly kind: 'alone'; readonly holder: Holder }
  | { readonly kind: 'mute'; readonly trouble: MsgqError }
  | { readonly kind: 'down' }

export async function daemonOf(spool: string, clock: Clock): Promise<Daemon> {
  try {
    const answer = await askDaemon(spool, 'GET', '/v1/status')
    if (answer?.status === 200) return { kind: 'up', status: answer.body as DaemonStatus }
    if (answer !== undefined)
      throw new MsgqError('temporary', `msgqd: answers its status with ${answer.status}`)
    const holder = await holderOf(spool, clock)
    return holder === undefined ? { kind: 'down' } : { kind: 'alone', holder }
  } catch (error) {
    if (error instanceof MsgqError) return { kind: 'mute', trouble: error }
    throw error
  }
}

/** What an operator must hear of the daemon; undefined when it is well. */
export function daemonAlarm(daemon: Daemon): string | undefined {
  if (daemon.kind === 'down') return 'msgqd is not running: nothing is being delivered'
  return daemon.kind === 'mute' ? daemon.trouble.message : undefined
}
