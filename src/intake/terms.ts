/**
 * terms - on what terms a message is taken: sizes, and the destinations that there are.
 *
 * The same for whoever takes it, a command or the daemon; where each gets them is his own
 * business.
 */
import type { Config } from '../config/config.ts'
import type { Recipient } from '../config/limits.ts'
import type { EventSchema } from '../config/schema.ts'

export interface Terms {
  readonly messageSizeLimit: number
  readonly minFree: number
  /** Where a message goes that names no receiver. */
  readonly to?: string
  /** Where the mail of whom goes. */
  readonly mail?: ReadonlyMap<string, string>
  /** Undefined where nobody can tell which there are. */
  readonly destinations?: ReadonlyMap<string, Recipient>
  /** What the body of some events must be. */
  readonly eventSchemas?: readonly EventSchema[]
}

/** Those of a configuration. */
export function termsIn({ send, mail, destinations, events }: Config): Terms {
  return { ...send, mail, destinations, eventSchemas: events.schemas }
}
