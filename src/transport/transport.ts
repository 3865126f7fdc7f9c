/**
 * transport - one way to hand a message to a receiver: one file, one function, one outcome.
 *
 * `deliver` never throws for what a receiver or a network does; whatever it throws all the
 * same is deferred by its caller. It ends soon after the signal aborts.
 */
import type { Destination } from '../config/config.ts'
import type { Body } from '../message/body.ts'
import type { Envelope } from '../message/envelope.ts'
import type { Outcome } from '../message/outcome.ts'

/** One attempt at one message. */
export interface Attempt<D extends Destination = Destination> {
  readonly envelope: Envelope
  readonly body: Body
  readonly destination: D
  /** Which attempt this is, from 1. */
  readonly number: number
}

export interface Transport<D extends Destination = Destination> {
  deliver(attempt: Attempt<D>, signal: AbortSignal): Promise<Outcome>
  /** Lets go of connections. */
  close(): Promise<void>
}
