/**
 * log-summary - what happened, in numbers: by destination and outcome, with durations and reasons.
 *
 * Takes any number of lines in little memory: durations are kept by classes a twentieth wide, and
 * of different reasons only so many.
 */
import { briefDuration } from '../base/duration.ts'
import { printable } from '../base/text.ts'
import { EVENTS } from '../message/journal-line.ts'
import type { JournalLine } from '../message/journal-line.ts'
import { jsonLine } from './json.ts'
import { present } from './summary.ts'
import { NOTHING, cutAt, formatTable } from './table.ts'
import type { Column } from './table.ts'

export interface Summary {
  /** A table, with the most frequent reasons below their rows. */
  text(edge: number | undefined): string
  /** A JSON object for each row. The members are public. */
  json(): string
}

const COLUMNS: readonly Column[] = [
  { head: 'TO', most: 40 },
  { head: 'OUTCOME' },
  { head: 'COUNT', align: 'right' },
  { head: 'MEDIAN', align: 'right' },
  { head: '95%', align: 'right' },
  { head: 'MAX', align: 'right' },
  { head: 'AGE', align: 'right' },
]
/** Reasons that are shown for each row, and that are told apart. */
const SHOWN = 3
const MOST_REASONS = 10_000
const OTHER = 'other reasons'
/** Whose reasons say no more than the word itself. */
const PLAIN: ReadonlySet<string> = new Set(['queued', 'delivered', 'adopted', 'repeat'])

/** Counts all lines. */
export async function summarize(lines: AsyncIterable<JournalLine>): Promise<Summary> {
  const rows = new Map<string, Row>()
  for await (const line of lines) {
    const key = `${line.lane ?? ''} ${line.event}`
    const row = rows.get(key) ?? new Row(line)
    rows.set(key, row)
    row.add(line)
  }
  const sorted = [...rows.values()].toSorted(
    (a, b) => compare(a.lane, b.lane) || EVENTS.indexOf(a.event) - EVENTS.indexOf(b.event),
  )
  return {
    text: (edge) => textOf(sorted, edge),
    json: () => sorted.map((row) => jsonLine(row.json())).join(''),
  }
}

function textOf(rows: readonly Row[], edge: number | undefined): string {
  if (rows.length === 0) return 'nothing happened\n'
  const table = formatTable(
    COLUMNS,
    rows.map((row) => row.cells()),
    edge,
  )
  const [head, ...lines] = table
  const all = [head!, ...lines.flatMap((line, at) => [line, ...rows[at]!.reasonLines()])]
  return all.map((line) => `${cutAt(line, edge)}\n`).join('')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

class Row {
  readonly lane: string
  readonly event: JournalLine['event']
  #count = 0
  readonly #took = new Spans()
  readonly #age = new Spans()
  readonly #reasons = new Map<string, number>()

  constructor({ lane = NOTHING, event }: JournalLine) {
    this.lane = lane
    this.event = event
  }

  add({ ms, ageMs, reason }: JournalLine): void {
    this.#count++
    if (ms !== undefined) this.#took.add(ms)
    if (ageMs !== undefined) this.#age.add(ageMs)
    if (reason === undefined || PLAIN.has(this.event)) return
    const known = this.#reasons.has(reason) || this.#reasons.size < MOST_REASONS
    const name = known ? reason : OTHER
    this.#reasons.set(name, (this.#reasons.get(name) ?? 0) + 1)
  }

  cells(): string[] {
    const text = (ms: number | undefined) => (ms === undefined ? NOTHING : spanOf(ms))
    return [
      this.lane,
      this.event,
      this.#count.toLocaleString('en'),
      text(this.#took.at(0.5)),
      text(this.#took.at(0.95)),
      text(this.#took.most),
      text(this.#age.at(0.5)),
    ]
  }

  reasonLines(): string[] {
    const all = this.#topReasons()
    const lines = all
      .slice(0, SHOWN)
      .map(
        ([reason, count]) => `    ${count.toLocaleString('en')}x ${printable(reason, 500)}`,
      )
    const more = all.length - SHOWN
    return more > 0
      ? [...lines, `    and ${more} more ${more === 1 ? 'reason' : 'reasons'}`]
      : lines
  }

  json(): object {
    const [median, p95] = [this.#took.at(0.5), this.#took.at(0.95)]
    return present({
      lane: this.lane,
      event: this.event,
      count: this.#count,
      ms: median === undefined ? undefined : { median, p95, max: this.#took.most },
      ageMs: this.#age.at(0.5) === undefined ? undefined : { median: this.#age.at(0.5) },
      reasons:
        this.#reasons.size === 0
          ? undefined
          : this.#topReasons().map(([reason, count]) => ({ reason, count })),
    })
  }

  #topReasons(): [string, number][] {
    return [...this.#reasons].toSorted((a, b) => b[1] - a[1])
  }
}

/** Spans of time, of which only the class is kept. */
class Spans {
  readonly #classes = new Map<number, number>()
  #count = 0
  most: number | undefined

  add(ms: number): void {
    const at = Math.round(Math.log1p(ms) / Math.log(1.05))
    this.#classes.set(at, (this.#classes.get(at) ?? 0) + 1)
    this.#count++
    this.most = Math.max(this.most ?? 0, ms)
  }

  /** The span that this share of them does not exceed, within a twentieth. */
  at(share: number): number | undefined {
    let left = Math.ceil(this.#count * share)
    for (const [at, count] of [...this.#classes].toSorted((a, b) => a[0] - b[0])) {
      left -= count
      if (left <= 0) return Math.min(this.most!, Math.round(1.05 ** at - 1))
    }
    return undefined
  }
}

function spanOf(ms: number): string {
  return ms < 1_000 || ms >= 10_000 ? briefDuration(ms) : `${(ms / 1_000).toFixed(1)}s`
}
