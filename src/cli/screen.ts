/**
 * screen - what stdout is: a terminal with an edge and colours, or a pipe with neither.
 */
import type { Io } from './command.ts'

export interface Screen {
  readonly isTerminal: boolean
  /** Columns of the terminal; undefined for a pipe, where nothing is cut. */
  readonly edge?: number
  head(text: string): string
  alarm(text: string): string
}

/** The screen of this command. */
export function screenOf({ stdout, environment: { env } }: Io): Screen {
  const isTerminal = stdout.isTTY === true
  // no-color.org: any value but an empty one means no.
  const coloured = isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const paint = (code: string) => (text: string) =>
    coloured && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text
  return {
    isTerminal,
    ...(isTerminal && stdout.columns > 0 ? { edge: stdout.columns } : {}),
    head: paint('1'),
    alarm: paint('31'),
  }
}
