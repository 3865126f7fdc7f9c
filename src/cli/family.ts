/**
 * family - the other messages that one event became, and where they go.
 *
 * As the journal tells it, so that those are found too that are gone. Where it lacks the event's line
 * none is named; where it lacks a message's, that one is named without its receiver.
 */
import { printable } from '../base/text.ts'
import type { JournalLine } from '../message/journal-line.ts'
import type { History } from '../queue/queue.ts'

/** By id: where each goes, as far as it is known. */
export type Family = ReadonlyMap<string, string | undefined>

/** What became of the parent of `id`, without `id` itself; none where it has no such parent. */
export async function siblingsOf(
  id: string,
  parent: string | undefined,
  desk: Pick<History, 'history'>,
): Promise<Family> {
  if (parent === undefined) return new Map()
  const ids = new Set<string>()
  for await (const { children = [] } of desk.history({ ids: [parent] }))
    for (const child of children) if (child !== id) ids.add(child)
  const family = new Map<string, string | undefined>([...ids].map((it) => [it, undefined]))
  if (ids.size === 0) return family
  const matches = ({ event }: JournalLine) => event === 'queued'
  for await (const line of desk.history({ ids: [...ids], matches }))
    family.set(line.id, line.to)
  return family
}

/** `01M8... (slack), 01M8... (teams)`; undefined for none. */
export function familyText(family: Family): string | undefined {
  const texts = [...family].map(([id, to]) => (to === undefined ? id : `${id} (${to})`))
  return texts.length === 0 ? undefined : printable(texts.join(', '), 1_000)
}
