/**
 * tally - what came of all blows of a scenario, as a line of JSON and as a row of the table.
 */
import type { Kind, Outcome } from './wrong.ts'

/** The numbers of one scenario. */
export class Tally {
  readonly scenario: string
  /** Points that were aimed at, and those that were never met. */
  points = 0
  readonly missed: string[] = []
  killed = 0
  failed = 0
  repeats = 0
  staged = 0
  /** Cannot be done here, which `ended` says. */
  isSkipped = false
  readonly ended = new Map<string, number>()
  readonly wrong: Record<Kind, number> = {
    lost: 0,
    doubled: 0,
    stray: 0,
    check: 0,
    other: 0,
  }

  constructor(scenario: string) {
    this.scenario = scenario
  }

  add({ what, hits = 1, ended, wrongs, repeats, staged }: Outcome): void {
    if (what === 'KILL') this.killed++
    else {
      this.failed += hits
      this.ended.set(ended, (this.ended.get(ended) ?? 0) + 1)
    }
    this.repeats += repeats
    this.staged += staged
    for (const { kind } of wrongs) this.wrong[kind]++
  }

  /** True when nothing was wrong, and something was struck: nearly all that was aimed at. */
  get isGood(): boolean {
    const { wrong, missed, points } = this
    const struck =
      points === 0 ? this.failed > 0 || this.isSkipped : this.killed + this.failed > 0
    return (
      Object.values(wrong).every((n) => n === 0) && struck && missed.length * 50 <= points
    )
  }

  json(): string {
    const { scenario, points, missed, killed, failed, repeats, staged, wrong } = this
    const ended = Object.fromEntries(this.ended)
    const counts = {
      points,
      missed: missed.length,
      killed,
      repeats,
      staged,
      failed,
      ended,
      ...wrong,
    }
    return JSON.stringify({ scenario, ...counts })
  }
}

const HEAD = [
  ...['scenario', 'points', 'missed', 'killed', 'repeats', 'staged'],
  ...['faults', 'lost', 'doubled', 'strays', 'other', 'the faults ended'],
]

/** All scenarios as a table for people, with their sums. */
export function table(tallies: readonly Tally[]): string {
  const sum = new Tally('all')
  for (const tally of tallies) {
    sum.missed.push(...tally.missed)
    for (const key of ['points', 'killed', 'failed', 'repeats', 'staged'] as const)
      sum[key] += tally[key]
    for (const kind of Object.keys(sum.wrong) as Kind[])
      sum.wrong[kind] += tally.wrong[kind]
    for (const [ended, times] of tally.ended)
      sum.ended.set(ended, (sum.ended.get(ended) ?? 0) + times)
  }
  const rows = [HEAD, ...[...tallies, sum].map(rowOf)]
  const widths = HEAD.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, n) =>
          n === 0 || n === row.length - 1
            ? cell.padEnd(widths[n]!)
            : cell.padStart(widths[n]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function rowOf(tally: Tally): string[] {
  const { lost, doubled, stray, check, other } = tally.wrong
  const { points, missed, killed, repeats, staged, failed } = tally
  const counts = [points, missed.length, killed, repeats, staged, failed]
  const ended = [...tally.ended].map(([how, times]) => `${times} ${how}`).join(', ')
  return [
    tally.scenario,
    ...[...counts, lost, doubled, stray, check + other].map(String),
    ended,
  ]
}
