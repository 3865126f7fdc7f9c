/**
 * terms - on what terms a message is taken: sizes, and the destinations that there are.
 *
 * The same for whoever takes it, a command or the daemon; where each gets them is his own
 * business.
 */
import type { Recipient } from '../config/limits.ts'

export interface Terms {
  readonly messageSizeLimit: number
  readonly minFree: number
  /** Where a message goes that names no receiver. */
  readonly to?: string
  /** Where the mail of whom goes. */
  readonly mail?: ReadonlyMap<string, string>
  /** Undefined where nobody can tell which there are. */
  readonly destinations?: ReadonlyMap<string, Recipient>
}
