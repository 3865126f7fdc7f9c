/**
 * adopt - takes in a file that `msgq send` did not seal: made by hand, or by another user.
 *
 * The id comes first: the file is renamed to `active/<due>,0,<id>@_adopt#<claim>`, and active/
 * is synced. Then it is copied and sealed (fsynced), the copy is renamed over it, and the result
 * goes to incoming/ under its own lane. A crash anywhere leaves one file with one id, and
 * recovery goes on from there. The proof is taken from the copy, never from the original, which
 * its author could still change. Of a file that is not ours only what a sender may say is taken.
 */
import { closeSync, fstatSync, renameSync } from 'node:fs'

import { writeStaged, removeSync } from '../../base/durable.ts'
import { MsgqError } from '../../base/errors.ts'
import { briefSize } from '../../base/size.ts'
import { printable } from '../../base/text.ts'
import { chainPart } from '../../message/chain.ts'
import { DRAFT_FIELDS, checkDraft } from '../../message/draft.ts'
import type { Draft } from '../../message/draft.ts'
import {
  headLimit,
  parseEnvelope,
  parseObject,
  seal,
  sha256,
} from '../../message/envelope.ts'
import type { Envelope } from '../../message/envelope.ts'
import { ADOPT_LANE, laneOf } from '../../message/lane.ts'
import { formatTrailLine } from '../../message/trail.ts'
import { firstDue } from '../states.ts'
import { withoutReasons } from './aside.ts'
import type { Layout } from './layout.ts'
import { formatName, parseName } from './name.ts'
import type { Name } from './name.ts'
import { Defect, EDGE, firstLine, openPlain, readAt } from './read.ts'

const NEWLINE = Buffer.from('\n')

/** What is left behind of members that only msgq writes, when a copy comes back by hand. */
const OURS = new Set([
  'v',
  'id',
  'createdAt',
  'sender',
  'parent',
  'notice',
  'bytes',
  'sha256',
])

export interface AdoptOptions {
  readonly now: number
  readonly messageSizeLimit: number
  /** Why its receiver would refuse it; undefined for what may go. */
  readonly misfit?: ((draft: Draft, body: Uint8Array) => string | undefined) | undefined
  /** What the file was called, for the trail. */
  readonly origin?: string
}

/** A name in active/ that fixes the id of a file before anything else is done with it. */
export function adoptName(id: string, now: number, claim: string): Name {
  return { due: now, tries: 0, id, lane: ADOPT_LANE, claim }
}

export interface Adopted {
  /** The name under which it belongs into incoming/. */
  readonly file: string
  /** Whose it was, and what it takes now. */
  readonly uid: number
  readonly size: number
}

/** Seals the file that has the name in active/, in place; a Defect when it is no message. */
export async function sealInPlace(
  layout: Layout,
  name: Name,
  options: AdoptOptions,
): Promise<Adopted> {
  const path = layout.file('active', formatName(name))
  const { line, body, uid } = readForeign(path, options)
  const sealed = alreadySealed(line, name.id, uid)
  if (sealed !== undefined) return adopted(sealed, options.now)

  const draft = draftOf(line)
  const misfit = options.misfit?.(draft, body)
  if (misfit !== undefined) throw new Defect(misfit)
  const envelope = seal(draft, body, {
    id: name.id,
    now: options.now,
    sender: { uid },
  })
  const text = JSON.stringify(envelope)
  if (Buffer.byteLength(text) >= headLimit(envelope, EDGE))
    throw new Defect('its headers are too long')
  const at = new Date(options.now).toISOString()
  const reason = options.origin === undefined ? {} : { reason: `was ${options.origin}` }
  const trail = formatTrailLine({ at, act: 'adopted', ...reason })
  // Two users may choose one id, and are taken in at the same time: their copies stay apart.
  const staged = layout.file('active', `.${name.id}-${name.claim}`)
  removeSync(staged)
  await writeStaged(staged, [Buffer.from(`${text}\n`), body, NEWLINE, Buffer.from(trail)])
  try {
    renameSync(staged, path)
  } catch (error) {
    // The next try has another token, and another copy.
    removeSync(staged)
    throw error
  }
  return adopted(envelope, options.now)
}

