/**
 * command - what a command of `msgq` is: one file, which defines its options and does its work.
 *
 * A command reads and writes only through Io, so that tests run it without a process, and ends
 * with a code of sysexits(3); it never exits by itself. What it throws main.ts says.
 */
import type { Command } from 'commander'

import type { Clock } from '../base/clock.ts'
import type { Environment, Flags } from '../config/find.ts'

/** The world as a command sees it. */
export interface Io {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly environment: Environment
  readonly clock: Clock
  /** Prints to stdout and waits while its reader is slow; a reader that left ends it quietly. */
  print(text: string | Uint8Array): Promise<void>
  /** One line on stderr, behind `msgq: `, and below it what to do. */
  warn(line: string, hint?: string): void
}

/** Does the work of a command; resolves with its exit code. */
export type Run = (io: Io, flags: Flags) => Promise<number>

/** The work of a command that goes by the words and the options of its line. */
export type WordsRun<Options> = (
  io: Io,
  flags: Flags,
  words: readonly string[],
  options: Options,
) => Promise<number>

/** What each command's file exports: adds options and arguments, hands over the work to do. */
export type Define = (command: Command, begin: (run: Run) => void) => void

/** Has a command begin with the words and options that it is called with. */
export function onWords<Options>(
  command: Command,
  begin: (run: Run) => void,
  run: WordsRun<Options>,
): void {
  command.action((words: string[], options: Options) =>
    begin((io, flags) => run(io, flags, words, options)),
  )
}
