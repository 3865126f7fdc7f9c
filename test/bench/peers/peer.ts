/**
 * peer - a queue that does the same work as msgq: takes messages, each durable before its call
 * returns, and delivers the backlog.
 */
import type { PeerResult } from '../kept.ts'

export interface Peer {
  readonly name: string
  /** What is not installed, and how to get it; undefined when it can be measured. */
  missing(): string | undefined
  /** Takes and delivers so many messages of 1 KiB; starts what it needs, and stops it. */
  measure(count: number): Promise<PeerResult>
}

/** In flight to the receiver. */
export const WIDTH = 50
/** Senders at once. */
export const SENDERS = 32
/** So many are enqueued one after the other, the rest by all senders. */
export const ONE_BY_ONE = 2_000
