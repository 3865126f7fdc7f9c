/**
 * filters - which messages somebody means: what he wrote of each part, as one selector.
 *
 * The same for the options of a command and for the query of a request; `label` says how a part
 * is called there, for errors.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import { isLane, laneOf, looksLikeUrl } from '../message/lane.ts'
import type { Selector } from '../message/selector.ts'
import { STATES, isState } from '../message/state.ts'
import type { State } from '../message/state.ts'
import { spanOf, timeOf } from './when.ts'

/** What somebody wrote. */
export interface Filters {
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

type Label = (name: keyof Filters) => string

/** The selector that this is; throws (usage) for what cannot be understood. */
export function selectorFrom(filters: Filters, label: Label, now: number): Selector {
  const { to, state, olderThan, newerThan, since, until, triesOver, limit } = filters
  const { reason, event, key, sender } = filters
  const texts = (name: keyof Filters, given: readonly string[]) => {
    // An empty text would mean every message, or none.
    if (given.includes('')) throw new MsgqError('usage', `${label(name)}: is empty`)
    return given
  }
  const before = [
    ...(olderThan === undefined ? [] : [now - spanOf(label('olderThan'), olderThan)]),
    ...(until === undefined ? [] : [timeOf(label('until'), until, now, 'last')]),
  ]
  const after = [
    ...(newerThan === undefined ? [] : [now - spanOf(label('newerThan'), newerThan)]),
    ...(since === undefined ? [] : [timeOf(label('since'), since, now, 'last')]),
  ]
  return {
    ...(to === undefined ? {} : { lanes: to.map((each) => toLane(each, label('to'))) }),
    ...(state === undefined
      ? {}
      : { states: state.map((each) => toState(each, label('state'))) }),
    ...(before.length === 0 ? {} : { before: Math.min(...before) }),
    ...(after.length === 0 ? {} : { after: Math.max(...after) }),
    ...(triesOver === undefined
      ? {}
      : { triesOver: count(label('triesOver'), triesOver, 0) }),
    ...(reason === undefined ? {} : { reasons: texts('reason', reason) }),
    ...(event === undefined ? {} : { events: texts('event', event) }),
    ...(key === undefined ? {} : { keys: texts('key', key) }),
    ...(sender === undefined ? {} : { senders: texts('sender', sender) }),
    ...(limit === undefined ? {} : { limit: count(label('limit'), limit, 1) }),
  }
}

/** The lane that a destination, a URL or a lane as it is listed stands for. */
export function toLane(to: string, label = '--to'): string {
  try {
    const lane = looksLikeUrl(to) ? laneOf(to) : to
    if (isLane(lane)) return lane
  } catch {
    // No URL after all: said below.
  }
  throw new MsgqError(
    'usage',
    `${label}: is neither a destination nor a URL: ${JSON.stringify(to)}`,
    'msgq status lists the lanes',
  )
}

function toState(text: string, label: string): State {
  if (isState(text)) return text
  const meant = didYouMean(text, STATES)
  throw new MsgqError(
    'usage',
    `${label}: no such state: ${JSON.stringify(text)}`,
    meant === undefined ? `there are ${STATES.join(', ')}` : `did you mean ${meant}?`,
  )
}

/** A number from `least`, as somebody wrote it. */
export function count(label: string, text: string, least: number): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text)
  throw new MsgqError(
    'usage',
    `${label}: is no number from ${least}: ${JSON.stringify(text)}`,
  )
}
