/**
 * options - commands, arguments and options as commander has them, so that the page says what
 * `--help` says.
 */
import type { Command } from 'commander'

import { COMMANDS } from '../../src/cli/commands.ts'
import { addCommand, newProgram } from '../../src/cli/program.ts'
import { code } from './block.ts'
import type { Block, Inline, Terms } from './block.ts'

/** Every command, defined. */
export async function allCommands(): Promise<Command[]> {
  const program = newProgram()
  return Promise.all(
    COMMANDS.map(async (listed) => {
      const sub = addCommand(program, listed)
      const { define } = await listed.load()
      define(sub, () => {})
      return sub
    }),
  )
}

/** Options that every command has are said once. */
export function commonOptions(commands: readonly Command[]): Terms {
  return {
    kind: 'terms',
    terms: termsOf(commands[0]!, (flags) => isCommon(flags, commands)),
  }
}

function isCommon(flags: string, commands: readonly Command[]): boolean {
  // One of them may have said it in a way of its own.
  const having = commands.filter((command) => shownOptions(command).includes(flags))
  return having.length > 1 && having.length >= commands.length - 1
}

/** The options that `--help` shows. */
export function shownOptions(command: Command): string[] {
  const help = command.createHelp()
  return help.visibleOptions(command).map((option) => help.optionTerm(option))
}

/** A section for each command. */
export function commandBlocks(commands: readonly Command[]): Block[] {
  return commands.flatMap((command): Block[] => {
    const heading = `msgq ${command.name()} ${command.usage()}`
    return [
      { kind: 'subsection', text: [heading] },
      { kind: 'paragraph', text: [`${command.description()}${aliasText(command)}`] },
      ...programBlocks(command, (flags) => !isCommon(flags, commands)),
    ]
  })
}

function aliasText(command: Command): string {
  return command.aliases().length === 0 ? '' : ` Also: ${command.aliases().join(', ')}.`
}

/** Arguments, options and what stands below them in the help. */
export function programBlocks(
  command: Command,
  which: (flags: string) => boolean = () => true,
): Block[] {
  const help = command.createHelp()
  const words = help.visibleArguments(command).map((each) => ({
    heads: [[{ face: 'italic' as const, of: [help.argumentTerm(each)] }]],
    lines: [textOf(help.argumentDescription(each))],
  }))
  const terms = [...words, ...termsOf(command, which)]
  return [
    ...(terms.length === 0 ? [] : [{ kind: 'terms' as const, terms }]),
    ...remarks(command),
  ]
}

function termsOf(command: Command, which: (flags: string) => boolean): Terms['terms'] {
  const help = command.createHelp()
  return help
    .visibleOptions(command)
    .filter((option) => which(help.optionTerm(option)))
    .map((option) => ({
      heads: [flagsOf(help.optionTerm(option))],
      lines: [textOf(help.optionDescription(option))],
    }))
}

/** `-d, --data <data>` */
function flagsOf(term: string): Inline[] {
  return term
    .split(/(--?[\w-]+|[<[][^\s\]>]+[\]>])/)
    .filter((piece) => piece !== '')
    .map((piece): Inline => {
      if (piece.startsWith('-')) return code(piece)
      const value = /^<(.+)>$/.exec(piece)?.[1]
      return value === undefined ? piece : { face: 'italic', of: [value] }
    })
}

function textOf(text: string): Inline[] {
  return [text]
}

/** What `addHelpText` added: lines that are indented stay as they are. */
function remarks(command: Command): Block[] {
  let whole = ''
  command.configureOutput({ writeOut: (text) => (whole += text) })
  command.outputHelp()
  const text = whole.slice(command.helpInformation().length)
  const blocks: Block[] = []
  for (const part of text.split(/\n{2,}/))
    for (const [run] of part.matchAll(/(?:^ .*\n?)+|(?:^[^ \n].*\n?)+/gm))
      blocks.push(
        run.startsWith(' ')
          ? { kind: 'code', text: run.replaceAll(/^ {2}/gm, '').trimEnd() }
          : { kind: 'paragraph', text: [sentence(run.trim())] },
      )
  return blocks
}

/** Of what the help sets apart by blanks, a list with semicolons. */
function sentence(text: string): string {
  return text
    .replaceAll(/: {2,}/g, ': ')
    .replaceAll(/ {2,}|\n(?=\d\d )/g, '; ')
    .replaceAll(/([^.])\n(?=\w+: )/g, '$1. ')
}
