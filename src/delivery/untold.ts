/**
 * untold - what nobody was told of yet: the messages beyond the marks of a ledger, by lane.
 *
 * Found by a look at all messages of some states. Of each lane the first few that are met are
 * kept to be looked into; the others are counted. A notice is never told of.
 */
import { laneOf } from '../message/lane.ts'
import type { State } from '../message/state.ts'
import type { Rounds, Sighting } from '../queue/queue.ts'
import { markOf } from './ledger.ts'
import type { Group, Ledger } from './ledger.ts'

/** Messages of a lane that are looked into: their reasons, and a line of the journal each. */
const SAMPLE = 1_000
/** What is named for a later time than this is not waited for (ms). */
const SOON = 60_000

export interface Search {
  readonly states: readonly State[]
  /** When it happened; undefined for a message that is not meant, or not yet. */
  readonly timeOf: (met: Sighting, upTo: number) => Promise<number | undefined>
  readonly ledger: Ledger
  /** Only of what happened up to then. */
  readonly upTo: number
  /** Who is told: where notices lie among the others they must not be counted. */
  readonly to: readonly string[]
  readonly now: number
}

/** What is untold of a lane. */
export interface Untold extends Group {
  readonly sample: readonly Met[]
}

/** A message, and when it happened to it. */
export interface Met {
  readonly met: Sighting
  readonly at: number
}

export interface Found {
  readonly lanes: ReadonlyMap<string, Untold>
  /** Nothing was met that is too young to be told of. */
  readonly isRipe: boolean
}

export async function findUntold(
  rounds: Pick<Rounds, 'meet'>,
  { states, timeOf, ledger, upTo, to, now }: Search,
): Promise<Found> {
  const listeners = new Set(to.map(laneOf))
  const lanes = new Map<string, Untold & { readonly sample: Met[] }>()
  /** When the last happened in a lane that is not quiet yet. */
  const young = new Map<string, number>()
  for await (const met of rounds.meet(states)) {
    const { lane } = met.entry
    const at = await timeOf(met, upTo)
    if (at === undefined) continue
    if (at > upTo) {
      if (at < now + SOON) young.set(lane, Math.max(young.get(lane) ?? 0, at))
      continue
    }
    if (at <= markOf(ledger, lane)) continue
    if (listeners.has(lane) && (await isNotice(met))) continue
    const { count, first, last, sample } = lanes.get(lane) ?? none()
    if (sample.length < SAMPLE) sample.push({ met, at })
    lanes.set(lane, {
      count: count + 1,
      first: Math.min(first, at),
      last: Math.max(last, at),
      sample,
    })
  }
  for (const [lane, last] of young) {
    const untold = lanes.get(lane)
    if (untold !== undefined) lanes.set(lane, { ...untold, last })
  }
  return { lanes, isRipe: young.size === 0 }
}

async function isNotice(met: Sighting): Promise<boolean> {
  return (await met.story())?.envelope?.notice !== undefined
}

function none(): Group & { readonly sample: Met[] } {
  return { count: 0, first: Infinity, last: -Infinity, sample: [] }
}
