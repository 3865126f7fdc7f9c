/**
 * fallback - whether a message is wanted where its destination falls back to, and as what. Pure.
 *
 * What an operator expired, or its sender let expire, is wanted nowhere else. A copy was made
 * where the trail says so.
 */
import { formatDuration } from '../base/duration.ts'
import type { Fallback } from '../config/fallback.ts'
import { LEVELS } from '../message/draft.ts'
import type { Draft, Level } from '../message/draft.ts'
import type { Envelope } from '../message/envelope.ts'
import { idTime } from '../message/id.ts'
import type { Entry, Story } from '../message/selector.ts'
import { escapingOf } from '../message/template.ts'
import { isAttempt, renewedAt } from '../message/trail.ts'
import type { TrailLine } from '../message/trail.ts'
import { holdsAtDoor } from '../queue/states.ts'
import { expiryOf } from './retry.ts'

const TEXT = 'text/plain; charset=utf-8'

/** Why a copy is wanted, and since when (epoch ms). */
export interface Want {
  readonly why: string
  readonly at: number
}

/** What is wanted of one that bounced at this time. */
export function wantOfBounced(
  { envelope, trail }: Story,
  at: number,
  now: number,
): Want | undefined {
  const isOver = envelope !== undefined && now >= expiryOf(envelope)
  return isOver || givenUp(trail) ? undefined : { why: 'bounced', at }
}

/** What is wanted of one that waits, where that is too long by now. */
export function wantOfLate(
  { envelope, trail }: Story,
  { after }: Fallback,
  now: number,
): Want | undefined {
  if (envelope === undefined || holdsAtDoor(envelope, trail)) return undefined
  if (now >= expiryOf(envelope)) return undefined
  const at = waitsSince(envelope, trail) + after
  return at > now ? undefined : { why: `not delivered in ${formatDuration(after)}`, at }
}

/** False for one that is not late whatever it says: young, or scheduled and not begun yet. */
export function mayBeLate(entry: Entry, { after }: Fallback, now: number): boolean {
  const { id, due, tries } = entry
  return idTime(id) + after <= now && !(tries === 0 && due + after > now)
}

/** Since when a message could have gone: accepted, its own time, released or requeued. */
export function waitsSince(envelope: Envelope, trail: readonly TrailLine[]): number {
  const { createdAt, notBefore } = envelope
  const own = notBefore === undefined ? 0 : Date.parse(notBefore)
  return Math.max(Date.parse(createdAt), own, renewedAt(trail) ?? 0)
}

/** True where the trail says that a copy was made; an operator's own act is no such line. */
export function hasFallenBack(trail: readonly TrailLine[]): boolean {
  return trail.some(
    (line) =>
      !isAttempt(line) &&
      line.act === 'redirected' &&
      line.by === undefined &&
      line.as !== undefined,
  )
}

/** True where an operator gave it up himself. */
function givenUp(trail: readonly TrailLine[]): boolean {
  const last = trail.findLast((line) => isAttempt(line) || line.act === 'expired')
  return last !== undefined && !isAttempt(last) && last.by !== undefined
}

/**
 * What of it means something elsewhere. Method and headers were for the first receiver, and may
 * hold a secret of his; its key is his as well, and would make the copy a conflict. JSON that is
 * not its receiver's own is a text to a service, which would refuse it.
 */
export function copyOf(
  envelope: Envelope,
  { to, level: least }: Fallback,
  isOwn: boolean,
): Draft {
  const { subject, expiresAt, level } = envelope
  const isJson = escapingOf(envelope.contentType ?? '') === 'json'
  const contentType = isJson && !isOwn ? TEXT : envelope.contentType
  const rank = (one: Level | undefined) => (one === undefined ? -1 : LEVELS.indexOf(one))
  const higher = rank(least) > rank(level) ? least : level
  return {
    to,
    ...(subject === undefined ? {} : { subject }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(higher === undefined ? {} : { level: higher }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}
