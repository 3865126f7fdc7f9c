/**
 * views - what came of a call, as a program reads it.
 */
import { lastWord, wordText } from '../message/trail.ts'
import type { ActResult } from '../queue/queue.ts'
import type { Stop } from './canary.ts'
import type { End } from './end.ts'
import type * as Public from './queue.ts'

export function endedView(end: End): Public.Ended {
  const { outcome, state, due, by, suspension, trail = [], instead } = end
  const last = lastWord(trail)
  const reason = end.reason ?? suspension?.why ?? (last && wordText(last))
  const who = by ?? suspension?.by
  return {
    outcome,
    ...(reason === undefined ? {} : { reason }),
    ...(who === undefined ? {} : { by: who }),
    ...(state === undefined ? {} : { state }),
    ...(due === undefined ? {} : { due: isoOf(due) }),
    ...(instead === undefined
      ? {}
      : { [instead.as === 'child' ? 'child' : 'repeatOf']: instead.id }),
  }
}

export function actedView(
  { matched, done, skipped }: ActResult,
  unknown: Public.Acted['unknown'] = [],
): Public.Acted {
  return { matched, changed: done, skipped, unknown }
}

export function stopView({ id, state, isLate, trail }: Stop): Public.Stopped {
  const last = lastWord(trail)
  return { id, state, isLate, ...(last === undefined ? {} : { reason: wordText(last) }) }
}

/** A time as programs read it. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
