/**
 * option-row - an option as commander is told of it, and the two that every command has.
 *
 * A row is all that is known of an option, so that a line can be read without commander, too:
 * plain-line.ts.
 */
import type { Command } from 'commander'

export interface OptionRow {
  /** `-s, --subject <text>`: one letter at most, and a value that must be there or none. */
  readonly flags: string
  /** Without one it is not shown. */
  readonly help?: string
  /** It may stand more than once, and all its values count. */
  readonly isMany?: boolean
}

export const COMMON_OPTIONS: readonly OptionRow[] = [
  { flags: '-c, --config <file>', help: 'configuration file' },
  { flags: '--spool <dir>', help: 'spool folder' },
]

/** Adds the options of all rows to a command. */
export function addOptions(command: Command, rows: readonly OptionRow[]): void {
  for (const { flags, help, isMany = false } of rows) {
    const option = command.createOption(flags, help).hideHelp(help === undefined)
    command.addOption(isMany ? option.argParser(collect) : option)
  }
}

/** Of an option that may stand more than once every value counts. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
