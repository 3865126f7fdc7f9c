/**
 * rule-part - reads one part of a rule; what is wrong with it is said at its place, and the part
 * is left out.
 */
import { didYouMean } from '../base/text.ts'
import { show } from './values.ts'

/** Where something stands in a rule. */
export type Place = readonly (string | number)[]
export type Complain = (place: Place, why: string, hint?: string) => void

/** A member, where it is written and can be read. */
export function member<const K extends string, T>(
  key: K,
  given: unknown,
  read: (given: unknown) => T | undefined,
): { readonly [P in K]?: T } {
  const value = given === undefined ? undefined : read(given)
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T }
}

/** Complains of what has a name that is not known there. */
export function checkKeys(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  place: Place,
  complain: Complain,
): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    const meant = didYouMean(key, known)
    const hint =
      meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
    complain([...place, key], 'unknown option', hint)
  }
}

export function readWord<const W extends string>(
  given: unknown,
  words: readonly W[],
  place: Place,
  complain: Complain,
): W | undefined {
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  const meant = typeof given === 'string' ? didYouMean(given, words) : undefined
  const guess = meant === undefined ? '' : `did you mean "${meant}"? `
  complain(
    place,
    given === undefined ? 'is missing' : `cannot be ${show(given)}`,
    `${guess}It is one of ${words.join(', ')}`,
  )
  return undefined
}

export function readFlag(
  given: unknown,
  place: Place,
  complain: Complain,
): boolean | undefined {
  if (typeof given === 'boolean') return given
  complain(place, `is neither true nor false: ${show(given)}`, 'write it unquoted')
  return undefined
}
