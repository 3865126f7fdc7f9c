/**
 * lane-words - which lanes the words of suspend and resume mean.
 *
 * A destination, a URL, or a lane as it is listed; more of them with commas. A name that nobody
 * knows is an error with the one that was meant, where it can be told what there is.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'
import { isOpenLane, isUrlLane, laneOf, looksLikeUrl } from '../message/lane.ts'
import { splitReceivers } from '../intake/recipient.ts'

/** Names that an error lists. */
const SHOWN = 10

/** The lanes of some words, in their order; `known` are those that there are, if that is known. */
export function lanesIn(
  words: readonly string[],
  known: ReadonlySet<string> | undefined,
): string[] {
  const lanes = words.flatMap(splitReceivers).map((word) => laneIn(word, known))
  return [...new Set(lanes)]
}

function laneIn(word: string, known: ReadonlySet<string> | undefined): string {
  const lane = asLane(word)
  if (lane === undefined)
    throw new MsgqError(
      'usage',
      `is neither a destination nor a URL: ${JSON.stringify(word)}`,
      'msgq status lists the lanes',
    )
  if (known === undefined || known.has(lane) || isUrlLane(lane)) return lane
  const meant = didYouMean(lane, known)
  throw new MsgqError(
    'usage',
    `no such destination: ${JSON.stringify(word)}`,
    meant === undefined ? listed(known) : `did you mean ${meant}?`,
  )
}

function asLane(word: string): string | undefined {
  try {
    const lane = looksLikeUrl(word) ? laneOf(word) : word
    return isOpenLane(lane) ? lane : undefined
  } catch {
    return undefined
  }
}

/** What to say of a name that is none of these. */
export function listed(known: ReadonlySet<string>): string {
  const names = [...known].toSorted()
  if (names.length === 0) return 'no destinations are configured; a URL names its host'
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `there are ${names.slice(0, SHOWN).join(', ')}${more}`
}
