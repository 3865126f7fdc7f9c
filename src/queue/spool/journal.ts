/**
 * journal - the delivery journal of a spool: log/DAY.jsonl, a JSON line per event.
 *
 * A line stands in the file of its own day (UTC), so that only the days that are asked for are
 * read. Any program that acts on the spool adds its own lines; they are told from torn ones by
 * being JSON. The story and never the truth: nothing is decided by it.
 */
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { removeSync } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import type { Clock } from '../../base/clock.ts'
import { idTime, isId } from '../../message/id.ts'
import { dayOf, isDay, parseJournalLine } from '../../message/journal-line.ts'
import type { JournalLine } from '../../message/journal-line.ts'
import type { History, Journal, JournalQuery, Mark, Report } from '../queue.ts'
import { endOf, linesOf } from './journal-reader.ts'
import { JournalWriter } from './journal-writer.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'

const DAY = 86_400_000
/** Who follows looks so often (ms). */
const LOOK_EVERY = 100
const ENDING = '.jsonl'

/** How far each day's file has been read, or reaches. */
type Ends = ReadonlyMap<string, number>

export class SpoolJournal implements Journal, History {
  readonly #layout: Layout
  readonly #clock: Clock
  readonly #writer: JournalWriter

  constructor(layout: Layout, clock: Clock, report: (report: Report) => void) {
    this.#layout = layout
    this.#clock = clock
    this.#writer = new JournalWriter(layout, report)
  }

  note(line: JournalLine): void {
    this.#writer.add(line)
  }

  noted(): Promise<void> {
    return this.#writer.flush()
  }

  close(): Promise<void> {
    return this.#writer.close()
  }

  async mark(): Promise<Mark> {
    await this.noted()
    return { place: await this.#ends({}) }
  }

  async *history(query: JournalQuery): AsyncGenerator<JournalLine> {
    const { last, reverse = false, follow } = query
    await this.noted()
    // Who follows has to know where all of them end now.
    const ends = await this.#ends(follow === undefined ? query : {})
    if (last === undefined) yield* this.#between(query, ends, reverse)
    else {
      const newest = await some(last, this.#between(query, ends, true))
      yield* reverse ? newest : newest.toReversed()
    }
    if (follow !== undefined) yield* this.#follow(query, ends, follow)
  }

  /** Removes the days that are over for longer than this; how many they were. */
  async prune(retention: number): Promise<number> {
    const now = this.#clock.now()
    let removed = 0
    for (const day of await this.#days())
      if (Date.parse(day) + DAY + retention <= now && removeSync(this.#path(day))) removed++
    return removed
  }

  /** What stands in the files now. */
  async *#between(
    query: JournalQuery,
    ends: Ends,
    reverse: boolean,
  ): AsyncGenerator<JournalLine> {
    const from = query.from?.place as Ends | undefined
    const meant = [...ends.keys()].filter((day) => isMeant(day, query, this.#clock.now()))
    for (const day of reverse ? meant.toReversed() : meant)
      yield* this.#linesOf(query, day, from?.get(day) ?? 0, ends.get(day)!, reverse)
  }

  /** What is added from now on, also to the days that are over and to those that come. */
  async *#follow(
    query: JournalQuery,
    ends: Ends,
    signal: AbortSignal,
  ): AsyncGenerator<JournalLine> {
    const read = new Map(ends)
    while (!signal.aborted) {
      await sleep(LOOK_EVERY, undefined, { signal }).catch(() => {})
      await this.noted()
      for (const day of await this.#days()) {
        const before = read.get(day) ?? 0
        const end = await endOf(this.#path(day))
        read.set(day, end)
        // Shorter than it was: somebody began it anew.
        yield* this.#linesOf(query, day, end < before ? 0 : before, end, false)
      }
    }
  }

  async *#linesOf(
    query: JournalQuery,
    day: string,
    from: number,
    to: number,
    reverse: boolean,
  ): AsyncGenerator<JournalLine> {
    if (from >= to) return
    // An id ends before a quotation mark, wherever it stands in the line.
    const needles = query.ids?.map((id) => `${id}"`)
    const part = {
      path: this.#path(day),
      from,
      to,
      ...(needles === undefined ? {} : { needles }),
    }
    try {
      for await (const row of linesOf(part, reverse)) {
        const line = parseJournalLine(row)
        if (line !== undefined && fits(line, query)) yield line
      }
    } catch (error) {
      throw cannotUse(part.path, error)
    }
  }

  /** Where the files end that can hold what is asked for. */
  async #ends(query: JournalQuery): Promise<Ends> {
    const ends = new Map<string, number>()
    for (const day of await this.#days())
      try {
        if (!isMeant(day, query, this.#clock.now())) continue
        ends.set(day, await endOf(this.#path(day)))
      } catch (error) {
        throw cannotUse(this.#path(day), error)
      }
    return ends
  }

  async #days(): Promise<string[]> {
    const folder = this.#layout.log('')
    try {
      const names = await readdir(folder)
      return names
        .filter((name) => name.endsWith(ENDING))
        .map((name) => name.slice(0, -ENDING.length))
        .filter(isDay)
        .toSorted()
    } catch (error) {
      if (isMissing(error)) return []
      throw cannotUse(folder, error)
    }
  }

  #path(day: string): string {
    return this.#layout.log(`${day}${ENDING}`)
  }
}

/** Whether the file of a day can hold what is asked for. */
function isMeant(day: string, { after, before, ids }: JournalQuery, now: number): boolean {
  if (after !== undefined && day < dayOf(after)) return false
  if (before !== undefined && day > dayOf(before)) return false
  const born = ids?.map((id) => (isId(id) ? idTime(id) : 0)) ?? [0]
  const first = Math.min(...born)
  // Nothing is told of a message before it was; but its clock may have been another one.
  return first > now || day >= dayOf(Math.max(0, first - DAY))
}

function fits(line: JournalLine, query: JournalQuery): boolean {
  const { ids, after, before, matches } = query
  if (ids !== undefined && !ids.some((ending) => line.id.endsWith(ending))) return false
  const at = Date.parse(line.at)
  if (after !== undefined && at < after) return false
  if (before !== undefined && at >= before) return false
  return matches === undefined || matches(line)
}

async function some(
  count: number,
  lines: AsyncIterable<JournalLine>,
): Promise<JournalLine[]> {
  const first: JournalLine[] = []
  if (count === 0) return first
  for await (const line of lines) if (first.push(line) >= count) break
  return first
}
