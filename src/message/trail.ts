/**
 * trail - the story of a message: a JSON line per attempt or act, behind the body.
 *
 * The name of the file is the truth (due, tries); the trail is the story, and may lack lines
 * after a power cut. Lines that are no JSON object are skipped.
 */
import type { Fault } from './outcome.ts'

/** One attempt: when, how long, what came of it and what happens next. */
export interface AttemptLine {
  readonly at: string
  readonly try: number
  readonly outcome: 'deferred' | 'bounced' | 'held' | 'delivered'
  readonly reason: string
  readonly fault?: Fault
  readonly status?: number
  readonly answer?: string
  readonly ms?: number
  /** When the next attempt may start. */
  readonly due?: string
  /** Its receiver was out for everybody: nobody passes it for that. */
  readonly outage?: true
  /** Of several receivers those who have had it since. */
  readonly taken?: readonly string[]
}

/** Something that was done to a message and was no attempt. */
export interface ActLine {
  readonly at: string
  readonly act:
    | 'adopted'
    | 'corrupt'
    | 'expired'
    | 'flushed'
    | 'held'
    | 'interrupted'
    | 'noticed'
    | 'postponed'
    | 'redirected'
    | 'refused'
    | 'released'
    | 'requeued'
    | 'returned'
    | 'sending'
  /** The operator's name, or absent where the daemon did it. */
  readonly by?: string
  readonly reason?: string
  /** Which attempt is about to begin (`sending`). */
  readonly try?: number
  /** The message that was made of it by this. */
  readonly as?: string
}

export type TrailLine = AttemptLine | ActLine

/** One trail line with its newline. */
export function formatTrailLine(line: TrailLine): string {
  return `${JSON.stringify(line)}\n`
}

/** The lines of a trail that can be read. */
export function parseTrail(text: string): TrailLine[] {
  const lines: TrailLine[] = []
  for (const row of text.split('\n')) {
    if (!row.startsWith('{')) continue
    try {
      const line: unknown = JSON.parse(row)
      if (isTrailLine(line)) lines.push(line)
    } catch {
      // A torn line: a crash cut it, or another line was appended behind it.
    }
  }
  return lines
}

function isTrailLine(line: unknown): line is TrailLine {
  if (typeof line !== 'object' || line === null) return false
  const { at, act, outcome, reason, by, try: number } = line as Record<string, unknown>
  if (!isText(at) || Number.isNaN(Date.parse(at))) return false
  if (act !== undefined) return isText(act) && isText(by ?? '') && isText(reason ?? '')
  return isText(outcome) && isText(reason) && typeof number === 'number'
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** True for a line of an attempt. */
export function isAttempt(line: TrailLine): line is AttemptLine {
  return 'outcome' in line
}

/** Of several receivers those who have the message already. */
export function takenBy(trail: readonly TrailLine[]): readonly string[] {
  return trail.flatMap((line) => {
    const taken: unknown = isAttempt(line) ? line.taken : undefined
    return Array.isArray(taken) ? taken.filter(isText) : []
  })
}

/** How often the daemon died with this message in flight since its last outcome or release. */
export function interruptions(trail: readonly TrailLine[]): number {
  let count = 0
  for (const line of trail) {
    if (isAttempt(line) || line.act === 'released' || line.act === 'requeued') count = 0
    else if (line.act === 'interrupted') count++
  }
  return count
}

/**
 * The time of an attempt that began and of whose end nothing is known: it may have arrived.
 * Only where a line `sending` was written before it. `tries` are those in the name, which is the
 * truth: an attempt that is counted there has ended, whatever the trail lacks.
 */
export function unendedSince(
  trail: readonly TrailLine[],
  tries: number,
): string | undefined {
  for (let at = trail.length - 1; at >= 0; at--) {
    const line = trail[at] as TrailLine
    if (isAttempt(line) || ENDS.has(line.act)) return undefined
    if (line.act === 'sending') return (line.try ?? tries + 1) > tries ? line.at : undefined
  }
  return undefined
}

/** What makes an attempt before it count for nothing: it came back, or a person says so. */
const ENDS: ReadonlySet<string> = new Set<ActLine['act']>([
  'released',
  'requeued',
  'returned',
])

/** When the lifetime of the house began anew by an act, in epoch ms; undefined if never. */
export function renewedAt(trail: readonly TrailLine[]): number | undefined {
  const last = trail.findLast(
    (line) => !isAttempt(line) && (line.act === 'released' || line.act === 'requeued'),
  )
  return last === undefined ? undefined : Date.parse(last.at)
}

/** Acts that leave the reason of what was before them as it is. */
const SILENT: ReadonlySet<string> = new Set<ActLine['act']>([
  'adopted',
  'flushed',
  'noticed',
  'redirected',
  'sending',
])

/** The line of a trail that explains the message; undefined while nothing happened to it. */
export function lastWord(trail: readonly TrailLine[]): TrailLine | undefined {
  return trail.findLast((line) => isAttempt(line) || !SILENT.has(line.act))
}

/** All that a line says of why: an attempt its reason, an act who did it too. */
export function wordText(line: TrailLine): string {
  if (isAttempt(line)) return line.reason
  const { act, by, reason } = line
  return `${act}${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : `: ${reason}`}`
}
