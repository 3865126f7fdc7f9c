/**
 * wrong - what a promise was broken by, and how often of each kind.
 */

export type Kind = 'lost' | 'doubled' | 'stray' | 'check' | 'other'

/** One broken promise. */
export interface Wrong {
  readonly kind: Kind
  readonly text: string
}

/** What came of one blow. */
export interface Outcome {
  /** What was hit; undefined for a call that has nothing to do with the spool. */
  readonly role: string | undefined
  /** KILL, or the name of an error. */
  readonly what: string
  /** How often; once unless it says so. */
  readonly hits?: number
  /** How the program ended. */
  readonly ended: string
  readonly wrongs: readonly Wrong[]
  /** Arrivals of messages that had been accepted already. */
  readonly repeats: number
  /** Files that dead writers left: allowed, and swept a day later. */
  readonly staged: number
}
