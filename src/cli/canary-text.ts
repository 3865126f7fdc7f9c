/**
 * canary-text - how a canary ended that did not arrive: for a person, and as an exit code.
 */
import type { Stop } from '../library/canary.ts'
import { shortId } from '../message/id.ts'
import { briefSpan } from './clock-text.ts'
import { reasonOf } from './reason.ts'

/** As `send --wait` ends: not delivered; held; not yet. */
const CODES = { failed: 1, held: 3, late: 124 } as const

/** `patience` is how long was waited for something to happen (ms). */
export function stopText(stop: Stop, patience: number, now: number): string {
  const { id, state, isLate, trail, left } = stop
  const what = isLate
    ? `is still in ${state} after ${briefSpan(patience)}`
    : `was not delivered (${state}): ${reasonOf(trail, now)?.text ?? state}`
  const rest = left === 0 ? '' : `; ${left} stay where they were`
  return `${shortId(id)} ${what}${rest}`
}

export function stopCode({ state, isLate }: Stop): number {
  if (isLate) return CODES.late
  return state === 'hold' ? CODES.held : CODES.failed
}
