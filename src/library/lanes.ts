/**
 * lanes - suspends and resumes lanes, and opens those that failures closed.
 *
 * What is suspended stands in the spool, durably, with the daemon up or down; the daemon is only
 * told to look at once. One that hangs, or that we may not ask, finds it by itself.
 */
import type { Clock } from '../base/clock.ts'
import { MsgqError } from '../base/errors.ts'
import type { LaneStatus } from '../delivery/status.ts'
import { LAST } from '../intake/when.ts'
import { inForce, isInForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import type { Suspensions } from '../queue/queue.ts'
import { askDaemon } from './control.ts'

/** Which lanes of which spool, and who means them. */
export interface LanesMeant {
  readonly spool: string
  readonly desk: Suspensions
  readonly clock: Clock
  readonly by: string
  readonly lanes: readonly string[]
  /** What was suspended before, and counted. */
  readonly before: ReadonlyMap<string, Suspension>
}

/** What came of a lane that was to be suspended. */
export interface Suspended {
  readonly suspension: Suspension
  readonly before: Suspension | undefined
  /** False where it was suspended already, just so. */
  readonly isNew: boolean
}

/** What the daemon made of what it was told. `mute`: it hangs, or may not be asked. */
export type Heard =
  | { readonly kind: 'told'; readonly body: unknown }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'mute'; readonly trouble: MsgqError }

/** What the daemon says of the lanes, once it has looked. */
export interface Told {
  readonly heard: Heard
  /** By lane; undefined where no daemon told. */
  readonly lanes?: ReadonlyMap<string, LaneStatus>
}

/** What counts now. */
export async function suspensionsNow(
  desk: Suspensions,
  clock: Clock,
): Promise<ReadonlyMap<string, Suspension>> {
  return inForce(await desk.suspensions(), clock.now())
}

/** Suspends lanes, for a span (ms) or until they are resumed. */
export async function suspendLanes(
  meant: LanesMeant,
  how: { readonly span: number | undefined; readonly why?: string | undefined },
): Promise<{ readonly done: readonly Suspended[]; readonly told: Told }> {
  const { spool, desk, clock, lanes } = meant
  const now = clock.now()
  const done = await Promise.all(lanes.map((lane) => suspend(lane, meant, now, how)))
  const told = await tellLanes(spool, lanes)
  // The daemon may have removed, as over, a file that we wrote anew at that moment.
  const missing = done.filter(
    ({ suspension, isNew }) =>
      isNew &&
      told.lanes !== undefined &&
      isInForce(suspension, clock.now()) &&
      told.lanes.get(suspension.lane)?.suspended === undefined,
  )
  if (missing.length === 0) return { done, told }
  for (const { suspension } of missing) await desk.suspend(suspension)
  return { done, told: await tellLanes(spool, lanes) }
}

async function suspend(
  lane: string,
  { desk, by, before }: LanesMeant,
  at: number,
  { span, why }: { readonly span: number | undefined; readonly why?: string | undefined },
): Promise<Suspended> {
  const known = before.get(lane)
  const until = span === undefined ? undefined : Math.min(at + span, LAST)
  const reason = why ?? known?.why
  // One that ends by itself is not what was asked for where no end was.
  if (known !== undefined && known.until === until && known.why === reason)
    return { suspension: known, before: known, isNew: false }
  const suspension: Suspension = {
    lane,
    // Since when it stands still, whoever says now for how long.
    at: known?.at ?? at,
    by,
    ...(reason === undefined ? {} : { why: reason }),
    ...(until === undefined ? {} : { until }),
  }
  await desk.suspend(suspension)
  return { suspension, before: known, isNew: true }
}

/** Resumes lanes; those that are named in `ended` were suspended until now. */
export async function resumeLanes({
  spool,
  desk,
  lanes,
  before,
}: LanesMeant): Promise<{ readonly ended: ReadonlySet<string>; readonly told: Told }> {
  // One that is over counts for nothing, and is removed with it.
  const gone = await Promise.all(lanes.map((lane) => desk.resume(lane)))
  const ended = new Set(lanes.filter((lane, at) => gone[at] === true && before.has(lane)))
  return { ended, told: await tellLanes(spool, lanes) }
}

/** Opens the lanes that failures closed, all of them unless told which; how many they were. */
export async function flushLanes(
  spool: string,
  lanes: readonly string[] | undefined,
): Promise<{ readonly heard: Heard; readonly opened: number }> {
  const heard = await tell(spool, '/v1/flush', lanes === undefined ? {} : { lanes })
  const { opened } = Object(heard.kind === 'told' ? heard.body : undefined) as {
    opened?: unknown
  }
  return { heard, opened: typeof opened === 'number' ? opened : 0 }
}

/** Has the daemon look at what is suspended now. */
async function tellLanes(spool: string, lanes: readonly string[]): Promise<Told> {
  const heard = await tell(spool, '/v1/suspended', { lanes })
  if (heard.kind !== 'told') return { heard }
  const known = (heard.body as { lanes: readonly LaneStatus[] }).lanes
  return { heard, lanes: new Map(known.map((status) => [status.lane, status])) }
}

async function tell(spool: string, path: string, body: object): Promise<Heard> {
  try {
    const answer = await askDaemon(spool, 'POST', path, body)
    if (answer === undefined) return { kind: 'nobody' }
    const { status } = answer
    return status === 200
      ? { kind: 'told', body: answer.body }
      : { kind: 'refused', status }
  } catch (error) {
    // It stands in the spool all the same, where the daemon looks by itself.
    if (error instanceof MsgqError) return { kind: 'mute', trouble: error }
    throw error
  }
}
