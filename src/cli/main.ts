/**
 * main - the program msgq: finds the command, loads it alone, says what went wrong.
 *
 * `msgq send` is started hundreds of times a minute, so nothing is loaded that the one command
 * does not need. Exit codes are sysexits'; commander's own are made into them.
 */
import { CommanderError } from 'commander'

import { EXIT_CODES } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import type { Flags } from '../config/find.ts'
import { mayBecome } from './become.ts'
import type { Io, Run } from './command.ts'
import { COMMANDS, HIDDEN } from './commands.ts'
import type { Listed } from './commands.ts'
import { complain } from './complain.ts'
import { systemIo } from './io.ts'
import { addCommand, newProgram } from './program.ts'

/** Runs msgq with these arguments; resolves with its exit code. */
export async function main(given: readonly string[], io: Io = systemIo()): Promise<number> {
  const argv = given[0] === 'help' ? helping(given.slice(1)) : given
  const listed = named(argv.find((word) => !word.startsWith('-')))
  try {
    return await dispatch(argv, listed, io)
  } catch (error) {
    if (error instanceof CommanderError) return refuse(error, listed, io)
    return complain(error, listed?.name, io)
  }
}

function named(name: string | undefined): Listed | undefined {
  // Most have no alias, and nothing is not the name of one.
  return [...COMMANDS, ...HIDDEN].find(
    (command) => name !== undefined && [command.name, command.alias].includes(name),
  )
}

/** `help show` is `show --help`. */
function helping(words: readonly string[]): readonly string[] {
  const [name = '--help'] = words
  return named(name) === undefined ? [name] : [name, '--help']
}

async function dispatch(
  argv: readonly string[],
  listed: Listed | undefined,
  io: Io,
): Promise<number> {
  let chosen: Run | undefined
  const program = newProgram()
    .exitOverride()
    // The hint says it.
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => {},
    })
  // The one that was called needs none of the others.
  for (const command of listed === undefined ? COMMANDS : [listed]) {
    const sub = addCommand(program, command)
    if (command !== listed) continue
    const { define } = await command.load()
    define(sub, (run) => {
      chosen = run
    })
  }
  if (argv.length === 0) {
    io.stderr.write(program.helpInformation())
    return EXIT_CODES.usage
  }
  program.parse([...argv], { from: 'user' })
  if (chosen === undefined) return 0
  const sub = program.commands.find((command) => command.name() === listed?.name)
  const flags = sub?.opts<Flags>() ?? {}
  if (!mayBecome()) {
    const { runAgain } = await import('./again.ts')
    const code = await runAgain(listed?.name, argv, flags, io)
    if (code !== undefined) return code
  }
  return chosen(io, flags)
}

function refuse(error: CommanderError, listed: Listed | undefined, io: Io): number {
  if (error.exitCode === 0) return 0
  const where = listed === undefined ? '' : `${listed.name}: `
  const what = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  io.warn(`${where}${what}`, usageHint(error, listed))
  return EXIT_CODES.usage
}

function usageHint(error: CommanderError, listed: Listed | undefined): string {
  if (listed === undefined && error.code === 'commander.unknownOption')
    return 'options stand behind the command: msgq COMMAND --help'
  if (error.code !== 'commander.unknownCommand')
    return `msgq ${listed?.name === undefined ? '' : `${listed.name} `}--help`
  const word = /'(.*)'/.exec(error.message)?.[1] ?? ''
  const near = didYouMean(
    word,
    COMMANDS.map((command) => command.name),
  )
  return near === undefined ? 'msgq --help lists the commands' : `did you mean ${near}?`
}
