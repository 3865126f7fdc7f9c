/**
 * notice - what is told of messages that bounced or still wait, and of what did not come: the
 * subject, the level and the two forms of the body. Pure.
 *
 * The members of the JSON form are public (docs/notices.md): added to, never renamed. Absent is
 * absent. Of a body the first KiB is told, as text where it is some.
 */
import { briefDuration } from '../base/duration.ts'
import { printable } from '../base/text.ts'
import type { Level } from '../message/draft.ts'
import type { Envelope, Notice } from '../message/envelope.ts'
import { shownTo } from '../message/mask.ts'
import type { Entry } from '../message/selector.ts'
import { lastWord, wordText } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'

/** One of the messages that a notice tells of. */
export interface Told {
  readonly entry: Entry
  /** When it bounced, or began to wait. */
  readonly at: number
  readonly envelope?: Envelope | undefined
  readonly trail: readonly TrailLine[]
  /** The beginning of its body; absent where it cannot be proven. */
  readonly body?: Uint8Array
}

/** What is told of a lane. */
export interface Tidings {
  readonly kind: Extract<Notice, 'bounced' | 'waiting'>
  readonly lane: string
  readonly count: number
  /** When the first and the last of them bounced, or began to wait. */
  readonly since: number
  readonly until: number
  readonly now: number
  /** Why, the most frequent first, and of how many messages these are. */
  readonly reasons: readonly (readonly [reason: string, count: number])[]
  readonly told: readonly Told[]
  readonly host: string
}

/** What is told of something that has to come now and then. */
export interface Absence {
  readonly kind: Extract<Notice, 'missing' | 'back'>
  /** What was expected, in words. */
  readonly name: string
  readonly every: number
  readonly lastAt: number
  readonly now: number
  readonly host: string
}

export interface Wording {
  readonly subject: string
  readonly level: Level
  readonly json: string
  readonly text: string
}

/** So much of a body is told. */
export const EXCERPT = 1024
/** Lines of a trail, the last ones. */
const LINES = 10
const REASONS = 10
const REASON = 200

/** Why a message is where it is. */
export function reasonOf(trail: readonly TrailLine[]): string {
  const word = lastWord(trail)
  return word === undefined ? 'no reason is known' : printable(wordText(word), REASON)
}

/** The notice of a lane. */
export function wordTidings(tidings: Tidings): Wording {
  const { kind, lane, count, now, since, reasons } = tidings
  const [[reason = ''] = []] = reasons
  const others = reasons.length > 1 ? ', and other reasons' : ''
  const what = `${count} ${count === 1 ? 'message' : 'messages'} to ${lane}`
  const how =
    kind === 'bounced'
      ? 'bounced'
      : `still ${count === 1 ? 'waits' : 'wait'} after ${briefDuration(now - since)}`
  return {
    subject: printable(`${what} ${how}: ${reason}${others}`, 300),
    level: kind === 'bounced' ? 'error' : 'warning',
    json: `${JSON.stringify(jsonOf(tidings), undefined, 2)}\n`,
    text: textOf(tidings, `${what} ${how} on ${tidings.host}`),
  }
}

function commandOf({ kind, lane }: Tidings): string {
  return `msgq mailq --state ${kind === 'bounced' ? 'bounce' : 'deferred'} --to ${lane}`
}

function jsonOf(tidings: Tidings): unknown {
  const { kind, lane, count, since, until, reasons, told, host } = tidings
  return {
    notice: kind,
    destination: lane,
    host,
    count,
    since: iso(since),
    until: iso(until),
    reasons: reasons.slice(0, REASONS).map(([reason, times]) => ({ reason, count: times })),
    messages: told.map((one) => messageOf(kind, one)),
    more: Math.max(0, count - told.length),
    command: commandOf(tidings),
  }
}

function messageOf(kind: Tidings['kind'], { entry, at, envelope, trail, body }: Told) {
  const { to, event, subject, level, key, createdAt, contentType, bytes } = envelope ?? {}
  return {
    id: entry.id,
    to: to === undefined ? undefined : shownTo(to),
    event,
    subject,
    level,
    key,
    acceptedAt: createdAt,
    ...(kind === 'bounced' ? { bouncedAt: iso(at) } : { waitsSince: iso(at) }),
    tries: entry.tries,
    reason: reasonOf(trail),
    trail: trail.slice(-LINES),
    contentType,
    bytes,
    ...excerptOf(body),
  }
}

/** As text where it is UTF-8 without control characters, else in base64. */
function excerptOf(body: Uint8Array | undefined): { body?: string; bodyBase64?: string } {
  if (body === undefined) return {}
  const text = textIn(body)
  return text === undefined
    ? { bodyBase64: Buffer.from(body).toString('base64') }
    : { body: text }
}

function textIn(body: Uint8Array): string | undefined {
  // An excerpt may end in the middle of a character.
  for (let cut = 0; cut < 4 && cut <= body.length; cut++)
    try {
      const end = body.length - cut
      const text = new TextDecoder('utf-8', { fatal: true }).decode(body.subarray(0, end))
      return /[^\P{Cc}\t\n\r]/u.test(text) ? undefined : text
    } catch {
      if (body.length < EXCERPT) return undefined
    }
  return undefined
}

function textOf(tidings: Tidings, head: string): string {
  const { kind, count, since, until, reasons, told } = tidings
  const span = since === until ? iso(since) : `${iso(since)} to ${iso(until)}`
  const lines = [head, `${kind === 'bounced' ? 'bounced' : 'since'} ${span}`, '']
  for (const [reason, times] of reasons.slice(0, REASONS))
    lines.push(`${String(times).padStart(6)}  ${reason}`)
  for (const { entry, envelope, trail, body } of told) {
    const { subject, createdAt } = envelope ?? {}
    lines.push('', entry.id, `  ${reasonOf(trail)}`)
    lines.push(`  accepted ${createdAt ?? '?'}, ${entry.tries} tries`)
    if (subject !== undefined) lines.push(`  ${printable(subject, REASON)}`)
    const text = body === undefined ? undefined : textIn(body)
    if (text !== undefined && text !== '') lines.push(`  ${printable(text, REASON)}`)
  }
  lines.push('')
  if (count > told.length) lines.push(`and ${count - told.length} more`)
  lines.push(commandOf(tidings), '')
  return lines.join('\n')
}

/** The notice of something that did not come, or came again. */
export function wordAbsence({ kind, name, every, lastAt, now, host }: Absence): Wording {
  const isBack = kind === 'back'
  const gap = now - lastAt
  const subject = printable(
    isBack ? `came again: ${name}` : `did not come for ${briefDuration(gap)}: ${name}`,
    300,
  )
  const said = { lastAt: iso(lastAt), everyMs: every }
  const report = { notice: kind, expected: name, host, ...said, at: iso(now) }
  const text = isBack
    ? `${subject}\nagain since ${iso(lastAt)}, on ${host}\n`
    : `${subject}\nthe last one was accepted ${iso(lastAt)}, on ${host}\n`
  return {
    subject,
    level: isBack ? 'success' : 'error',
    json: `${JSON.stringify(report, undefined, 2)}\n`,
    text,
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
