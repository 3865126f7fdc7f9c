/**
 * configuration - what is in force: loaded at the start, replaced by each good reload.
 *
 * Whoever needs it asks at that moment and keeps nothing of it, so that a reload reaches all at
 * once. A spool stays the one that was opened; what else was made of options at the start is
 * named when it would be made otherwise now. What `msgq send` must know is published first: where
 * that fails, the one before stays in force.
 */
import type { Clock } from '../base/clock.ts'
import type { Config } from '../config/config.ts'
import { publishLimits } from '../config/limits.ts'
import { routingOf } from '../delivery/routing.ts'
import type { LaneRouting } from '../delivery/routing.ts'

/** What another configuration changes. */
export interface Change {
  /** Destinations that there were none of before. */
  readonly newLanes: readonly string[]
  /** Options that count only after a restart. */
  readonly needsRestart: readonly string[]
}

/** Of these something was made at the start. */
const AT_START = ['spool', 'anyFilesystem', 'submit', 'keys', 'log'] as const
/** What of `[listen]` a door is made of. */
const OF_DOORS = ['http', 'connections', 'timeout'] as const

export class Configuration {
  readonly #clock: Clock
  readonly #atStart: Config
  #now: Config
  #since: number
  #routing: LaneRouting

  constructor(config: Config, clock: Clock) {
    this.#clock = clock
    this.#atStart = this.#now = config
    this.#since = clock.now()
    this.#routing = routingOf(config)
  }

  get now(): Config {
    return this.#now
  }

  /** Since when this one (epoch ms). */
  get since(): number {
    return this.#since
  }

  /** What it says of lanes and of where messages go. */
  get routing(): LaneRouting {
    return this.#routing
  }

  /** Takes another one for all that comes from now on. */
  async take(config: Config): Promise<Change> {
    const before = this.#now
    const next = { ...config, spool: before.spool }
    await publishLimits(next.spool, next, this.#clock.now())
    this.#now = next
    this.#since = this.#clock.now()
    this.#routing = routingOf(next)
    return {
      newLanes: [...next.destinations.keys()].filter((to) => !before.destinations.has(to)),
      needsRestart: [
        ...AT_START.filter((name) => !isSame(this.#atStart[name], config[name])),
        ...(OF_DOORS.every((name) =>
          isSame(this.#atStart.listen[name], config.listen[name]),
        )
          ? []
          : ['listen']),
      ],
    }
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
