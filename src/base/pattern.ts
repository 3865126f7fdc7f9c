/**
 * pattern - regular expressions for texts of strangers: never slower than the text is long.
 *
 * RE2's syntax and its promise, by re2js: no pattern needs more than linear time, so that no
 * receiver can keep the daemon busy with an answer. It knows no look-around and no reference
 * back, and refuses them. Loaded when the first pattern is asked for.
 */
import { createRequire } from 'node:module'

import { memo } from './memo.ts'

export interface Pattern {
  /** True when something in the text matches. */
  test(text: string): boolean
}

/** A longer pattern is refused. */
const LONGEST = 1_000

const load = createRequire(import.meta.url)

/** A pattern as JavaScript writes it, in RE2's writing; what RE2 does not know stays as it is. */
export function translatePattern(source: string): string {
  const { RE2JS } = load('re2js') as typeof import('re2js')
  return RE2JS.translateRegExp(source)
}

/** The pattern of a source; throws an Error that says why it is none. */
export const compilePattern = memo((source): Pattern => {
  if (source.length > LONGEST) throw new Error(`is longer than ${LONGEST} characters`)
  const { RE2JS } = load('re2js') as typeof import('re2js')
  const compiled = RE2JS.compile(source)
  return { test: (text) => compiled.matcher(text).find() }
})
