/**
 * rule - which answers of a receiver mean what. Plain data, so that it can be compared and shown.
 *
 * What a condition leaves out it does not ask; a rule without any condition fits every answer.
 * Read in rules.ts, asked in transport/rules.ts.
 */
import type { JsonPath } from '../base/json-path.ts'
import type { Fault } from '../message/outcome.ts'

/** What becomes of a message whose answer fits. */
export const VERDICTS = ['deliver', 'defer', 'bounce', 'hold', 'suspend'] as const
export type Verdict = (typeof VERDICTS)[number]

export type Scalar = string | number | boolean

/** What is asked of one value; all given parts must hold. */
export interface Test {
  /** It is one of these. */
  readonly equals?: readonly Scalar[]
  /** It has one of these in it, whatever its capitals. */
  readonly contains?: readonly string[]
  /** Sources of patterns (base/pattern.ts), of which one matches. */
  readonly matches?: readonly string[]
  readonly exists?: boolean
}

/** How long a deferred message waits at least. */
export type After =
  | { readonly ms: number }
  /** A member of the answer's JSON, in units of so many ms. */
  | { readonly json: JsonPath; readonly unit: number }
  | { readonly header: string; readonly unit: number }

export interface Rule {
  /** Ranges of statuses, first and last. */
  readonly status?: readonly (readonly [first: number, last: number])[]
  /** Names in lower case. */
  readonly headers?: readonly (readonly [name: string, test: Test])[]
  readonly body?: Test
  readonly json?: readonly (readonly [path: JsonPath, test: Test])[]
  readonly verdict: Verdict
  readonly after?: After
  /** The delay counts for all that goes there. */
  readonly lane?: boolean
  readonly fault?: Fault
  /** For a person, in the reason. */
  readonly why?: string
  /** `rule`, or the name of the preset that has it. */
  readonly by: string
}
