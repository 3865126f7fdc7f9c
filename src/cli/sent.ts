/**
 * sent - what came of the messages of one `msgq send`: their ids, what to say, the exit code. Pure.
 *
 * 64 to 78 always mean that nothing was queued, so that they are left to a send of which that is
 * known of every message.
 */
import { UnsureError } from '../base/errors.ts'
import type { Draft } from '../message/draft.ts'
import { shownTo } from '../message/mask.ts'

/** Exit code when of several receivers some were served. */
const PARTLY = 1

export interface Sent {
  readonly code: number
  readonly ids: readonly string[]
  /** A line for each message, where not all went well. */
  readonly told: readonly string[]
}

/** What came of each; throws where none is queued: what nobody is sure of before all else. */
export function sentOf(
  enqueued: readonly PromiseSettledResult<string>[],
  drafts: readonly Draft[],
): Sent {
  const ids = enqueued.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failures = enqueued.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  )
  if (failures.length === 0) return { code: 0, ids, told: [] }
  if (ids.length === 0) throw failures.find(isUnsure) ?? failures[0]
  const told = enqueued.map((one, index) => {
    const to = shownTo(drafts[index]?.to ?? '')
    if (one.status === 'fulfilled') return `queued for ${to}: ${one.value}`
    const how = isUnsure(one.reason) ? 'perhaps queued' : 'not queued'
    return `${how} for ${to}: ${(one.reason as Error).message}`
  })
  return { code: PARTLY, ids, told }
}

function isUnsure(error: unknown): boolean {
  return error instanceof UnsureError
}
