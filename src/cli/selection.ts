/**
 * selection - the one grammar by which every verb and every listing is told which messages.
 *
 *   addSelectorOptions(command): Command            adds --to ... --limit to a command
 *   selectorOf(words, options, io, desk): Promise<Selection>
 *   findStory(word, desk): Promise<Story>           (story.ts) for a command that takes one id
 *   absentError(absent): MsgqError                  (ids.ts) to throw at the end: 66
 *
 * Words are ids, endings of 6 or more, `-` (ids from stdin) or ALL. All that is given must
 * hold. What nothing selects is up to the caller: `given` says whether anything was.
 */
import type { Command } from 'commander'

import { MsgqError } from '../base/errors.ts'
import { selectorFrom } from '../intake/filters.ts'
import type { Filters } from '../intake/filters.ts'
import type { Entry, Selector } from '../message/selector.ts'
import { STATES } from '../message/state.ts'
import type { Desk } from '../queue/queue.ts'
import type { Io } from './command.ts'
import { findIds, readIds } from './ids.ts'
import { collect } from './option-row.ts'
import { splitReceivers } from '../intake/recipient.ts'

/** The options as commander hands them over. */
export type SelectorOptions = Filters

export interface Selection {
  /** Its ids, if any, are whole and exist. */
  readonly selector: Selector
  /** Ids were given, on the line or on stdin, even if none of them exists. */
  readonly named: boolean
  /** ALL stood on the line. */
  readonly all: boolean
  /** Anything was chosen: an id, ALL, or an option other than --limit. */
  readonly given: boolean
  /** The messages that were named and exist. */
  readonly entries: readonly Entry[]
  /** What was named and does not exist. */
  readonly absent: readonly string[]
}

/** Adds the options of the grammar to a command. */
export function addSelectorOptions(command: Command): Command {
  return (
    command
      .option(
        '--to <name>',
        'for this destination or URL (or more, with commas)',
        collectReceivers,
      )
      .option(
        '--state <state>',
        `in this state (or more): ${STATES.join(', ')}`,
        collectWords,
      )
      .option('--older-than <span>', 'accepted longer ago than this: 90s, 4h, 3d')
      .option('--newer-than <span>', 'accepted since then')
      .option('--since <time>', 'accepted at this time or later: 03:10, 2026-11-20T03:10')
      .option('--until <time>', 'accepted before this time')
      .option('--tries-over <number>', 'tried more often than this')
      // A reason and a key may have commas of their own.
      .option('--reason <text>', 'with this in why it is where it is', collect)
      .option(
        '--event <name>',
        'for this event (or more): user.created, user.*',
        collectWords,
      )
      .option('--key <key>', "with this key: order-7, 'order-*'", collect)
      .option('--sender <user>', 'sent by this user or uid (or more)', collectWords)
      .option('--limit <number>', 'at most so many, the first due first')
  )
}

/** Names and URLs with commas between them. */
export function collectReceivers(text: string, before: readonly string[] = []): string[] {
  return [...before, ...splitReceivers(text)]
}

function collectWords(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',')]
}

/** What the words and options of a command select. */
export async function selectorOf(
  words: readonly string[],
  options: SelectorOptions,
  io: Io,
  desk: Desk,
): Promise<Selection> {
  const filters = selectorFrom(options, flagOf, io.clock.now())
  const all = words.includes('ALL')
  if (all && words.length > 1)
    throw new MsgqError('usage', 'ALL: stands alone, without ids', 'leave out one of them')
  const named = words.length > 0 && !all
  const given = named || all || Object.keys(filters).some((name) => name !== 'limit')
  if (!named) return { selector: filters, named, all, given, entries: [], absent: [] }
  const { entries, absent } = await findIds(await readIds(words, io), desk)
  const selector = { ...filters, ids: entries.map((entry) => entry.id) }
  return { selector, named, all, given, entries, absent }
}

/** An option as it stands on the line. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
