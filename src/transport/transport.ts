/**
 * transport - one way to hand a message to a receiver: one file, one function, one outcome.
 *
 * `deliver` never throws for what a receiver or a network does; whatever it throws all the
 * same is deferred by its caller. It ends soon after the signal aborts.
 */
import type { Clock } from '../base/clock.ts'
import type { Destination } from '../config/config.ts'
import type { Secret } from '../config/reference.ts'
import type { SecretForm } from '../config/wire.ts'
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
  /** Of several receivers those who have it already. */
  readonly taken?: readonly string[]
}

export interface Transport<D extends Destination = Destination> {
  deliver(attempt: Attempt<D>, signal: AbortSignal): Promise<Outcome>
  /** Lets go of connections. */
  close(): Promise<void>
}

/** Looks a secret up; throws when it cannot be had: a MsgqError that names it. */
export type SecretSource = (reference: Secret, form?: SecretForm) => string

/** What the daemon gives to a transport; each takes what it needs. */
export interface TransportOptions {
  readonly clock: Clock
  /** msgq's own version. */
  readonly version: string
  readonly secrets: SecretSource
  /** The daemon's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>
}
