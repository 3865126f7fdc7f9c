/**
 * fallback - where else a message of a destination goes: its options, and what they become.
 *
 * A chain of fallbacks ends somewhere: one that comes back to where it began is no configuration.
 */
import * as v from 'valibot'

import { LEVELS } from '../message/draft.ts'
import type { Level } from '../message/draft.ts'
import { looksLikeUrl } from '../message/lane.ts'
import { span, text, word } from './values.ts'

const YEAR = 365 * 86_400_000
const TO_HINT = 'name a destination or a URL: "ops"'

/** Where else a message goes that is late, or bounced. */
export interface Fallback {
  readonly to: string
  /** So long after it could have gone first (ms); Infinity: only once it bounced. */
  readonly after: number
  /** The copy says at least this. */
  readonly level?: Level
}

/** `fallback` of a destination. */
export const fallbackEntries = {
  to: text((to) => (to === '' ? 'is empty' : undefined), TO_HINT),
  after: v.optional(span(0, YEAR, true)),
  level: v.optional(word(LEVELS)),
}

/** What a destination says of its fallback. */
export function fallbackOf(
  given: v.InferOutput<ReturnType<typeof fallbackSchema>> | undefined,
): { readonly fallback?: Fallback } {
  if (given === undefined) return {}
  const { to, after = Infinity, level } = given
  return { fallback: { to, after, ...(level === undefined ? {} : { level }) } }
}

function fallbackSchema() {
  return v.object(fallbackEntries)
}

/** Why fallbacks never end, seen from this destination; undefined where they do. */
export function loopDefect(
  name: string,
  fallbacks: ReadonlyMap<string, string>,
): { readonly why: string; readonly hint: string } | undefined {
  const chain = [name]
  for (let to = fallbacks.get(name); to !== undefined && !looksLikeUrl(to);) {
    chain.push(to)
    if (to === name)
      return {
        why: `comes back to where it began: ${chain.join(' -> ')}`,
        hint: 'the last one of a chain has no fallback',
      }
    // A loop that this one only leads into is told where it is.
    if (chain.indexOf(to) < chain.length - 1) return undefined
    to = fallbacks.get(to)
  }
  return undefined
}
