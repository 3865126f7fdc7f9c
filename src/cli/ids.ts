/**
 * ids - the messages that a person named: whole ids, endings of 6 or more, or `-` for stdin.
 *
 * An ending that fits more than one message ends the command before anything was done. An id
 * that no message has does not keep the others from being found: it is said at the end (66).
 */
import { MsgqError } from '../base/errors.ts'
import { printable } from '../base/text.ts'
import { isIdEnding } from '../message/id.ts'
import type { Entry } from '../message/selector.ts'
import type { Desk } from '../queue/queue.ts'
import type { Io } from './command.ts'

/** Candidates and absent ids that are named in one error. */
const SHOWN = 10

export interface Named {
  /** In the order of the queue, each once. */
  readonly entries: readonly Entry[]
  /** What was given and no message has, in capitals. */
  readonly absent: readonly string[]
}

/** The words as ids in capitals; `-` stands for the lines of stdin. */
export async function readIds(words: readonly string[], io: Io): Promise<string[]> {
  const ids: string[] = []
  for (const word of words) {
    if (word !== '-') ids.push(checkWord(word))
    else ids.push(...(await idsOnStdin(io)))
  }
  return ids
}

/** The messages that have these ids, from one look at the queue. */
export async function findIds(ids: readonly string[], desk: Desk): Promise<Named> {
  if (ids.length === 0) return { entries: [], absent: [] }
  const { items } = await desk.list({ ids }, { limit: Infinity })
  const byEnding = new Map<string, Entry[]>()
  for (const entry of items) {
    const near = byEnding.get(entry.id.slice(-6))
    if (near === undefined) byEnding.set(entry.id.slice(-6), [entry])
    else near.push(entry)
  }
  const absent: string[] = []
  for (const id of new Set(ids)) {
    const fits = (byEnding.get(id.slice(-6)) ?? []).filter((it) => it.id.endsWith(id))
    if (fits.length === 0) absent.push(id)
    if (fits.length > 1) throw ambiguous(id, fits)
  }
  return { entries: items, absent }
}

/** What to say of ids that no message has. */
export function absentError(absent: readonly string[]): MsgqError {
  const more = absent.length > SHOWN ? ` and ${absent.length - SHOWN} more` : ''
  return new MsgqError(
    'no-input',
    `no such message: ${absent.slice(0, SHOWN).join(', ')}${more}`,
    'it was delivered or deleted, or lies in another spool',
  )
}

function ambiguous(ending: string, entries: readonly Entry[]): MsgqError {
  const shown = entries
    .slice(0, SHOWN)
    .map(({ id, state, lane }) => `${id} (${state}, ${lane})`)
  const more = entries.length > SHOWN ? ` and ${entries.length - SHOWN} more` : ''
  return new MsgqError(
    'no-input',
    `${ending}: fits ${entries.length} messages, nothing was done`,
    `give more of it: ${shown.join(', ')}${more}`,
  )
}

/** An id in capitals; throws (usage) for a word that is none. */
export function checkWord(word: string): string {
  if (isIdEnding(word)) return word.toUpperCase()
  const hint = /^all$/i.test(word)
    ? 'write ALL in capitals'
    : 'an id is 26 characters, or its last 6 or more; --to NAME selects by destination'
  throw new MsgqError('usage', `is no id: ${quote(word)}`, hint)
}

async function idsOnStdin(io: Io): Promise<string[]> {
  const chunks: Buffer[] = []
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Buffer))
  const lines = Buffer.concat(chunks).toString().split('\n')
  const ids: string[] = []
  for (const [index, line] of lines.entries()) {
    const word = line.trim()
    if (word === '') continue
    if (!isIdEnding(word))
      throw new MsgqError(
        'data',
        `stdin: line ${index + 1}: is no id: ${quote(word)}`,
        'nothing was done; msgq mailq --ids prints what is expected here',
      )
    ids.push(word.toUpperCase())
  }
  return ids
}

function quote(word: string): string {
  return JSON.stringify(printable(word, 60))
}
