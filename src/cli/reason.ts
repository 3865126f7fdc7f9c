/**
 * reason - why a message is where it is, in one line, from the last of its trail that says so.
 */
import { isAttempt, lastWord } from '../message/trail.ts'
import type { ActLine, TrailLine } from '../message/trail.ts'
import { shortTime } from './clock-text.ts'

export interface Reason {
  readonly text: string
  /** Epoch ms; absent where the text has its time. */
  readonly at?: number
}

/** Why a message is where it is; undefined while nothing happened to it. */
export function reasonOf(trail: readonly TrailLine[], now: number): Reason | undefined {
  const line = lastWord(trail)
  if (line === undefined) return undefined
  const at = Date.parse(line.at)
  if (isAttempt(line)) return { text: line.reason, at: at + (line.ms ?? 0) }
  if (line.act === 'held' && line.by !== undefined)
    return { text: `held by ${line.by} ${shortTime(at, now)}${quoted(line)}` }
  return { text: actText(line), at }
}

/** What was done, by whom and why: `released by ann: "was held by mistake"`. */
export function actText(line: ActLine): string {
  const { act, by, reason } = line
  if (by !== undefined) return `${act} by ${by}${quoted(line)}`
  if (act === 'interrupted') return 'interrupted: msgqd ended with it in flight'
  if (act === 'sending') return 'sending: its request goes out'
  return reason ?? act
}

function quoted({ reason }: ActLine): string {
  return reason === undefined ? '' : `: "${reason}"`
}
