/**
 * compare - what of a run is worse than what was committed.
 *
 * Ratios are compared, never times, and only with those of a run of the same kind: a short one on
 * another disk says nothing of a long one. A figure that nobody committed is no regression.
 */
import type { Figure, Unit } from './figure.ts'

/** Worse by so much is a regression. */
const TOLERANCE = 0.2
/** 1 - 0.8 is a little less than a fifth. */
const ROUNDING = 1e-9

/** Ratios by the kind of run, and by figure. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, number>>>>

/** A line for each figure that is worse than its committed ratio by a fifth or more. */
export function regressions(
  figures: readonly Figure[],
  committed: Readonly<Record<string, number>> = {},
): string[] {
  return figures.flatMap(({ name, unit, ratio }) => {
    const before = committed[name]
    if (before === undefined) return []
    const worse = loss(unit, before, ratio)
    // Written so that what is no number, and no measurement, does not pass.
    if (worse < TOLERANCE - ROUNDING) return []
    const change = `${ratio.toPrecision(3)}, committed ${before.toPrecision(3)}`
    return [`REGRESSION ${name}: ratio ${change}: ${Math.round(worse * 100)} % worse`]
  })
}

/** The ratios with those of a run in place of the ones of their name. */
export function keep(ratios: Ratios, kind: string, figures: readonly Figure[]): Ratios {
  const fresh = figures.map(({ name, ratio }) => [name, Number(ratio.toPrecision(4))])
  return { ...ratios, [kind]: { ...ratios[kind], ...Object.fromEntries(fresh) } }
}

/** The share by which a ratio is worse than the one before. */
function loss(unit: Unit, before: number, now: number): number {
  return unit === 'per s' ? 1 - now / before : now / before - 1
}
