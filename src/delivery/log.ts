/**
 * log - what the daemon says of its work: one line per attempt. The names of the fields are
 * public; docs/log.md lists them, and they are never renamed.
 */
import { shownTo } from '../message/mask.ts'
import { isAttempt } from '../message/trail.ts'
import type { Lease, Settlement } from '../queue/queue.ts'
import type { Ended } from './settle.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Where log lines go; daemon/log.ts makes one of pino. */
export interface Log {
  write(level: LogLevel, fields: Fields, message: string): void
}

export type Fields = Readonly<Record<string, unknown>>

/** A line before it is written. */
export interface LogLine<F = Fields> {
  readonly level: LogLevel
  readonly fields: F
  readonly message: string
}

/** The line of one attempt. Absent is absent, never null. */
export type AttemptFields = {
  readonly event: 'attempt'
  readonly id: string
  readonly to: string
  readonly lane: string
  readonly try: number
  readonly outcome: Settlement['to']
  readonly fault?: string
  readonly status?: number
  readonly reason: string
  readonly ageMs: number
  readonly ms: number
  readonly due?: string
}

/** From this try on a deferral is a warning: the first two are everyday. */
const WORRYING_TRY = 3

/** The line of an attempt, by what became of the message. */
export function attemptLog(
  lease: Lease,
  { startedAt, endedAt, outcome }: Ended,
  settlement: Settlement,
): LogLine<AttemptFields> {
  const { envelope, lane, id, tries } = lease
  const line = lineOf(settlement)
  const fields: AttemptFields = {
    event: 'attempt',
    id,
    to: receiverOf(lease),
    lane,
    try: tries + 1,
    outcome: settlement.to,
    ...('fault' in outcome ? { fault: outcome.fault } : {}),
    ...(outcome.status === undefined ? {} : { status: outcome.status }),
    // Where the house gave it up, the trail's line says so as well.
    reason: line?.reason ?? outcome.reason,
    ageMs: Math.max(0, endedAt - Date.parse(envelope.createdAt)),
    ms: Math.max(0, endedAt - startedAt),
    ...('due' in settlement ? { due: new Date(settlement.due).toISOString() } : {}),
  }
  const message = `${fields.outcome} ${fields.to}: ${fields.reason}`
  return { level: levelOf(settlement, fields.try), fields, message }
}

/** The line of a message that was not tried; undefined where its trail says it already. */
export function untriedLog(lease: Lease, settlement: Settlement): LogLine | undefined {
  const line = lineOf(settlement)
  if (line === undefined || isAttempt(line)) return undefined
  const { id, lane } = lease
  const to = receiverOf(lease)
  const fields = {
    event: line.act,
    id,
    to,
    lane,
    reason: line.reason,
    ...('due' in settlement ? { due: new Date(settlement.due).toISOString() } : {}),
  }
  const message = `${settlement.to} ${to}: ${line.reason}`
  return { level: levelOf(settlement, lease.tries), fields, message }
}

function lineOf(settlement: Settlement) {
  return 'line' in settlement ? settlement.line : undefined
}

function receiverOf({ envelope: { to, event } }: Lease): string {
  return to === undefined ? (event ?? '') : shownTo(to)
}

function levelOf(settlement: Settlement, tries: number): LogLevel {
  switch (settlement.to) {
    case 'bounced':
    case 'held':
      return 'error'
    case 'deferred':
      return tries >= WORRYING_TRY ? 'warn' : 'info'
    case 'postponed':
      // Somebody has to mend something, and hears of it once.
      return settlement.line === undefined ? 'debug' : 'warn'
    default:
      return 'info'
  }
}
