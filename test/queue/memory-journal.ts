/**
 * memory-journal - the journal of a MemoryEngine: an array, and somebody who reads it.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { JournalLine } from '../../src/message/journal-line.ts'
import type { JournalQuery } from '../../src/queue/queue.ts'

/** The lines that a query means. */
export async function* chronicle(
  lines: readonly JournalLine[],
  query: JournalQuery,
): AsyncGenerator<JournalLine> {
  const { last, reverse, follow, from } = query
  let end = lines.length
  const all = lines.slice((from?.place as number | undefined) ?? 0, end)
  const meant = all.filter((line) => fits(line, query))
  const some = last === undefined ? meant : meant.slice(Math.max(0, meant.length - last))
  yield* reverse ? some.toReversed() : some
  while (follow?.aborted === false) {
    await sleep(10, undefined, { signal: follow }).catch(() => {})
    const fresh = lines.slice(end)
    end += fresh.length
    yield* fresh.filter((line) => fits(line, query))
  }
}

function fits(line: JournalLine, query: JournalQuery): boolean {
  const { ids, after = -Infinity, before = Infinity, matches } = query
  if (ids !== undefined && !ids.some((ending) => line.id.endsWith(ending))) return false
  const at = Date.parse(line.at)
  return at >= after && at < before && (matches === undefined || matches(line))
}
