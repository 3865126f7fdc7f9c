/**
 * finish - settles a lease for certain: tried again for as long as the disk refuses.
 *
 * Never rejects. What was delivered is kept in memory meanwhile and not sent twice while the
 * daemon lives. It gives up when we stop, or when the queue is not ours any more; the message
 * then is in flight for the engine's recovery to find.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { plainError } from '../base/errno.ts'
import { FencedError } from '../queue/queue.ts'
import type { Claims, Lease, Settlement } from '../queue/queue.ts'
import type { Log } from './log.ts'

/** Between the tries to settle what the disk refused (ms). */
const PAUSES = [1_000, 2_000, 5_000, 10_000, 30_000]

export interface FinishOptions {
  readonly claims: Pick<Claims, 'settle'>
  readonly log: Log
}

/** Settles, and goes on trying until the signal aborts; `left`: it was not settled then. */
export async function finish(
  lease: Lease,
  settlement: Settlement,
  signal: AbortSignal,
  { claims, log }: FinishOptions,
): Promise<'left' | 'lost' | 'ok'> {
  for (let refused = 0; ; refused++) {
    try {
      const settled = await claims.settle(lease, settlement)
      if (settled === 'lost')
        log.write(
          'warn',
          { event: 'lost', id: lease.id },
          `${settlement.to}, but its file was gone: moved or deleted by an operator`,
        )
      return settled
    } catch (error) {
      const over = signal.aborted || error instanceof FencedError
      const fields = { event: 'trouble', id: lease.id, reason: plainError(error) }
      if (over)
        log.write('error', fields, `not settled as ${settlement.to}: left in flight`)
      else if (refused === 0)
        log.write('error', fields, `cannot settle as ${settlement.to}: tried again`)
      if (over) return 'left'
      const pause = PAUSES[Math.min(refused, PAUSES.length - 1)]
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }
}
