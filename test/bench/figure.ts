/**
 * figure - one measurement beside its baseline of the same run, and how both are printed.
 *
 * Machines differ and their speed drifts; a ratio to something simple that was measured in the
 * same minute holds. Absolute numbers are printed for the reader, the ratio is the result.
 */

export interface Figure {
  readonly name: string
  readonly unit: Unit
  readonly value: number
  readonly baseline: number
  /** What the baseline is. */
  readonly against: string
  /** value / baseline. */
  readonly ratio: number
  /** What we ask of it. */
  readonly target?: Target
  readonly more?: Readonly<Record<string, number>>
}

/** Of rates more is better, of all else less. */
export type Unit = 'per s' | 'ms' | 'us' | 'MiB' | '% of a core'

/** A bound for the ratio, the value, or one of the others. */
export interface Target {
  readonly of: 'ratio' | 'value' | string
  readonly least?: number
  readonly most?: number
}

/** A figure with its ratio. */
export function figure(figure: Omit<Figure, 'ratio'>): Figure {
  return { ...figure, ratio: figure.value / figure.baseline }
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Whether it is what we ask; undefined where nothing is asked. */
export function meets({ target, ratio, value, more }: Figure): boolean | undefined {
  if (target === undefined) return undefined
  const { of, least = -Infinity, most = Infinity } = target
  const is = of === 'ratio' ? ratio : of === 'value' ? value : (more?.[of] ?? NaN)
  return is >= least && is <= most
}

/** A figure as a line of JSON. */
export function jsonLine(figure: Figure): string {
  return JSON.stringify(rounded(figure))
}

/** A figure in four digits: what is kept. */
export function rounded(figure: Figure): Figure {
  const { more = {} } = figure
  const entries = Object.entries(more).map(([name, value]) => [name, round(value)])
  return {
    ...figure,
    value: round(figure.value),
    baseline: round(figure.baseline),
    ratio: round(figure.ratio),
    ...(entries.length === 0 ? {} : { more: Object.fromEntries(entries) }),
  }
}

/** All figures as a table for people. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, unit, value, baseline, against, ratio, more } = figure
    return [
      name,
      `${show(value)} ${unit}`,
      `${show(baseline)} ${unit}`,
      ratio.toFixed(2),
      wish(figure),
      against +
        Object.entries(more ?? {})
          .map(([key, n]) => `; ${key} ${show(n)}`)
          .join(''),
    ]
  })
  return columns([['what', 'msgq', 'baseline', 'ratio', 'asked', 'baseline is'], ...rows])
}

/** Rows of text as columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What is asked, and whether it is so. */
function wish(figure: Figure): string {
  const { target, unit } = figure
  if (target === undefined) return ''
  const { of, least, most } = target
  const bound = least === undefined ? `<= ${most}` : `>= ${least}`
  const what = of === 'ratio' ? '' : of === 'value' ? ` ${unit}` : ` (${of})`
  return `${bound}${what}: ${meets(figure) === true ? 'yes' : 'NO'}`
}

/** A number for people. */
export function show(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2)
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
