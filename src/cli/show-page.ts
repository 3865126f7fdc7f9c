/**
 * show-page - one message on a page: diagnosis, way out, facts, and the trail as a table. Pure.
 */
import { printable } from '../base/text.ts'
import type { Destination, HttpDestination } from '../config/config.ts'
import { formatSecret } from '../config/reference.ts'
import { lifetimeEnd } from '../delivery/retry.ts'
import { shownHeader, shownTo } from '../message/mask.ts'
import { isAttempt } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'
import type { Message } from '../queue/queue.ts'
import type { Around } from './around.ts'
import { briefSpan, exactTime, shortTime, tookText } from './clock-text.ts'
import type { Diagnosis } from './diagnosis.ts'
import { familyText } from './family.ts'
import type { Family } from './family.ts'
import type { Screen } from './screen.ts'
import { sizeText } from './size-text.ts'
import { NOTHING, cutAt, formatTable } from './table.ts'
import type { Column } from './table.ts'
import { wayOf } from './way-text.ts'

export interface PageContext {
  readonly diagnosis: Diagnosis
  readonly around: Around
  /** Where it goes; undefined where the configuration does not say. */
  readonly destination: Destination | undefined
  /** What else became of its parent. */
  readonly siblings: Family
  readonly screen: Screen
}

const COLUMNS: readonly Column[] = [
  { head: '  TRY', align: 'right' },
  { head: 'WHEN' },
  { head: 'TOOK', align: 'right' },
  { head: 'OUTCOME' },
  { head: 'ANSWER', most: 500 },
]
/** As much of an answer as an attempt keeps. */
const ANSWER = 2048

/** The page of a message. */
export function showPage(message: Message, context: PageContext): string {
  const { diagnosis, screen } = context
  const { next, command } = diagnosis
  const facts: [string, string | undefined][] = [
    ['next', command === undefined ? next : `${next}: ${command}`],
    ...envelopeFacts(message, context),
    ['siblings', familyText(context.siblings)],
    ['times', timesOf(message, context)],
  ]
  const lines = [
    screen.head(printable(`${message.entry.id}  ${diagnosis.what}`, 1_000)),
    ...facts.flatMap(([name, fact]) =>
      fact === undefined ? [] : [`  ${name.padEnd(8)}  ${printable(fact, 1_000)}`],
    ),
    ...trailLines(message, context),
    '  more: --body  --raw  --curl  --batch',
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function envelopeFacts(
  { envelope, size, entry, defect }: Message,
  { destination }: PageContext,
): [string, string | undefined][] {
  if (envelope === undefined)
    return [
      ['lane', entry.lane],
      ['file', `${sizeText(size)}${defect === undefined ? '' : `, ${defect}`}`],
    ]
  const { to, event, subject, level, headers, method, bytes, contentType, sha256 } =
    envelope
  const where = destination === undefined ? '' : whereText(destination, to)
  const type = contentType ?? destination?.contentType
  return [
    ['to', to === undefined ? undefined : `${shownTo(to)}${where}`],
    ['event', event],
    ['subject', subject],
    ['level', level],
    ['method', method],
    ['headers', headers === undefined ? undefined : headerText(headers)],
    [
      'body',
      `${sizeText(bytes)}${type === undefined ? '' : ` ${type}`}, sha256 ${sha256.slice(0, 8)}...`,
    ],
    ['from', fromText(envelope)],
  ]
}

function whereText(destination: Destination, to: string | undefined): string {
  if (destination.type !== 'http') return ` (${wayOf(destination)})`
  return destination.url === to ? '' : ` (${shownUrl(destination)})`
}

function shownUrl({ url }: HttpDestination): string {
  return typeof url === 'string' ? shownTo(url) : `url = ${formatSecret(url)}`
}

function headerText(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${shownHeader(name, value)}`)
    .join(', ')
}

function fromText({
  sender,
  key,
  order,
  parent,
}: NonNullable<Message['envelope']>): string {
  const { uid, user, host } = sender
  return [
    `uid ${uid}${user === undefined ? '' : ` (${user})`}${host === undefined ? '' : ` on ${host}`}`,
    ...(key === undefined ? [] : [`key ${key}`]),
    ...(order === undefined ? [] : [`order ${order}`]),
    ...(parent === undefined ? [] : [`parent ${parent}`]),
  ].join(', ')
}

function timesOf(
  { envelope, trail, entry }: Message,
  { around: { now }, destination }: PageContext,
): string | undefined {
  if (envelope === undefined) return undefined
  const { createdAt, notBefore, expiresAt } = envelope
  const accepted = Date.parse(createdAt)
  const parts = [`accepted ${exactTime(accepted, now)} (${briefSpan(now - accepted)} ago)`]
  if (notBefore !== undefined)
    parts.push(`not before ${exactTime(Date.parse(notBefore), now)}`)
  if (expiresAt !== undefined)
    parts.push(`expires ${shortTime(Date.parse(expiresAt), now)}`)
  const waits = ['incoming', 'active', 'deferred'].includes(entry.state)
  const end =
    destination === undefined ? Infinity : lifetimeEnd(envelope, trail, destination.retry)
  if (waits && end !== Infinity && expiresAt === undefined)
    parts.push(`given up after ${shortTime(end, now)}`)
  return parts.join(', ')
}

function trailLines(
  { trail }: Message,
  { around: { now }, screen }: PageContext,
): string[] {
  if (trail.length === 0) return []
  const { edge } = screen
  const [head, ...rows] = formatTable(
    COLUMNS,
    trail.map((line) => cellsOf(line, now)),
    edge,
  )
  const last = trail.findLast(isAttempt)
  const answer = last?.answer
  const full =
    answer === undefined || rows.some((row) => row.includes(answer))
      ? []
      : [`  answer    ${printable(answer, ANSWER)}`]
  return ['', screen.head(cutAt(head!, edge)), ...rows, ...full]
}

function cellsOf(line: TrailLine, now: number): string[] {
  const when = exactTime(Date.parse(line.at), now)
  if (!isAttempt(line)) {
    const { act, by, reason } = line
    const what =
      by === undefined
        ? (reason ?? '')
        : `by ${by}${reason === undefined ? '' : `: "${reason}"`}`
    return [NOTHING, when, NOTHING, act, what]
  }
  const { ms, outcome, reason, fault, status } = line
  // A status says whose fault it is; without one it must be said.
  const blame = status === undefined && fault !== undefined ? ` (fault: ${fault})` : ''
  return [
    String(line.try),
    when,
    ms === undefined ? NOTHING : tookText(ms),
    outcome,
    `${reason}${blame}`,
  ]
}
