/**
 * order - the options of a destination that say in which order it gets its messages, and whether
 * it gets any.
 */
import * as v from 'valibot'

import { parseDuration } from '../base/duration.ts'
import { EVENT_LANE } from '../message/lane.ts'
import type { Suspension } from '../message/suspension.ts'
import { DESTINATION_DEFAULTS } from './defaults.ts'
import type { Route } from './route.ts'
import { flag, span } from './values.ts'

const DAY = 86_400_000

/** What a destination says of it; each is left out where it is the default. */
export interface OrderOptions {
  /** All its messages are one chain. */
  readonly ordered?: true
  /** How long one that fails holds back its chain (ms), or Infinity. */
  readonly orderWait?: number
  /** Its messages wait, and are charged nothing. */
  readonly enabled?: false
}

/** All that is asked of the destinations of a configuration. */
type Ordered = ReadonlyMap<
  string,
  OrderOptions & { readonly name: string; readonly where: string }
>

/** Part of the table of a destination. */
export const orderEntries = {
  ordered: v.optional(flag()),
  order_wait: v.optional(span(0, 365 * DAY, true)),
  enabled: v.optional(flag()),
}

/** How long a chain waits where nobody said so (ms). */
export const ORDER_WAIT = parseDuration(DESTINATION_DEFAULTS.order_wait) as number

export function orderOptions(given: {
  readonly ordered?: boolean | undefined
  readonly order_wait?: number | undefined
  readonly enabled?: boolean | undefined
}): OrderOptions {
  const { ordered, order_wait: orderWait, enabled } = given
  return {
    ...(ordered === true ? { ordered } : {}),
    ...(orderWait === undefined ? {} : { orderWait }),
    ...(enabled === false ? { enabled } : {}),
  }
}

/** The lanes that a configuration lets wait. `at` is since when it is in force (epoch ms). */
export function disabledLanes(
  { destinations }: { readonly destinations: Ordered },
  at: number,
): Suspension[] {
  return [...destinations.values()]
    .filter(({ enabled }) => enabled === false)
    .map(({ name: lane, where }) => {
      const why = `enabled = false (${where})`
      return { lane, at, why, disabled: true }
    })
}

/** The lanes that are one chain. Events that may become messages of one of them are one, too. */
export function orderedLanes({
  destinations,
  routes,
}: {
  readonly destinations: Ordered
  readonly routes: readonly Route[]
}): ReadonlySet<string> {
  const ordered = [...destinations.values()].filter((one) => one.ordered)
  const lanes = new Set(ordered.map(({ name }) => name))
  if (lanes.size > 0 && routes.some(({ to }) => to.some((name) => lanes.has(name))))
    lanes.add(EVENT_LANE)
  return lanes
}
