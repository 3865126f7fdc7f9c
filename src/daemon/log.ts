/**
 * log - the daemon's log on stdout, by pino: JSON, or text where a person or the journal reads. In
 * the journal either has its priority.
 *
 * A line of text has Postfix's order: id, outcome, key=value, and the reason last in brackets.
 * stdout that is closed or full costs lines and never the daemon.
 */
import { pino } from 'pino'

import { systemClock } from '../base/clock.ts'
import { briefDuration } from '../base/duration.ts'
import { printable } from '../base/text.ts'
import type { Log, LogLevel } from '../delivery/log.ts'
import { shortId } from '../message/id.ts'

export interface LogOptions {
  readonly level: string
  readonly format: 'auto' | 'json' | 'text'
  /** Whether stdout leads to systemd's journal. */
  readonly journal: boolean
  readonly stdout: NodeJS.WriteStream
}

/** A reader that does not read costs lines once so much waits for it (bytes). */
const MOST_UNREAD = 1024 * 1024

/** Opens the log on a stream. */
export function openLog({ level, format, journal, stdout }: LogOptions): Log {
  const text =
    format === 'text' || (format === 'auto' && (journal || stdout.isTTY === true))
  const options = {
    level,
    base: null,
    timestamp: isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  // Not pino's own destination: its last flush never ends where the disk is full.
  stdout.on('error', () => {})
  const lines = new Lines(stdout)
  const logger = pino(options, {
    write: (line: string) =>
      lines.add(text ? textLine(line, journal) : journal ? priorityOf(line) + line : line),
  })
  return {
    write: (name: LogLevel, fields, message) => {
      logger[name](fields, message)
    },
  }
}

/** Pino's member `time`, written once for all lines of a millisecond. */
function isoTime(): string {
  const now = systemClock.now()
  if (now !== written.ms) {
    written.ms = now
    written.text = `,"time":"${new Date(now).toISOString()}"`
  }
  return written.text
}

const written = { ms: -1, text: '' }

/** What was said in one turn of the event loop is one write: each costs more than its line. */
class Lines {
  readonly #stdout: NodeJS.WriteStream
  #text = ''

  constructor(stdout: NodeJS.WriteStream) {
    this.#stdout = stdout
  }

  add(line: string): void {
    if (this.#stdout.writableLength > MOST_UNREAD) return
    if (this.#text === '') {
      setImmediate(() => this.flush())
      unwritten.add(this)
    }
    this.#text += line
  }

  flush(): void {
    this.#stdout.write(this.#text)
    this.#text = ''
    unwritten.delete(this)
  }
}

/** What a program that ends in the middle of a turn has still to say. */
const unwritten = new Set<Lines>()
process.once('exit', () => {
  for (const lines of unwritten) lines.flush()
})

/** Priorities of sd-daemon(3): the journal takes them from the start of a line. */
const PRIORITY: Readonly<Record<string, string>> = {
  error: '<3>',
  warn: '<4>',
  info: '<6>',
  debug: '<7>',
}
const LEVEL = '{"level":"'

/** Of a line of pino's, whose first member is the level. */
function priorityOf(line: string): string {
  return PRIORITY[line.slice(LEVEL.length, line.indexOf('"', LEVEL.length))] ?? ''
}

/** A line of pino's as text; with its time unless the journal adds one. */
function textLine(line: string, journal: boolean): string {
  const fields = JSON.parse(line) as Record<string, unknown>
  const level = String(fields['level'])
  const front = journal
    ? (PRIORITY[level] ?? '')
    : `${String(fields['time']).slice(11, 23)} ${level === 'info' ? '' : `${level}: `}`
  const rest = fields['event'] === 'attempt' ? attempt(fields) : other(fields)
  return `${front}${printable(rest, 2000)}\n`
}

function attempt(fields: Record<string, unknown>): string {
  const { id, outcome, to, status, ageMs, ms, due, time, reason } = fields
  const parts = [shortId(String(id)), outcome, `to=${to}`, `try=${fields['try']}`]
  if (status !== undefined) parts.push(`status=${status}`)
  parts.push(`age=${briefDuration(Number(ageMs))}`, `ms=${ms}`)
  if (due !== undefined) {
    const wait = Date.parse(String(due)) - Date.parse(String(time))
    parts.push(`next=${briefDuration(wait)}`)
  }
  return `${parts.join(' ')} (${printable(String(reason), 500)})`
}

function other({ id, msg, reason }: Record<string, unknown>): string {
  const message = printable(String(msg), 1000)
  const why =
    reason === undefined || String(msg).includes(String(reason))
      ? ''
      : ` (${printable(String(reason), 500)})`
  return id === undefined ? `${message}${why}` : `${shortId(String(id))} ${message}${why}`
}
