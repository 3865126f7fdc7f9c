/**
 * ground - where a queue of a program stands: its machine, its spool, and who hears of it.
 */
import type { Clock } from '../base/clock.ts'
import type { Environment, Flags, SpoolPlace } from '../config/find.ts'

export interface Ground {
  readonly environment: Environment
  readonly flags: Flags
  readonly place: SpoolPlace
  readonly clock: Clock
  readonly warn: (line: string) => void
}
