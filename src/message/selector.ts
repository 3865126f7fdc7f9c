/**
 * selector - which messages a verb or a listing means. One grammar for all of them.
 *
 * What `matches` asks is answered from the names of the files alone. What `storyMatcher` asks
 * only a file can answer, and files are opened for a selector that asks it and for no other.
 */
import type { Envelope, Sender } from './envelope.ts'
import { globFits } from './glob.ts'
import type { State } from './state.ts'
import { lastWord, wordText } from './trail.ts'
import type { TrailLine } from './trail.ts'

/** All given parts must hold; of a part with several values one. */
export interface Selector {
  /** Whole ids or their endings of 6 or more. */
  readonly ids?: readonly string[]
  readonly states?: readonly State[]
  /** Lanes: names of destinations, or `=host_port` of bare URLs. */
  readonly lanes?: readonly string[]
  /** Accepted before / after, in epoch ms. */
  readonly before?: number
  readonly after?: number
  readonly triesOver?: number
  readonly limit?: number
  /** Stands somewhere in why the message is where it is, in capitals or not. */
  readonly reasons?: readonly string[]
  /** In these `*` stands for any text. A sender is a user's name or a uid. */
  readonly events?: readonly string[]
  readonly keys?: readonly string[]
  readonly senders?: readonly string[]
}

/** What a name says of a message. */
export interface Entry {
  readonly id: string
  readonly state: State
  readonly lane: string
  /** Epoch ms of the next attempt; in bounce, of the bounce. */
  readonly due: number
  readonly tries: number
  /** The chain that its name says, or LOOSE (chain.ts). */
  readonly chain?: string
}

/** What only the file says of it. */
export interface Story {
  /** Absent where it cannot be read. */
  readonly envelope?: Envelope | undefined
  readonly trail: readonly TrailLine[]
  /** The disk does not say it now, and may later; else it is no message. */
  readonly unread?: true
}

/** True when the name is one of those meant; `limit` is the caller's. */
export function matches(selector: Selector, entry: Entry, acceptedAt: number): boolean {
  const { ids, states, lanes, before, after, triesOver } = selector
  if (ids !== undefined && !ids.some((ending) => entry.id.endsWith(ending))) return false
  if (states !== undefined && !states.includes(entry.state)) return false
  if (lanes !== undefined && !lanes.includes(entry.lane)) return false
  if (before !== undefined && acceptedAt >= before) return false
  if (after !== undefined && acceptedAt < after) return false
  return triesOver === undefined || entry.tries > triesOver
}

/** Tells whether a file is one of those meant; undefined where the name says all. */
export function storyMatcher(selector: Selector): ((story: Story) => boolean) | undefined {
  const { reasons, events, keys, senders } = selector
  const asked = [
    reasons && reasonIs(reasons),
    events && said(events, ({ event }) => [event]),
    keys && said(keys, ({ key }) => [key]),
    senders && said(senders, ({ sender }) => namesOf(sender)),
  ].filter((ask) => ask !== undefined)
  if (asked.length === 0) return undefined
  return (story) => asked.every((ask) => ask(story))
}

/** The uid of what came through a door is the daemon's, and says nothing of who sent it. */
function namesOf({ user, uid, door, token }: Sender): (string | undefined)[] {
  return door === undefined ? [user, String(uid)] : [token, door]
}

function reasonIs(texts: readonly string[]): (story: Story) => boolean {
  const wanted = texts.map((text) => text.toLowerCase())
  return ({ trail }) => {
    const word = lastWord(trail)
    if (word === undefined) return false
    const text = wordText(word).toLowerCase()
    return wanted.some((part) => text.includes(part))
  }
}

function said(
  patterns: readonly string[],
  membersOf: (envelope: Envelope) => readonly (string | undefined)[],
): (story: Story) => boolean {
  return ({ envelope }) =>
    envelope !== undefined &&
    membersOf(envelope).some(
      (member) =>
        member !== undefined && patterns.some((pattern) => globFits(pattern, member)),
    )
}
