/**
 * summary - a message as --json shows it. The names of the members are public.
 *
 * Absent is absent, never null, and unknown members are to be ignored. What a sender put into
 * a URL or a header is masked.
 */
import type { Level } from '../message/draft.ts'
import type { Sender } from '../message/envelope.ts'
import { idTime } from '../message/id.ts'
import { shownTo } from '../message/mask.ts'
import type { Entry } from '../message/selector.ts'
import { isAttempt, lastWord } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'
import type { Message } from '../queue/queue.ts'

export interface Summary {
  readonly id: string
  readonly state: string
  readonly to?: string
  readonly lane: string
  readonly event?: string
  readonly subject?: string
  readonly level?: Level
  readonly size?: number
  readonly createdAt: string
  readonly due: string
  readonly expiresAt?: string
  readonly tries: number
  readonly sender?: Sender
  readonly key?: string
  readonly order?: string
  /** The id of the message after which it goes out. */
  readonly waitsFor?: string
  readonly parent?: string
  readonly last?: Last
  /** Why the file is no message. */
  readonly defect?: string
}

/** What last happened to it: an attempt, or an act, whose word stands as the outcome. */
export interface Last {
  readonly at: string
  readonly outcome: string
  readonly fault?: string
  readonly status?: number
  readonly reason?: string
  readonly ms?: number
  readonly by?: string
}

/** A message as --json shows it; without its file, what its name says. */
export function summaryOf(entry: Entry, message?: Message, waitsFor?: string): Summary {
  const { id, state, lane, due, tries } = entry
  const { to, event, subject, level, expiresAt, sender, key, order, parent, createdAt } =
    message?.envelope ?? {}
  const line = message === undefined ? undefined : lastWord(message.trail)
  return present({
    id,
    state,
    to: to === undefined ? undefined : shownTo(to),
    lane,
    event,
    subject,
    level,
    size: message?.size,
    createdAt: createdAt ?? new Date(idTime(id)).toISOString(),
    due: new Date(due).toISOString(),
    expiresAt,
    tries,
    sender,
    key,
    order,
    waitsFor,
    parent,
    last: line === undefined ? undefined : lastOf(line),
    defect: message?.defect,
  }) as unknown as Summary
}

function lastOf(line: TrailLine): Last {
  const { at, reason } = line
  if (!isAttempt(line))
    return present({ at, outcome: line.act, reason, by: line.by }) as unknown as Last
  const { outcome, fault, status, ms } = line
  return present({ at, outcome, fault, status, reason, ms }) as unknown as Last
}

/** Without the members that are undefined. */
export function present(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  )
}
