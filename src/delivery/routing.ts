/**
 * routing - which destination a message goes to, by the configuration in force.
 */
import { defaultDestination } from '../config/limits.ts'
import type { Config, Destination } from '../config/config.ts'
import { isUrlLane } from '../message/lane.ts'
import type { Lease } from '../queue/queue.ts'
import type { Routing } from './deliver.ts'

/** The routing of one configuration; a reload makes a new one. */
export function routingOf(config: Config): Routing & { windowOf(lane: string): number } {
  return {
    retry: config.retry,
    destinationOf: ({ lane, envelope }: Lease): Destination | undefined => {
      const { to } = envelope
      if (to === undefined) return undefined
      return isUrlLane(lane) ? defaultDestination(config, to) : config.destinations.get(to)
    },
    windowOf: (lane) => config.destinations.get(lane)?.lane.window ?? config.lane.window,
  }
}
