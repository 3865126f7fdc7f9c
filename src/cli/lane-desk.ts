/**
 * lane-desk - what suspend and resume have in common: the lanes meant, and the daemon's ear.
 *
 * What is suspended stands in the spool, with the daemon up or down; the daemon is only told to
 * look at once. One that hangs finds it by itself.
 */
import { MsgqError } from '../base/errors.ts'
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import type { LaneStatus } from '../delivery/status.ts'
import { inForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import { checkReadable, openDesk } from '../queue/open.ts'
import type { Suspensions } from '../queue/queue.ts'
import { destinationsHere } from './around.ts'
import { becomeOwner } from './become.ts'
import type { Io } from './command.ts'
import { askDaemon } from '../library/control.ts'
import { lanesIn } from '../library/lane-words.ts'
import { operatorHere } from '../library/sender.ts'

/** Who acts on which lanes of which spool. */
export interface LaneDesk {
  readonly spool: string
  readonly desk: Suspensions
  readonly by: string
  readonly lanes: readonly string[]
  /** What was suspended before, and counted. */
  readonly before: ReadonlyMap<string, Suspension>
}

/** Opens a spool for the lanes of these words. Root comes out of this as the spool's owner. */
export async function openLaneDesk(
  io: Io,
  flags: Flags,
  words: readonly string[],
): Promise<LaneDesk> {
  const { spool, anyFilesystem } = await findSpool(io.environment, flags)
  const by = operatorHere(io.environment)
  checkReadable(spool)
  // Read first: the configuration may be root's alone.
  const known = await destinationsHere(io, flags, spool)
  becomeOwner(spool)
  const desk = await openDesk(spool, { clock: io.clock, anyFilesystem })
  const before = inForce(await desk.suspensions(), io.clock.now())
  const all = words.includes('ALL')
  if (all && words.length > 1)
    throw new MsgqError(
      'usage',
      'ALL: stands alone, without lanes',
      'leave out one of them',
    )
  const lanes = all
    ? [...before.keys()]
    : lanesIn(words, known && new Set([...known, ...before.keys()]))
  return { spool, desk, by, lanes, before }
}

/** What the daemon says once it has looked. */
export interface Told {
  /** By lane; undefined where no daemon told. */
  readonly lanes?: ReadonlyMap<string, LaneStatus>
  /** What a person should know. */
  readonly notice?: string
}

/** Has the daemon look at what is suspended now. */
export async function tellSuspended(
  spool: string,
  lanes: readonly string[],
): Promise<Told> {
  try {
    const answer = await askDaemon(spool, 'POST', '/v1/suspended', { lanes })
    if (answer === undefined)
      return { notice: 'msgqd is not running: it counts from its next start' }
    if (answer.status !== 200)
      return { notice: `msgqd answers ${answer.status}: it counts from its next start` }
    const told = (answer.body as { lanes: readonly LaneStatus[] }).lanes
    return { lanes: new Map(told.map((status) => [status.lane, status])) }
  } catch (error) {
    // It stands in the spool all the same, where the daemon looks by itself.
    if (error instanceof MsgqError) return { notice: error.message }
    throw error
  }
}
