/**
 * routing - which destination a message goes to, by the configuration in force.
 */
import { memo } from '../base/memo.ts'
import { defaultDestination } from '../config/limits.ts'
import type { Config, Destination, RetryOptions } from '../config/config.ts'
import { orderedLanes } from '../config/order.ts'
import { EVENT_LANE, isUrlLane } from '../message/lane.ts'
import type { Lease } from '../queue/queue.ts'
import type { PullRule } from '../queue/open.ts'
import type { Routing } from './deliver.ts'
import type { LaneRule } from './lane.ts'
import { dueAfterStep, longestWait } from './retry.ts'

/** Events that are fanned out at once. */
const FAN_OUTS = 20

/** With what is asked of a lane rather than of a message. */
export interface LaneRouting extends Routing {
  retryOf(lane: string): RetryOptions
  ruleOf(lane: string): LaneRule
  /** Lanes that are one chain; undefined where there are none. */
  readonly ordered: ((lane: string) => boolean) | undefined
}

/** The routing of one configuration; a reload makes a new one. */
export function routingOf(config: Config): LaneRouting {
  // The same object for the same URL: what is derived from it is kept with it.
  const bare = memo((url) => defaultDestination(config, url))
  // No receiver answers there: what holds for receivers is not meant.
  const fan = { retry: config.retry, lane: { window: FAN_OUTS } }
  const ordered = orderedLanes(config)
  return {
    ordered: ordered.size === 0 ? undefined : (lane) => ordered.has(lane),
    retry: config.retry,
    events: { routes: config.routes, unrouted: config.events.unrouted },
    destinationOf: ({ lane, envelope }: Lease): Destination | undefined => {
      const { to } = envelope
      if (to === undefined) return undefined
      return isUrlLane(lane) ? bare(to) : config.destinations.get(to)
    },
    retryOf: (lane) => config.destinations.get(lane)?.retry ?? config.retry,
    ruleOf: (lane) =>
      lane === EVENT_LANE ? fan : (config.destinations.get(lane) ?? config),
  }
}

/** What is due too late once the clock went back to `now`, and when it is due instead. */
export function pullRule(now: number, { retryOf }: Pick<LaneRouting, 'retryOf'>): PullRule {
  return {
    beyond: (lane) => now + longestWait(retryOf(lane)),
    dueOf: (waiting) => dueAfterStep(waiting, now, retryOf(waiting.lane)),
  }
}
