/**
 * choice - which messages a program means.
 *
 * The parts are those of the options of the commands and mean the same. A part that is there and
 * undefined is an error: a variable that was never set must not mean all messages.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import { selectorFrom } from '../intake/filters.ts'
import { isId } from '../message/id.ts'
import type { Selector } from '../message/selector.ts'
import type { State } from '../message/state.ts'

/** All given parts must hold; of a part with several values one. */
export interface Choice {
  /** Whole ids. */
  readonly ids?: string | readonly string[]
  /** Destinations, URLs, or lanes as they are listed. */
  readonly to?: string | readonly string[]
  readonly state?: State | readonly State[]
  /** Accepted then or later / before. */
  readonly since?: string | Date
  readonly until?: string | Date
  /** Spans: 90s, 2h, 3d. */
  readonly olderThan?: string
  readonly newerThan?: string
  readonly triesOver?: number
  /** Stands somewhere in why the message is where it is. */
  readonly reason?: string | readonly string[]
  /** In these `*` stands for any text. A sender is a user's name or a uid. */
  readonly event?: string | readonly string[]
  readonly key?: string | readonly string[]
  readonly sender?: string | readonly string[]
  /** At most so many. */
  readonly limit?: number
}

const LISTS = ['to', 'state', 'reason', 'event', 'key', 'sender'] as const
const TEXTS = ['since', 'until', 'olderThan', 'newerThan', 'triesOver', 'limit'] as const
const PARTS: readonly string[] = ['ids', ...LISTS, ...TEXTS]

/** The selector that this is; throws (usage) for what cannot be understood. */
export function selectorOf(choice: Choice | 'ALL', now: number): Selector {
  if (choice === 'ALL') return {}
  if (typeof choice !== 'object' || choice === null)
    throw new MsgqError('usage', "which messages? is neither a selector nor 'ALL'")
  check(choice)
  const filters: Record<string, string | readonly string[]> = {}
  for (const name of LISTS) {
    const given = choice[name]
    if (given !== undefined) filters[name] = listOf(given).map((each) => textOf(name, each))
  }
  for (const name of TEXTS) {
    const given = choice[name]
    if (given !== undefined) filters[name] = textOf(name, given)
  }
  const selector = selectorFrom(filters, (name) => name, now)
  return choice.ids === undefined ? selector : { ids: idsOf(choice.ids), ...selector }
}

/** The same for what changes messages: without any part it is a mistake, and never all. */
export function actSelectorOf(choice: Choice | 'ALL', now: number): Selector {
  if (choice !== 'ALL' && Object.keys(choice ?? {}).length === 0)
    throw new MsgqError('usage', 'which messages?', "give a selector, or 'ALL'")
  return selectorOf(choice, now)
}

/** A whole id; throws (usage) for anything else. */
export function idOf(id: unknown): string {
  if (typeof id === 'string' && isId(id)) return id
  throw new MsgqError('usage', `id: is no id: ${String(JSON.stringify(id)).slice(0, 80)}`)
}

function check(choice: Choice): void {
  for (const [name, value] of Object.entries(choice)) {
    if (!PARTS.includes(name)) {
      const meant = didYouMean(name, PARTS)
      const hint =
        meant === undefined ? `there are ${PARTS.join(', ')}` : `did you mean ${meant}?`
      throw new MsgqError('usage', `${name}: is no part of a selector`, hint)
    }
    if (value === undefined)
      throw new MsgqError(
        'usage',
        `${name}: is undefined`,
        'leave it out, or give it a value',
      )
  }
}

function idsOf(given: string | readonly string[]): readonly string[] {
  return listOf(given).map(idOf)
}

function listOf(given: string | readonly string[]): readonly string[] {
  return Array.isArray(given) ? given : [given as string]
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  throw new MsgqError('usage', `${name}: is no text`)
}
