/**
 * around - what stands around a queue: the daemon, and what its configuration knows.
 *
 * A look never fails: a daemon that hangs, a socket that is not ours, or a configuration with
 * faults is something to say beside the list, and no reason to show none.
 */
import { MsgqError } from '../base/errors.ts'
import type { Flags } from '../config/find.ts'
import { readLimits } from '../config/limits.ts'
import { shortId } from '../message/id.ts'
import { isUrlLane } from '../message/lane.ts'
import type { Entry } from '../message/selector.ts'
import { inForce } from '../message/suspension.ts'
import type { Suspension } from '../message/suspension.ts'
import type { Suspensions } from '../queue/queue.ts'
import { inSpan } from './clock-text.ts'
import type { Io } from './command.ts'
import { daemonOf } from '../library/daemon.ts'
import type { Daemon } from '../library/daemon.ts'
import { NOTHING } from './table.ts'

export interface Around {
  readonly daemon: Daemon
  /** Destinations of the configuration; undefined where nobody can tell. */
  readonly known: ReadonlySet<string> | undefined
  /** Lanes that receivers closed, until when (epoch ms) and why. */
  readonly closed: ReadonlyMap<string, Closed>
  /** Lanes that a person or a rule suspended. */
  readonly suspended: ReadonlyMap<string, Suspension>
  /** Lanes that are one chain; absent where nobody asked. */
  readonly ordered?: ReadonlySet<string>
  /** By id: the message after which one goes out; absent where nobody asked. */
  readonly waitsFor?: ReadonlyMap<string, string>
  readonly now: number
}

export interface Closed {
  readonly until: number
  readonly why: string
}

/** What is looked around from. */
export interface Place {
  readonly spool: string
  /** Without one no lane is looked at. */
  readonly desk?: Suspensions
}

/** Looks around; never throws. */
export async function lookAround(
  io: Io,
  flags: Flags,
  { spool, desk }: Place,
): Promise<Around> {
  const daemon = await daemonOf(spool, io.clock)
  const known =
    daemon.kind === 'up'
      ? new Set(daemon.status.destinations)
      : await destinationsHere(io, flags, spool)
  const now = io.clock.now()
  const suspended = new Map(desk && (await suspendedIn(desk, now)))
  const { disabled, ordered } = desk ? await rulesHere(io, flags, daemon) : NO_RULES
  for (const each of disabled) suspended.set(each.lane, each)
  const lanes = daemon.kind === 'up' ? daemon.status.lanes : []
  const closed = new Map<string, Closed>()
  for (const { lane, closedUntil, why = '' } of lanes)
    if (closedUntil !== undefined) closed.set(lane, { until: Date.parse(closedUntil), why })
  return { daemon, known, closed, suspended, ordered, now }
}

/** What the configuration in force says of lanes as a whole. */
interface Rules {
  readonly disabled: readonly Suspension[]
  readonly ordered: ReadonlySet<string>
}

const NO_RULES: Rules = { disabled: [], ordered: new Set() }

/** The daemon's word; without one the configuration's, and none where it has faults. */
async function rulesHere(io: Io, flags: Flags, daemon: Daemon): Promise<Rules> {
  if (daemon.kind === 'up') {
    const { lanes, ordered } = daemon.status
    const disabled = lanes.flatMap(({ lane, suspended }): Suspension[] => {
      if (suspended?.disabled !== true) return []
      const { at, why = '' } = suspended
      return [{ lane, at: Date.parse(at), why, disabled: true }]
    })
    return { disabled, ordered: new Set(ordered) }
  }
  try {
    const { loadConfig } = await import('../config/load.ts')
    const { disabledLanes, orderedLanes } = await import('../config/order.ts')
    const config = loadConfig(io.environment, flags)
    const disabled = disabledLanes(config, io.clock.now())
    return { disabled, ordered: orderedLanes(config) }
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    return NO_RULES
  }
}

/** Lanes that are suspended now; none where that cannot be read, which is said elsewhere. */
async function suspendedIn(
  desk: Suspensions,
  now: number,
): Promise<ReadonlyMap<string, Suspension>> {
  try {
    return inForce(await desk.suspensions(), now)
  } catch (error) {
    if (error instanceof MsgqError) return new Map()
    throw error
  }
}

/** The configuration's word; where it has faults, what the daemon last published. */
export async function destinationsHere(
  io: Io,
  flags: Flags,
  spool: string,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const { loadConfig } = await import('../config/load.ts')
    return new Set(loadConfig(io.environment, flags).destinations.keys())
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    const published = readLimits(spool)?.destinations.keys()
    return published === undefined ? undefined : new Set(published)
  }
}

/** True for a lane that leads nowhere: no such destination. */
export function leadsNowhere(lane: string, { known }: Around): boolean {
  return (
    known !== undefined && !isUrlLane(lane) && !lane.startsWith('_') && !known.has(lane)
  )
}

/** When a message is tried next, for a column of a table. */
export function nextOf({ id, state, lane, due }: Entry, around: Around): string {
  if (state === 'active') return 'now'
  if (state !== 'incoming' && state !== 'deferred') return NOTHING
  if (leadsNowhere(lane, around)) return 'no such destination'
  const suspension = around.suspended.get(lane)
  if (suspension !== undefined) return suspension.disabled ? 'disabled' : 'suspended'
  const first = around.waitsFor?.get(id)
  if (first !== undefined) return `after ${shortId(first)}`
  return dueText(Math.max(due, around.closed.get(lane)?.until ?? 0), around.now)
}

/** `in 14m`, or `due`. */
export function dueText(due: number, now: number): string {
  return due > now ? inSpan(due - now) : 'due'
}
