/**
 * life - one message from its beginning to now: the journal, and what its own trail says besides.
 *
 * The journal may lack lines (a full disk, a kill), and so may the trail (a power cut). What both
 * tell is shown once.
 */
import type { Flags } from '../config/find.ts'
import type { JournalEvent, JournalLine } from '../message/journal-line.ts'
import { isAttempt } from '../message/trail.ts'
import type { ActLine, TrailLine } from '../message/trail.ts'
import type { JournalQuery, Message } from '../queue/queue.ts'
import { lookAround } from './around.ts'
import type { Io } from './command.ts'
import { diagnose } from './diagnosis.ts'
import { eventText } from './event-text.ts'
import { jsonLine } from './json.ts'
import { reading } from './reading.ts'
import type { Reading } from './reading.ts'
import { screenOf } from './screen.ts'
import { findStory, linesOf, repeatText } from './story.ts'
import { cutAt } from './table.ts'

export interface LifeOptions {
  readonly json: boolean
  readonly query: JournalQuery
}

/** Two clocks of one event may differ by so much (ms). */
const NEAR = 2_000

/** Prints one life; resolves with the exit code. */
export async function printLife(
  io: Io,
  flags: Flags,
  place: Reading,
  word: string,
  { json, query }: LifeOptions,
): Promise<number> {
  const { desk, spool } = place
  const story = await findStory(word, desk)
  if (story.repeatOf !== undefined) io.warn(`log: ${repeatText(story)}`)
  const { id, isThere } = story
  const message = isThere ? await reading(id, () => desk.get(id)) : undefined
  const told = message === undefined ? story.lines : await linesOf(id, desk)
  const all = wholeLife(told, message).filter((line) => fits(line, query))
  const { last = Infinity, reverse } = query
  const some = last === Infinity ? all : all.slice(Math.max(0, all.length - last))
  const shown = reverse ? some.toReversed() : some
  if (json) {
    await io.print(shown.map(jsonLine).join(''))
    return 0
  }
  const now = io.clock.now()
  const { edge, head } = screenOf(io)
  const lines = shown.map((line) => cutAt(eventText(line, now), edge))
  if (message !== undefined) {
    const { what, next, command } = diagnose(
      message,
      await lookAround(io, flags, { spool, desk }),
    )
    const then = command === undefined ? next : `${next}: ${command}`
    lines.push(head(cutAt(`now ${what}; ${then}`, edge)))
  }
  await io.print(lines.map((line) => `${line}\n`).join(''))
  return 0
}

/** What happened to a message, in order, each thing once. */
export function wholeLife(
  told: readonly JournalLine[],
  message: Message | undefined,
): readonly JournalLine[] {
  const own = (message?.trail ?? [])
    .map((line) => asTold(line, message!))
    .filter((line) => line !== undefined)
  const more = own.filter((line) => !told.some((other) => isSame(line, other)))
  return [...told, ...more].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

function isSame(one: JournalLine, other: JournalLine): boolean {
  const apart = Math.abs(Date.parse(one.at) - Date.parse(other.at))
  return one.event === other.event && one.try === other.try && apart <= NEAR
}

/** A line of the trail as the journal would have told it; undefined for what it would not. */
function asTold(
  line: TrailLine,
  { entry: { id, lane } }: Message,
): JournalLine | undefined {
  if (isAttempt(line)) {
    const { at, outcome, answer: _, ...rest } = line
    const ended = new Date(Date.parse(at) + (line.ms ?? 0)).toISOString()
    return { at: ended, event: outcome, id, lane, ...rest }
  }
  const { at, act, by, reason } = line
  if (act === 'sending') return undefined
  return {
    at,
    event: eventOf(act, by),
    id,
    lane,
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function eventOf(act: Exclude<ActLine['act'], 'sending'>, by?: string): JournalEvent {
  if (act === 'returned') return 'postponed'
  if (act === 'refused') return 'bounced'
  return act === 'expired' && by === undefined ? 'bounced' : act
}

function fits(line: JournalLine, { after, before, matches }: JournalQuery): boolean {
  const at = Date.parse(line.at)
  if (after !== undefined && at < after) return false
  return (before === undefined || at < before) && (matches?.(line) ?? true)
}