function adopted(envelope: Envelope, now: number): Adopted {
  const { id, to, sender, bytes } = envelope
  const due = firstDue(envelope, now)
  const chain = chainPart(envelope, due > now)
  const file = formatName({ due, tries: 0, id, lane: laneOf(to), ...chain })
  return { file, uid: sender.uid, size: bytes }
}

interface Foreign {
  readonly line: string
  readonly body: Buffer
  readonly uid: number
}

function readForeign(path: string, options: AdoptOptions): Foreign {
  const { messageSizeLimit: limit, origin } = options
  const fd = openPlain(path)
  try {
    const stat = fstatSync(fd)
    // Somebody else's file may have been linked here, and its owner be taken for the sender.
    if (stat.nlink > 1 && stat.uid !== process.geteuid!())
      throw new Defect(`has ${stat.nlink} names (hard links)`)
    if (stat.size > limit + EDGE)
      throw new Defect(`is over the limit of ${briefSize(limit)}`)
    const bytes = readAt(fd, 0, stat.size)
    const { size, mtimeMs } = fstatSync(fd)
    if (size !== stat.size || mtimeMs !== stat.mtimeMs)
      throw new Error('it is still being written')
    const { line, bodyAt } = firstLine(bytes)
    // One that comes back from corrupt/ under our name has our reason behind its last byte.
    const given = origin !== undefined && parseName(origin) === undefined
    const rest = bytes.subarray(bodyAt)
    const body = bodyOfForeign(line, given ? rest : withoutReasons(rest), limit)
    return { line, body, uid: stat.uid }
  } finally {
    closeSync(fd)
  }
}

/** `bytes` of the envelope, where it has them; else all that follows line 1. */
function bodyOfForeign(line: string, rest: Buffer, limit: number): Buffer {
  const { bytes, sha256: proof } = asDefect(() => parseObject(line))
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && (bytes as number) >= 0))
    throw new Defect('its `bytes` is no length')
  const length = bytes === undefined ? rest.length : (bytes as number)
  if (length > limit) throw new Defect(`is over the limit of ${briefSize(limit)}`)
  if (length > rest.length)
    throw new Defect(`is cut short: ${rest.length} of ${length} bytes of body`)
  const body = rest.subarray(0, length)
  if (bytes !== undefined && proof !== undefined && proof !== sha256(body))
    throw new Defect('its body is not the one sealed')
  return body
}

/** The envelope when a crash came between the rename over the original and the move on. */
function alreadySealed(line: string, id: string, uid: number): Envelope | undefined {
  if (uid !== process.geteuid!()) return undefined
  try {
    const envelope = parseEnvelope(line)
    return envelope.id === id ? envelope : undefined
  } catch {
    return undefined
  }
}

/** What a sender may say, of what the file says; a member that nobody knows is an error. */
function draftOf(line: string): Draft {
  const raw = asDefect(() => parseObject(line))
  for (const member of Object.keys(raw))
    if (!isKnown(member))
      throw new Defect(
        `its envelope has a member that msgq does not know: "${printable(member, 80)}"`,
      )
  const draft: Record<string, unknown> = {}
  for (const field of DRAFT_FIELDS) if (raw[field] !== undefined) draft[field] = raw[field]
  // A copy of a child that comes back by hand: it goes where it went.
  if (raw['parent'] !== undefined && draft['to'] !== undefined) delete draft['event']
  asDefect(() => checkDraft(draft))
  return draft
}

function isKnown(member: string): boolean {
  return (
    (DRAFT_FIELDS as readonly string[]).includes(member) ||
    OURS.has(member) ||
    member.startsWith('x-')
  )
}

function asDefect<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof MsgqError) throw new Defect(error.message)
    throw error
  }
}
