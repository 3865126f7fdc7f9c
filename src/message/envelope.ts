/**
 * envelope - what the sender asked for and what we know of the sender: line 1 of a message.
 *
 * Written once and never changed. `bytes` and `sha256` prove the body. Secrets of destinations
 * are never in it; they are looked up at delivery. Times are ISO 8601 in UTC.
 */
import { createHash } from 'node:crypto'

import { MsgqError } from '../base/errors.ts'
import { checkDraft } from './draft.ts'
import type { Draft } from './draft.ts'
import { isId } from './id.ts'

/** The version of the message file that this msgq writes. */
export const FORMAT_VERSION = 1

/** Who sent it, as the kernel says, and on which host. */
export interface Sender {
  readonly uid: number
  readonly user?: string
  readonly host?: string
}

/** A draft that was accepted: with identity, time, sender and proof. */
export interface Envelope extends Draft {
  readonly v: number
  readonly id: string
  readonly createdAt: string
  readonly sender: Sender
  readonly parent?: string
  readonly bytes: number
  readonly sha256: string
}

/** What accepting a draft adds to it. */
export interface Acceptance {
  readonly id: string
  readonly now: number
  readonly sender: Sender
  readonly parent?: string
}

/** The SHA-256 of a body, in hex. */
export function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/** Makes a draft and its body into an envelope. */
export function seal(draft: Draft, body: Uint8Array, accepted: Acceptance): Envelope {
  return {
    v: FORMAT_VERSION,
    id: accepted.id,
    ...draft,
    createdAt: new Date(accepted.now).toISOString(),
    sender: accepted.sender,
    ...(accepted.parent === undefined ? {} : { parent: accepted.parent }),
    bytes: body.length,
    sha256: sha256(body),
  }
}

/** A message of a later msgq: to be left where it is, never judged. */
export class NewerFormatError extends MsgqError {
  constructor(version: number) {
    super(
      'data',
      `message: format ${version} is newer than this msgq reads (${FORMAT_VERSION})`,
      'it stays where it is; run the msgq that wrote it',
    )
  }
}

/** Reads a sealed envelope from its line; throws what disproves it, or NewerFormatError. */
export function parseEnvelope(line: string): Envelope {
  const raw = parseObject(line)
  if (typeof raw['v'] === 'number' && raw['v'] > FORMAT_VERSION)
    throw new NewerFormatError(raw['v'])
  if (raw['v'] !== FORMAT_VERSION) throw bad('v', `is ${JSON.stringify(raw['v'])}`)
  if (typeof raw['id'] !== 'string' || !isId(raw['id'])) throw bad('id', 'is no id')
  const sender = raw['sender']
  if (typeof sender !== 'object' || sender === null || !('uid' in sender))
    throw bad('sender', 'is missing')
  if (!Number.isSafeInteger(raw['bytes']) || (raw['bytes'] as number) < 0)
    throw bad('bytes', 'is no length')
  if (!/^[0-9a-f]{64}$/.test(String(raw['sha256']))) throw bad('sha256', 'is no digest')
  if (Number.isNaN(Date.parse(String(raw['createdAt']))))
    throw bad('createdAt', 'is no time')
  checkDraft(raw as unknown as Draft)
  return raw as unknown as Envelope
}

/** Line 1 as a JSON object; throws when it is none. */
export function parseObject(line: string): Record<string, unknown> {
  let raw: unknown
  try {
    raw = JSON.parse(line)
  } catch {
    throw new MsgqError('data', 'envelope: line 1 is no JSON')
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new MsgqError('data', 'envelope: line 1 is no JSON object')
  return raw as Record<string, unknown>
}

function bad(field: string, why: string): MsgqError {
  return new MsgqError('data', `envelope: ${field} ${why}`)
}
