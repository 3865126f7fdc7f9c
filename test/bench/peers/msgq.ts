/**
 * msgq - the same work for ourselves: the door in this process, msgqd in its own.
 */
import { serve } from '../daemon.ts'
import type { Served } from '../daemon.ts'
import { BODY, outboxOf, scratch } from '../ground.ts'
import { measure } from './measure.ts'
import { WIDTH } from './peer.ts'
import type { Peer } from './peer.ts'

export const msgq: Peer = {
  name: 'msgq',
  missing: () => undefined,
  measure: async (count) => {
    const spool = scratch()
    const outbox = await outboxOf(spool)
    let daemon: Served | undefined
    const running = {
      enqueue: (to: string) =>
        outbox.enqueue({ draft: { to }, body: BODY, sender: { uid: 0 } }),
      deliver: async () => {
        daemon = await serve(spool, `[lane]\nwindow = ${WIDTH}\n`)
      },
      pids: () => [daemon!.pid],
      stop: () => daemon!.stop(),
    }
    return measure('msgq', running, count)
  },
}
