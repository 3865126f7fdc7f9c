/**
 * qshape - how old what waits is, by destination: where the queue grows, and since when.
 *
 * As Postfix's: a column holds those that are younger than its minutes and older than those of
 * the column before. Names alone are read, so that a million take a second or two.
 */
import type { Flags } from '../config/find.ts'
import { isIdEnding } from '../message/id.ts'
import { STATES, isState } from '../message/state.ts'
import { onWords } from './command.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { openReading, reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { addSelectorOptions, selectorOf } from './selection.ts'
import type { SelectorOptions } from './selection.ts'
import { formatTable } from './table.ts'
import type { Column } from './table.ts'

interface Options extends SelectorOptions {
  readonly json?: boolean
}

/** The ends of the columns, in minutes. */
const MINUTES = [5, 10, 20, 40, 80, 160, 320, 640, 1280] as const

const COLUMNS: readonly Column[] = [
  { head: '' },
  { head: 'T', align: 'right' },
  ...MINUTES.map((minutes) => ({ head: String(minutes), align: 'right' }) as const),
  { head: `${MINUTES.at(-1)}+`, align: 'right' },
]

export const define: Define = (command, begin) => {
  addSelectorOptions(
    command.argument('[STATE...]', `${STATES.join(', ')}; without, all that wait`),
  ).option('--json', 'print JSON, one destination a line')
  onWords(command, begin, run)
}

async function run(
  io: Io,
  flags: Flags,
  words: readonly string[],
  options: Options,
): Promise<number> {
  const { desk } = await openReading(io, flags)
  // `qshape deferred`, as Postfix has it; ids work as everywhere.
  const ids = words.filter((word) => !isState(word) && isMessage(word))
  const state = [...(options.state ?? []), ...words.filter((word) => !ids.includes(word))]
  const { selector } = await selectorOf(
    ids,
    state.length === 0 ? options : { ...options, state },
    io,
    desk,
  )
  const { states = ['incoming', 'active', 'deferred'] } = selector
  const now = io.clock.now()
  const times = MINUTES.map((minutes) => now - minutes * 60_000)
  const ages = await reading('spool', () => desk.ages({ ...selector, states }, times))
  const rows = [...ages].toSorted(
    ([a, left], [b, right]) => sum(right) - sum(left) || (a < b ? -1 : 1),
  )
  await io.print(options.json ? jsonText(rows) : pageOf(rows, io))
  return 0
}

function isMessage(word: string): boolean {
  return word === '-' || word === 'ALL' || isIdEnding(word)
}

type Row = readonly [lane: string, counts: readonly number[]]

function pageOf(rows: readonly Row[], io: Io): string {
  const { edge, head } = screenOf(io)
  const cells = ([lane, counts]: Row) => [lane, sum(counts), ...counts].map(String)
  const [first = '', ...lines] = formatTable(
    COLUMNS,
    [cells(['TOTAL', totalOf(rows)]), ...rows.map(cells)],
    edge,
  )
  return [head(first), ...lines].map((line) => `${line}\n`).join('')
}

/** A line for each, the total last; a count is of those up to so many minutes old. */
function jsonText(rows: readonly Row[]): string {
  const line = (name: object, counts: readonly number[]) => {
    const minutes = MINUTES.map((upTo, at) => ({ upTo, count: counts[at] }))
    return jsonLine({ ...name, total: sum(counts), minutes, older: counts.at(-1) })
  }
  const lines = rows.map(([lane, counts]) => line({ lane }, counts))
  return [...lines, line({}, totalOf(rows))].join('')
}

function totalOf(rows: readonly Row[]): number[] {
  return [...MINUTES, 0].map((_, at) => sum(rows.map(([, counts]) => counts[at]!)))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
