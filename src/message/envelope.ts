/**
 * envelope - what the sender asked for and what we know of the sender: line 1 of a message.
 *
 * Written once and never changed. `bytes` and `sha256` prove the body. Secrets of destinations
 * are never in it; they are looked up at delivery. Times are ISO 8601 in UTC.
 */
import { hash } from 'node:crypto'

import { MsgqError } from '../base/errors.ts'
import { DRAFT_FIELDS, checkDraft } from './draft.ts'
import type { Draft } from './draft.ts'
import { isId } from './id.ts'

/** The version of the message file that this msgq writes. */
export const FORMAT_VERSION = 1

/** Who sent it, as the kernel says, and on which host. */
export interface Sender {
  /** Who wrote the file: where it came in through a `door`, the daemon and not the sender. */
  readonly uid: number
  readonly user?: string
  readonly host?: string
  /** The door of the daemon through which it came: `submit`, `control` or `http`. */
  readonly door?: string
  /** The name of the token with which it came. */
  readonly token?: string
  /** The id under which another msgq handed it on: its own. Its key counts for it alone. */
  readonly relayed?: string
  /** Over how many msgqs it has come here, if over any. */
  readonly hops?: number
}

/** A sender as people know him: by his token, the door he came through, his name or his uid. */
export function senderName({ uid, user, door, token }: Sender): string {
  return token ?? door ?? user ?? `uid ${uid}`
}

/** What a message of our own tells: some bounced, still wait, did not come, or came again. */
export const NOTICES = ['bounced', 'waiting', 'missing', 'back'] as const
export type Notice = (typeof NOTICES)[number]

/** A draft that was accepted: with identity, time, sender and proof. */
export interface Envelope extends Draft {
  readonly v: number
  readonly id: string
  readonly createdAt: string
  readonly sender: Sender
  readonly parent?: string
  /** We made it ourselves, to tell somebody of this; its own bounce is told to nobody. */
  readonly notice?: Notice
  readonly bytes: number
  readonly sha256: string
}

/** What accepting a draft adds to it. */
export interface Acceptance {
  readonly id: string
  readonly now: number
  readonly sender: Sender
  readonly parent?: string
  readonly notice?: Notice
  /** Of the body, in hex; where it is missing it is computed. */
  readonly sha256?: string
}

/** The SHA-256 of a body, in hex. */
export function sha256(body: Uint8Array): string {
  return hash('sha256', body)
}

/** Makes a draft and its body into an envelope. Only a draft's own members are taken. */
export function seal(draft: Draft, body: Uint8Array, accepted: Acceptance): Envelope {
  const said: Draft = Object.fromEntries(
    DRAFT_FIELDS.map((field) => [field, draft[field]]).filter(
      ([, value]) => value !== undefined,
    ),
  )
  return {
    v: FORMAT_VERSION,
    id: accepted.id,
    ...said,
    createdAt: new Date(accepted.now).toISOString(),
    sender: accepted.sender,
    ...(accepted.parent === undefined ? {} : { parent: accepted.parent }),
    ...(accepted.notice === undefined ? {} : { notice: accepted.notice }),
    bytes: body.length,
    sha256: accepted.sha256 ?? sha256(body),
  }
}

/** The bytes that line 1 must stay below: one of an event leaves room for what its children add. */
export function headLimit({ to }: Pick<Draft, 'to'>, edge: number): number {
  return to === undefined ? edge - CHILD_ROOM : edge
}

/** `to` and `parent`. */
const CHILD_ROOM = 256

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
  return checkEnvelope(parseObject(line))
}

/** The same of a line that was parsed already. */
export function checkEnvelope(raw: Record<string, unknown>): Envelope {
  const { v, id, sender, parent, notice, bytes, sha256: digest, createdAt } = raw
  if (typeof v === 'number' && v > FORMAT_VERSION) throw new NewerFormatError(v)
  if (v !== FORMAT_VERSION) throw bad('v', `is not ${FORMAT_VERSION}`)
  if (!isText(id) || !isId(id)) throw bad('id', 'is no id')
  if (!isSender(sender)) throw bad('sender', 'is missing, or names no uid')
  if (parent !== undefined && !(isText(parent) && isId(parent)))
    throw bad('parent', 'is no id')
  // One that a later msgq knows is a notice too.
  if (notice !== undefined && !isText(notice)) throw bad('notice', 'is no text')
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0)
    throw bad('bytes', 'is no length')
  if (!isText(digest) || !/^[0-9a-f]{64}$/.test(digest)) throw bad('sha256', 'is no digest')
  if (!isText(createdAt) || Number.isNaN(Date.parse(createdAt)))
    throw bad('createdAt', 'is no time')
  checkDraft(raw as unknown as Draft, parent !== undefined)
  return raw as unknown as Envelope
}

function isSender(sender: unknown): sender is Sender {
  if (typeof sender !== 'object' || sender === null) return false
  const { uid, user, host, door, token, relayed, hops } = sender as Record<string, unknown>
  if (!Number.isSafeInteger(uid) || (uid as number) < 0) return false
  if (hops !== undefined && !Number.isSafeInteger(hops)) return false
  return [user, host, door, token, relayed].every(
    (name) => name === undefined || isText(name),
  )
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

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function bad(field: string, why: string): MsgqError {
  return new MsgqError('data', `envelope: ${field} ${why}`)
}
