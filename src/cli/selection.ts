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
import { didYouMean } from '../base/text.ts'
import { isLane, laneOf, looksLikeUrl } from '../message/lane.ts'
import type { Entry, Selector } from '../message/selector.ts'
import { STATES, isState } from '../message/state.ts'
import type { State } from '../message/state.ts'
import type { Desk } from '../queue/queue.ts'
import type { Io } from './command.ts'
import { findIds, readIds } from './ids.ts'
import { splitReceivers } from '../intake/recipient.ts'
import { spanOf, timeOf } from '../intake/when.ts'

/** The options as commander hands them over. */
export interface SelectorOptions {
  readonly to?: readonly string[]
  readonly state?: readonly string[]
  readonly olderThan?: string
  readonly newerThan?: string
  readonly since?: string
  readonly until?: string
  readonly triesOver?: string
  readonly reason?: readonly string[]
  readonly event?: readonly string[]
  readonly key?: readonly string[]
  readonly sender?: readonly string[]
  readonly limit?: string
}

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
  return command
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
    .option('--reason <text>', 'with this in why it is where it is', collect)
    .option(
      '--event <name>',
      'for this event (or more): user.created, user.*',
      collectWords,
    )
    .option('--key <key>', "with this key: order-7, 'order-*'", collect)
    .option('--sender <user>', 'sent by this user or uid (or more)', collectWords)
    .option('--limit <number>', 'at most so many, the first due first')
}

function collectReceivers(text: string, before: readonly string[] = []): string[] {
  return [...before, ...splitReceivers(text)]
}

/** A reason and a key may have commas of their own. */
function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
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
  const filters = filtersOf(options, io.clock.now())
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

function filtersOf(options: SelectorOptions, now: number): Selector {
  const { to, state, olderThan, newerThan, since, until, triesOver, limit } = options
  const { reason, event, key, sender } = options
  const before = [
    ...(olderThan === undefined ? [] : [now - spanOf('--older-than', olderThan)]),
    ...(until === undefined ? [] : [timeOf('--until', until, now, 'last')]),
  ]
  const after = [
    ...(newerThan === undefined ? [] : [now - spanOf('--newer-than', newerThan)]),
    ...(since === undefined ? [] : [timeOf('--since', since, now, 'last')]),
  ]
  return {
    ...(to === undefined ? {} : { lanes: to.map(toLane) }),
    ...(state === undefined ? {} : { states: state.map(toState) }),
    ...(before.length === 0 ? {} : { before: Math.min(...before) }),
    ...(after.length === 0 ? {} : { after: Math.max(...after) }),
    ...(triesOver === undefined ? {} : { triesOver: count('--tries-over', triesOver, 0) }),
    ...(reason === undefined ? {} : { reasons: texts('--reason', reason) }),
    ...(event === undefined ? {} : { events: texts('--event', event) }),
    ...(key === undefined ? {} : { keys: texts('--key', key) }),
    ...(sender === undefined ? {} : { senders: texts('--sender', sender) }),
    ...(limit === undefined ? {} : { limit: count('--limit', limit, 1) }),
  }
}

/** An empty text would mean every message, or none. */
function texts(option: string, given: readonly string[]): readonly string[] {
  if (given.includes('')) throw new MsgqError('usage', `${option}: is empty`)
  return given
}

/** The lane that a destination, a URL or a lane as it is listed stands for. */
export function toLane(to: string): string {
  try {
    const lane = looksLikeUrl(to) ? laneOf(to) : to
    if (isLane(lane)) return lane
  } catch {
    // No URL after all: said below.
  }
  throw new MsgqError(
    'usage',
    `--to: is neither a destination nor a URL: ${JSON.stringify(to)}`,
    'msgq status lists the lanes',
  )
}

function toState(text: string): State {
  if (isState(text)) return text
  const meant = didYouMean(text, STATES)
  throw new MsgqError(
    'usage',
    `--state: no such state: ${JSON.stringify(text)}`,
    meant === undefined ? `there are ${STATES.join(', ')}` : `did you mean ${meant}?`,
  )
}

function count(option: string, text: string, least: number): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text)
  throw new MsgqError(
    'usage',
    `${option}: is no number from ${least}: ${JSON.stringify(text)}`,
  )
}
