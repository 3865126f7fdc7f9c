/**
 * telling - sends what is worded to those who want to hear it, as messages of our own.
 *
 * The ids follow from a seed that was written down before, so that whoever begins again after a
 * crash makes the same messages and no second ones. A receiver that takes any JSON gets the JSON
 * form, a service that shows a text to people the text.
 */
import type { Config, Destination } from '../config/config.ts'
import { childId } from '../message/child.ts'
import type { Notice, Sender } from '../message/envelope.ts'
import { idTime } from '../message/id.ts'
import { shownTo } from '../message/mask.ts'
import type { History, Desk, Rounds } from '../queue/queue.ts'
import type { Wording } from './notice.ts'

export interface TellOptions {
  readonly rounds: Pick<Rounds, 'place'>
  readonly desk: Pick<Desk, 'find'> & Pick<History, 'history'>
  readonly sender: Sender
  readonly config: () => Config
}

export interface Tale {
  readonly seed: string
  readonly kind: Notice
  readonly wording: Wording
  readonly to: readonly string[]
  /** The first of the messages that it tells of. */
  readonly parent?: string
  /** Somebody may have begun to tell it before. */
  readonly isInDoubt: boolean
}

/** Tells it to all; the ids of the messages, by whom they go to. */
export async function tellAll(
  { seed, kind, wording, to, parent, isInDoubt }: Tale,
  { rounds, desk, sender, config }: TellOptions,
): Promise<ReadonlyMap<string, string>> {
  const { subject, level, json, text } = wording
  const made = new Map<string, string>()
  for (const each of to) {
    const id = childId(seed, each, 'notice', idTime(seed))
    made.set(each, id)
    if (isInDoubt && (await wasMade(id, desk))) continue
    const isJson = takesJson(config().destinations.get(each))
    await rounds.place({
      id,
      draft: {
        to: each,
        subject,
        level,
        contentType: isJson ? 'application/json' : 'text/plain; charset=utf-8',
      },
      body: Buffer.from(isJson ? json : text),
      sender,
      notice: kind,
      ...(parent === undefined ? {} : { parent }),
    })
  }
  return made
}

/** `ops as 01M8..., pager as 01M8...`: a URL as people may see it. */
export function toldText(made: ReadonlyMap<string, string>): string {
  return [...made].map(([to, id]) => `${shownTo(to)} as ${id}`).join(', ')
}

/** True for a message that is in the queue, or was there as far as the journal knows. */
export async function wasMade(
  id: string,
  desk: Pick<Desk, 'find'> & Pick<History, 'history'>,
): Promise<boolean> {
  if ((await desk.find(id)).length > 0) return true
  for await (const _ of desk.history({ ids: [id], last: 1 })) return true
  return false
}

/** Of which service a destination is, that shows a text to people; another msgq is none. */
export function serviceOf(destination: Destination | undefined): string | undefined {
  const isService = destination?.type === 'http' && destination.preset !== undefined
  return isService && destination.preset!.type !== 'msgq'
    ? destination.preset!.type
    : undefined
}

/** Who is sent the report as it is: a bare URL, a plain receiver, a program, a file. */
function takesJson(destination: Destination | undefined): boolean {
  if (destination === undefined) return true
  return ['http', 'exec', 'file'].includes(destination.type) && !('preset' in destination)
}
