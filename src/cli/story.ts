/**
 * story - finds the one message that a word means, among those that are gone as well.
 *
 * What is in the queue goes first, then repeats that were dropped by their key, then what the
 * journal tells. An ending that fits more than one ends the command; of messages that are gone
 * only those of the newest day that knows the ending are compared.
 */
import { MsgqError } from '../base/errors.ts'
import { isId } from '../message/id.ts'
import type { JournalLine } from '../message/journal-line.ts'
import type { Desk } from '../queue/queue.ts'
import { absentError, checkWord, findIds } from './ids.ts'

const DAY = 86_400_000

/** The message that a word means. */
export interface Story {
  readonly id: string
  readonly isThere: boolean
  /** The first one, where this was a repeat and was dropped. */
  readonly repeatOf?: string
  /** What the journal tells of one that is gone. */
  readonly lines: readonly JournalLine[]
}

/** The message that a word means; throws (66) where nobody knows of any. */
export async function findStory(word: string, desk: Desk): Promise<Story> {
  const ending = checkWord(word)
  const { entries } = await findIds([ending], desk)
  if (entries[0] !== undefined) return { id: entries[0].id, isThere: true, lines: [] }
  const id = await pastId(ending, desk)
  const lines = id === undefined ? [] : await linesOf(id, desk)
  const told = lines.findLast(({ event }) => event === 'repeat')?.of
  const repeatOf = told ?? (await desk.firstOf(id ?? ending))
  if (id === undefined && repeatOf === undefined) throw absentError([ending])
  const gone = { id: id ?? ending, isThere: false, lines }
  return repeatOf === undefined ? gone : { ...gone, repeatOf }
}

/** What to say of a repeat. */
export function repeatText({ id, repeatOf }: Story): string {
  return `${id} was a repeat of ${repeatOf}, by its key, and was dropped`
}

/** All that the journal tells of a message, in order. */
export async function linesOf(id: string, desk: Desk): Promise<JournalLine[]> {
  const lines: JournalLine[] = []
  for await (const line of desk.history({ ids: [id] })) lines.push(line)
  return lines
}

/** The whole id of a message that is gone. */
async function pastId(ending: string, desk: Desk): Promise<string | undefined> {
  for await (const newest of desk.history({ ids: [ending], last: 1 })) {
    if (isId(ending)) return newest.id
    const found = new Set<string>()
    const near = { ids: [ending], after: Date.parse(newest.at) - DAY }
    for await (const { id } of desk.history(near)) found.add(id)
    if (found.size > 1)
      throw new MsgqError(
        'no-input',
        `${ending}: fits ${found.size} messages of the journal`,
        `give more of it: ${[...found].slice(0, 10).join(', ')}`,
      )
    return newest.id
  }
  return undefined
}
