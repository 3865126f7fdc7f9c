/**
 * census - what a configuration would do to the messages that wait.
 *
 * Counts them as they are read, so that `msgq check` says before a reload which of them it
 * would leave without a destination.
 */
import { briefSize } from '../base/size.ts'
import { didYouMean } from '../base/text.ts'
import type { Config } from '../config/config.ts'
import { disabledLanes } from '../config/order.ts'
import { routesFor } from '../delivery/routes.ts'
import type { Envelope } from '../message/envelope.ts'
import { EVENT_LANE, isUrlLane } from '../message/lane.ts'
import type { State } from '../message/state.ts'

const QUEUED: ReadonlySet<State> = new Set(['incoming', 'active', 'deferred', 'hold'])

export class Census {
  readonly #config: Config | undefined
  readonly #unknown = new Map<string, number>()
  readonly #disabled = new Map<string, number>()
  #events = 0
  #large = 0
  /** All that were counted. */
  messages = 0

  /** Without a configuration it only counts. */
  constructor(config: Config | undefined) {
    this.#config = config
    for (const { lane } of config === undefined ? [] : disabledLanes(config, 0))
      this.#disabled.set(lane, 0)
  }

  count(state: State, lane: string, { bytes, event = '' }: Envelope): void {
    this.messages++
    if (this.#config === undefined || !QUEUED.has(state)) return
    const { destinations, routes, send } = this.#config
    if (bytes > send.messageSizeLimit) this.#large++
    const waiting = this.#disabled.get(lane)
    if (waiting !== undefined) this.#disabled.set(lane, waiting + 1)
    if (lane === EVENT_LANE) {
      if (routesFor(routes, event).length === 0) this.#events++
    } else if (!isUrlLane(lane) && !destinations.has(lane))
      this.#unknown.set(lane, (this.#unknown.get(lane) ?? 0) + 1)
  }

  /** What an operator should know, as warnings. */
  findings(): { level: 'warning'; message: string; hint?: string }[] {
    const warning = 'warning' as const
    const findings = [...this.#unknown].map(([lane, count]) => {
      const meant = didYouMean(lane, this.#config?.destinations.keys() ?? [])
      const renamed = meant === undefined ? '' : ` (was it renamed ${meant}?)`
      return {
        level: warning,
        message: `${queued(count, 'names', 'name')} ${lane}, which the configuration does not know${renamed}`,
        hint: `they wait until it does: msgq mailq --to ${lane}`,
      }
    })
    for (const [lane, count] of this.#disabled)
      findings.push({
        level: warning,
        message: `${lane} is disabled: ${queued(count, 'waits', 'wait')} for it`,
        hint: 'enabled = false; without that line it goes on, at the next msgq reload',
      })
    if (this.#events > 0)
      findings.push({
        level: warning,
        message: `${queued(this.#events, 'is', 'are')} for an event that has no route`,
        hint: `they ${this.#config?.events.unrouted === 'drop' ? 'are dropped' : 'bounce'}: write [[routes]] with event and to`,
      })
    if (this.#large > 0)
      findings.push({
        level: warning,
        message: `${queued(this.#large, 'is', 'are')} over message_size_limit (${briefSize(this.#config?.send.messageSizeLimit ?? 0)})`,
        hint: 'what was accepted is delivered all the same',
      })
    return findings
  }
}

function queued(count: number, one: string, many: string): string {
  return count === 1 ? `1 queued message ${one}` : `${count} queued messages ${many}`
}
