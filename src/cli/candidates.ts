/**
 * candidates - what may stand at the end of a line that is being typed, by what commander knows
 * of its command. Pure but for what it asks of the machine.
 */
import type { Command, Option } from 'commander'

import { STATES } from '../message/state.ts'
import { OCCASIONS } from './occasion.ts'

export interface Candidate {
  readonly text: string
  readonly about?: string
}

/** What the machine knows; asked only where it may stand. */
export interface Source {
  destinations(): Promise<Candidate[]>
  /** Messages that a command may mean. */
  messages(command: string): Promise<Candidate[]>
}

/** Values of options that commander does not know the choices of. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--state': STATES,
  '--on': OCCASIONS,
}

const DESTINATIONS = new Set(['--to', 'TO', 'DEST'])

/** What may stand for the last of the words behind the name of a command. */
export async function candidatesFor(
  command: Command,
  given: readonly string[],
  source: Source,
): Promise<Candidate[]> {
  const words = joined(given)
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  // Behind it stands what is not ours.
  if (before.includes('--')) return []
  const pending = before.length > 0 ? optionOf(command, before.at(-1)!) : undefined
  if (pending !== undefined && takesNext(pending, before.at(-1)!))
    return valuesOf(pending, last, source)
  const [, name, value] = /^(--[\w-]+)=(.*)$/.exec(last) ?? []
  if (name !== undefined) {
    const option = optionOf(command, name)
    const values = option === undefined ? [] : await valuesOf(option, value!, source)
    // bash takes the name for a word of its own.
    if (given.at(-1) !== last) return values
    return values.map((each) => ({ ...each, text: `${name}=${each.text}` }))
  }
  if (last.startsWith('-')) return optionsOf(command, last)
  return argumentsOf(command, before, last, source)
}

/** bash cuts `--to=x` into three. */
function joined(words: readonly string[]): string[] {
  const whole: string[] = []
  for (const [index, word] of words.entries()) {
    const before = whole.at(-1)
    const isValue =
      before?.startsWith('--') && before.endsWith('=') && words[index - 1] === '='
    if (before !== undefined && (isValue || (word === '=' && before.startsWith('--'))))
      whole[whole.length - 1] = `${before}${word}`
    else whole.push(word)
  }
  return whole
}

function optionOf(command: Command, word: string): Option | undefined {
  return command.options.find(({ long, short }) => word === long || word === short)
}

/** True when the word behind this one is the option's value. */
function takesNext(option: Option, word: string): boolean {
  return option.required && !word.includes('=')
}

async function valuesOf(
  option: Option,
  typed: string,
  source: Source,
): Promise<Candidate[]> {
  const name = option.long ?? option.short ?? ''
  const known = DESTINATIONS.has(name)
    ? await source.destinations()
    : (option.argChoices ?? VALUES[name] ?? []).map((text) => ({ text }))
  return listed(known, typed)
}

/** The values that fit; behind commas those that are not there yet. */
function listed(known: readonly Candidate[], typed: string): Candidate[] {
  const comma = typed.lastIndexOf(',') + 1
  const there = typed.slice(0, comma)
  const taken = new Set(there.split(','))
  return known
    .filter(({ text }) => text.startsWith(typed.slice(comma)) && !taken.has(text))
    .map((each) => ({ ...each, text: `${there}${each.text}` }))
}

function optionsOf(command: Command, typed: string): Candidate[] {
  const shown = command.createHelp().visibleOptions(command)
  return shown.flatMap(({ long, short, description }) =>
    // A short one is typed faster than completed.
    [long ?? short]
      .filter((text) => text !== undefined && text.startsWith(typed))
      .map((text) => ({ text: text!, about: description })),
  )
}

async function argumentsOf(
  command: Command,
  before: readonly string[],
  typed: string,
  source: Source,
): Promise<Candidate[]> {
  const place = before.filter((word, index) => {
    const option = index === 0 ? undefined : optionOf(command, before[index - 1]!)
    return !word.startsWith('-') && !(option && takesNext(option, before[index - 1]!))
  }).length
  const all = command.registeredArguments
  const argument = all[place] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined)
  if (argument === undefined) return []
  if (argument.argChoices)
    return argument.argChoices
      .filter((text) => text.startsWith(typed))
      .map((text) => ({ text }))
  const name = argument.name()
  if (DESTINATIONS.has(name)) return listed(await source.destinations(), typed)
  if (name !== 'ID') return []
  const start = typed.toUpperCase()
  const messages = await source.messages(command.name())
  return messages.filter(({ text }) => text.startsWith(start) && !before.includes(text))
}
