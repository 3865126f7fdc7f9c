/**
 * scenario - one stretch of a message's life: how it is prepared, the program that is struck in
 * it, and where its messages may be in the end.
 */
import type { State } from '../../src/message/state.ts'
import type { Command, Ground } from './ground.ts'

/** Where a message may end. `gone` is deleted, or was never accepted. */
export type End = State | 'delivered' | 'gone'

export interface Scenario {
  readonly name: string
  /** Fills the spool. */
  readonly prepare?: (ground: Ground) => Promise<void>
  readonly command: (ground: Ground) => Command
  /** Where each message may be once all is over, by its mark. */
  readonly ends: Readonly<Record<string, readonly End[]>>
  /**
   * What the receiver answers while the program under test runs, and once more after it was
   * killed; then it says yes.
   */
  readonly answer?: number
  /** Where a failing call may lead besides. */
  readonly spared?: readonly End[]
  /** What stands in the trails after a run that nothing strikes, by mark. */
  readonly story?: Readonly<Record<string, readonly string[]>>
  /** Where the program itself moves a message, which may not be its end. */
  readonly leads?: End
  /** Files were made by hand, and are taken in only when they have rested. */
  readonly rests?: boolean
  /** What somebody does when all is over; the daemon is started once more after it. */
  readonly after?: (ground: Ground) => Promise<void>
  /** Repeats by their keys, and of which messages. */
  readonly repeats?: Readonly<Record<string, string>>
  /** A message was in two places before the program began. */
  readonly twice?: boolean
  /** What it does has to be done again to be done for all: an operator does it again. */
  readonly again?: boolean
}
