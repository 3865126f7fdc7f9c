/**
 * occasion - when `msgq wrap` reports, and what it remembers from one run to the next. Pure.
 *
 * What is not known counts as changed, so that a memory that was lost costs a report and never
 * hides one.
 */
import { MsgqError } from '../base/errors.ts'
import { didYouMean } from '../base/text.ts'

export const OCCASIONS = ['fail', 'ok', 'always', 'output', 'change', 'recover'] as const
export type Occasion = (typeof OCCASIONS)[number]

/** What is known of the runs before. */
export interface Memory {
  /** Failures in a row, up to the last run. */
  readonly failures: number
  /** When the first of these was, ISO 8601. */
  readonly since?: string
  /** Of the exit code and the output of the last run. */
  readonly digest?: string
}

/** What one run came to. */
export interface Run {
  readonly code: number
  readonly startedAt: number
  readonly output: { readonly total: number }
  readonly digest: string
}

/** What a run means after those before it. */
export interface Verdict {
  /** Why there is a report; none without. */
  readonly reason?: Occasion
  /** Failures in a row: with this one, or before it where it works again. Absent: not counted. */
  readonly failures?: number
  readonly since?: string
  /** What to remember once the report is durable; absent where nothing is. */
  readonly next?: Memory
}

/** The occasions of `fail,recover`; throws (usage) for a word that is none. */
export function readOccasions(text: string): ReadonlySet<Occasion> {
  const words = text.split(',')
  for (const word of words) {
    if (OCCASIONS.some((occasion) => occasion === word)) continue
    const meant = didYouMean(word, OCCASIONS)
    throw new MsgqError(
      'usage',
      `--on: is none of ${OCCASIONS.join(', ')}: ${JSON.stringify(word)}`,
      meant === undefined ? 'several have commas between them' : `did you mean ${meant}?`,
    )
  }
  return new Set(words as Occasion[])
}

/** True where a run means nothing without those before it. */
export function remembers(occasions: ReadonlySet<Occasion>): boolean {
  return occasions.has('change') || occasions.has('recover')
}

/** Judges a run. Without occasions that remember, pass no memory. */
export function judge(
  occasions: ReadonlySet<Occasion>,
  run: Run,
  before: Memory | undefined,
): Verdict {
  const failed = run.code !== 0
  const digest = `${run.code} ${run.digest}`
  const reason = [...occasions].toSorted(byWeight).find((occasion) => {
    switch (occasion) {
      case 'fail':
        return failed
      case 'ok':
        return !failed
      case 'always':
        return true
      // A failure without a word is none the less one.
      case 'output':
        return failed || run.output.total > 0
      case 'change':
        return before?.digest !== digest
      case 'recover':
        return !failed && (before?.failures ?? 0) > 0
    }
  })
  const why = reason === undefined ? {} : { reason }
  if (before === undefined) return why
  const since = before.since ?? new Date(run.startedAt).toISOString()
  const row = { failures: before.failures + (failed ? 1 : 0), since }
  return {
    ...why,
    ...(row.failures > 0 ? row : {}),
    next: failed ? { ...row, digest } : { failures: 0, digest },
  }
}

/** What to remember where the report could not be queued: the next run makes it again. */
export function unreported(before: Memory, { next }: Verdict): Memory {
  if (next === undefined || next.failures === 0) return before
  const { digest: _, ...row } = next
  return before.digest === undefined ? row : { ...row, digest: before.digest }
}

/** Which of several is named: that which says most. */
function byWeight(a: Occasion, b: Occasion): number {
  const order = ['recover', 'fail', 'change', 'output', 'ok', 'always']
  return order.indexOf(a) - order.indexOf(b)
}
