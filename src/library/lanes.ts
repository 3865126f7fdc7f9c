/**
 * lanes - suspends and resumes a lane, and tells the daemon to look.
 *
 * What is suspended stands in the spool, with the daemon up or down. One that hangs, or that we
 * may not ask, finds it by itself.
 */
import type { Clock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import type { LaneStatus } from '../delivery/status.ts'
import { LAST } from '../intake/when.ts'
import { inForce, isInForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import type { Suspensions } from '../queue/queue.ts'
import { askDaemon } from './control.ts'

interface Ground {
  readonly spool: string
  readonly desk: Suspensions
  readonly clock: Clock
}

/** Suspends a lane, for a span (ms) or until it is resumed; resolves with what counts now. */
export async function suspendLane(
  lane: string,
  { spool, desk, clock, by }: Ground & { readonly by: string },
  { span, why }: { readonly span: number | undefined; readonly why?: string },
): Promise<Suspension> {
  const now = clock.now()
  const known = inForce(await desk.suspensions(), now).get(lane)
  const until = span === undefined ? undefined : Math.min(now + span, LAST)
  const reason = why ?? known?.why
  if (known !== undefined && known.until === until && known.why === reason) return known
  const suspension: Suspension = {
    lane,
    // Since when it stands still, whoever says now for how long.
    at: known?.at ?? now,
    by,
    ...(reason === undefined ? {} : { why: reason }),
    ...(until === undefined ? {} : { until }),
  }
  await desk.suspend(suspension)
  const told = await tell(spool, '/v1/suspended', { lanes: [lane] })
  const lanes = (told as { lanes?: readonly LaneStatus[] } | undefined)?.lanes
  const knows = lanes?.some((each) => each.lane === lane && each.suspended !== undefined)
  // The daemon may have removed, as over, the file that we wrote anew at that moment.
  if (knows === false && isInForce(suspension, clock.now())) {
    await desk.suspend(suspension)
    await tell(spool, '/v1/suspended', { lanes: [lane] })
  }
  return suspension
}

/** False where it was not suspended. */
export async function resumeLane(
  lane: string,
  { spool, desk, clock }: Ground,
): Promise<boolean> {
  const before = inForce(await desk.suspensions(), clock.now())
  const isGone = await desk.resume(lane)
  await tell(spool, '/v1/suspended', { lanes: [lane] })
  return isGone && before.has(lane)
}

/** Opens the lanes that failures closed; all of them unless told which. */
export async function flushLanes(
  spool: string,
  lanes: readonly string[] | undefined,
): Promise<void> {
  await tell(spool, '/v1/flush', lanes === undefined ? {} : { lanes })
}

async function tell(spool: string, path: string, body: object): Promise<unknown> {
  try {
    const answer = await askDaemon(spool, 'POST', path, body)
    return answer?.status === 200 ? answer.body : undefined
  } catch (error) {
    if (error instanceof MsgqError) return undefined
    throw error
  }
}
