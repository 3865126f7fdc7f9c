/**
 * suspension - a lane that somebody stopped: who, when, why, and until when.
 *
 * Its messages wait where they are and are charged nothing. What is over by its own word is as
 * good as gone, whether anybody has removed it or not.
 */
export interface Suspension {
  readonly lane: string
  /** Since when (epoch ms). */
  readonly at: number
  /** The operator's name; absent where a rule did it, or nobody knows. */
  readonly by?: string
  readonly why?: string
  /** When it ends by itself (epoch ms); absent: when somebody resumes the lane. */
  readonly until?: number
  /**
   * Where a rule did it: a print of the configuration of its destination then. With another one
   * the lane goes on.
   */
  readonly config?: string
  /** It is the configuration that says so. */
  readonly disabled?: true
}

/** True while it counts. */
export function isInForce({ until = Infinity }: Suspension, now: number): boolean {
  return until > now
}

/** Those that count now, by lane. */
export function inForce(
  suspensions: readonly Suspension[],
  now: number,
): ReadonlyMap<string, Suspension> {
  const valid = suspensions.filter((suspension) => isInForce(suspension, now))
  return new Map(valid.map((suspension) => [suspension.lane, suspension]))
}

/** `since 12:00 by ann until 14:00: no money`, with times as the caller writes them. */
export function suspensionText(
  { at, by, why, until, disabled }: Suspension,
  timeText: (ms: number) => string,
): string {
  if (disabled) return `by the configuration: ${why ?? 'enabled = false'}`
  const who = by === undefined ? '' : ` by ${by}`
  const end = until === undefined ? '' : ` until ${timeText(until)}`
  return `since ${timeText(at)}${who}${end}${why === undefined ? '' : `: ${why}`}`
}
