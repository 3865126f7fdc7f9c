/**
 * figure - one measurement beside its baseline of the same run, and how both are printed.
 *
 * Machines differ and their speed drifts; a ratio to something simple that was measured in the
 * same minute holds. Absolute numbers are printed for the reader, the ratio is the result.
 */

export interface Figure {
  readonly name: string
  readonly unit: 'per s' | 'ms'
  readonly value: number
  readonly baseline: number
  /** What the baseline is. */
  readonly against: string
  /** value / baseline. For rates more is better, for times less. */
  readonly ratio: number
  readonly more?: Readonly<Record<string, number>>
}

/** A figure with its ratio. */
export function figure(figure: Omit<Figure, 'ratio'>): Figure {
  return { ...figure, ratio: figure.value / figure.baseline }
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** A figure as a line of JSON. */
export function jsonLine(figure: Figure): string {
  const more = figure.more ?? {}
  const rounded = Object.entries(more).map(([name, value]) => [name, round(value)])
  return JSON.stringify({
    ...figure,
    value: round(figure.value),
    baseline: round(figure.baseline),
    ratio: round(figure.ratio),
    ...(rounded.length === 0 ? {} : { more: Object.fromEntries(rounded) }),
  })
}

/** All figures as a table for people. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, value, baseline, against, ratio, more }) => [
    name,
    `${show(value)} ${unit}`,
    `${show(baseline)} ${unit}`,
    ratio.toFixed(2),
    against +
      Object.entries(more ?? {})
        .map(([key, n]) => `; ${key} ${show(n)}`)
        .join(''),
  ])
  const all = [['what', 'msgq', 'baseline', 'ratio', 'baseline is'], ...rows]
  const widths = all[0]!.map((_, column) =>
    Math.max(...all.map((row) => row[column]!.length)),
  )
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function show(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2)
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
