/**
 * lane-label - the name under which a lane is counted: as many names as the configuration has,
 * and a few.
 *
 * Hosts of bare URLs come from senders, and there may be any number of them: they are one name.
 * So are destinations that the configuration does not know. No destination begins with `_`.
 */
import { ADOPT_LANE, EVENT_LANE, isUrlLane } from '../message/lane.ts'

export const URL_LABEL = '_url'
export const UNKNOWN_LABEL = '_unknown'

export function labelOf(
  lane: string,
  destinations: { has(name: string): boolean },
): string {
  if (destinations.has(lane)) return lane
  if (isUrlLane(lane)) return URL_LABEL
  return lane === EVENT_LANE || lane === ADOPT_LANE ? lane : UNKNOWN_LABEL
}
