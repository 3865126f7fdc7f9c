/**
 * route - where some events go, of which body, and as what. Plain data; read in routes.ts, asked
 * in delivery/routes.ts.
 */
import type { Filter } from '../message/filter.ts'

/** Where some events go. */
export interface Route {
  /** `routes.0`, as messages call it. */
  readonly name: string
  /** Globs, one of which an event must fit. */
  readonly events: readonly string[]
  /** Names of destinations; none for an event that is known and that nobody wants. */
  readonly to: readonly string[]
  readonly filter?: Filter
  /** What goes out in place of the event's body. */
  readonly template?: string
  /** `file:line` of its definition. */
  readonly where: string
}
