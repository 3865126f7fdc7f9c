/**
 * program - msgq and its commands as commander knows them: to run one, to help, to complete it,
 * and to write the manual.
 */
import { Command } from 'commander'

import { VERSION } from '../base/version.ts'
import type { Listed } from './commands.ts'
import { COMMON_OPTIONS, addOptions } from './option-row.ts'

/** The program, without its commands. */
export function newProgram(): Command {
  return new Command('msgq')
    .description('Hand it a message: it arrives, or lies in a folder with the reason.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
}

/** Adds a command with the options of all; its own are defined by its file. */
export function addCommand(program: Command, { name, alias, summary }: Listed): Command {
  const sub = program.command(name).summary(summary)
  if (alias !== undefined) sub.alias(alias)
  sub
    .description(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`)
    .helpOption('-h, --help', 'show this help')
    .showSuggestionAfterError(true)
  addOptions(sub, COMMON_OPTIONS)
  return sub
}
