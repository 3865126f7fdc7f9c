/**
 * table - rows of text in columns, for people.
 *
 * Two spaces between columns, none at the end of a line. What strangers wrote is made printable
 * here, so that no cell can move the cursor or forge a row. On a terminal a line is cut at its
 * edge and never wrapped.
 */
import { printable } from '../base/text.ts'

export interface Column {
  readonly head: string
  readonly align?: 'right'
  /** Widest cell; what is longer is cut. */
  readonly most?: number
}

/** A cell where there is nothing to say. */
export const NOTHING = '-'

const GAP = '  '
/** A cell is cut here in any case. */
const LONGEST = 1_000

/** How wide each column must be for these rows; never less than it was `before`. */
export function widthsOf(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  before: readonly number[] = columns.map(({ head }) => head.length),
): number[] {
  return columns.map((column, at) =>
    Math.max(before[at]!, ...rows.map((cells) => cellOf(column, cells[at]).length)),
  )
}

/** One line of the table, without its newline. */
export function formatRow(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
  edge?: number,
): string {
  const line = columns
    .map((column, at) => {
      const cell = cellOf(column, cells[at])
      return column.align === 'right'
        ? cell.padStart(widths[at]!)
        : cell.padEnd(widths[at]!)
    })
    .join(GAP)
    .trimEnd()
  return cutAt(line, edge)
}

/** The line of the heads. */
export function formatHead(
  columns: readonly Column[],
  widths: readonly number[],
  edge?: number,
): string {
  return formatRow(
    columns,
    widths,
    columns.map(({ head }) => head),
    edge,
  )
}

/** A whole table, its heads first. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  edge?: number,
): string[] {
  const widths = widthsOf(columns, rows)
  return [
    formatHead(columns, widths, edge),
    ...rows.map((cells) => formatRow(columns, widths, cells, edge)),
  ]
}

/** A printable line that ends before the edge of the terminal, if there is one. */
export function cutAt(line: string, edge: number | undefined): string {
  if (edge === undefined || line.length <= edge) return line
  const cut = line.slice(0, Math.max(0, edge - 3))
  return `${cut.replace(/[\ud800-\udbff]$/, '')}...`.slice(0, edge)
}

function cellOf({ most = LONGEST }: Column, text: string | undefined): string {
  return printable(text ?? '', most)
}
