/**
 * key - the sender's idempotency key: whose it is, and what it was given for.
 *
 * A key belongs to its sender: what alice calls 42 is nothing to bob. Who came through a door of
 * the daemon is known by his token, and without one all who came through that door are one. What
 * another msgq hands on had its key decided there: here it belongs to that message alone. Two
 * messages are the same when their fingerprints are; subject, level and times say nothing about
 * that.
 */
import { createHash } from 'node:crypto'

import type { Envelope, Sender } from './envelope.ts'
import type { TrailLine } from './trail.ts'

/** An envelope with a key. */
export type Keyed = Envelope & { readonly key: string }

/** What a key is known by. */
export type KeyOfSender = Pick<Keyed, 'sender' | 'key'>

/** True for a message whose sender gave it a key. */
export function isKeyed(envelope: Envelope): envelope is Keyed {
  return envelope.key !== undefined
}

/** What stands for this key of this sender: 64 hex, the same for every message that has it. */
export function keyDigest({ sender, key }: KeyOfSender): string {
  return digest([whose(sender), key])
}

function whose({ uid, door, token, relayed }: Sender): unknown {
  if (relayed !== undefined) return { relayed }
  if (token !== undefined) return { token }
  return door === undefined ? uid : { door }
}

/** The members of which a fingerprint is made. */
export type Said = Pick<
  Envelope,
  'to' | 'event' | 'method' | 'headers' | 'contentType' | 'sha256'
>

/** What a message says, in 64 hex: receiver, method, headers, type and body. */
export function fingerprint(envelope: Said): string {
  const { to, event, method, headers = {}, contentType, sha256 } = envelope
  const pairs = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  const sorted = pairs.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return digest([to, event, method, sorted, contentType, sha256])
}

/** True once an operator requeued it: he knows what he does, and it is not asked again. */
export function wasRequeued(trail: readonly TrailLine[]): boolean {
  return trail.some((line) => 'act' in line && line.act === 'requeued')
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
