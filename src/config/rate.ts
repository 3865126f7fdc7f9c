/**
 * rate - how many in which time, as people write it: "10/s", "100/m burst 20".
 */

export interface Rate {
  /** So many in `per` ms. */
  readonly count: number
  readonly per: number
  /** So many at once after a rest. */
  readonly burst: number
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** Most of a rate and of a burst. */
const MOST = 1_000_000
/** Where no burst is given: what comes in so many ms, so that timers can keep up. */
const BREATH = 100

/** The rate that a text means; undefined for what is none. */
export function parseRate(text: string): Rate | undefined {
  const parts = /^(\d{1,7})\/([smhd])(?: burst (\d{1,7}))?$/.exec(text)
  if (parts === null) return undefined
  const count = Number(parts[1])
  const per = UNITS[parts[2] as keyof typeof UNITS]
  const burst = parts[3] === undefined ? burstOf(count, per) : Number(parts[3])
  const fits = [count, burst].every((each) => each >= 1 && each <= MOST)
  return fits ? { count, per, burst } : undefined
}

/** The shortest writing of a rate. */
export function formatRate({ count, per, burst }: Rate): string {
  const unit = Object.entries(UNITS).find(([, ms]) => ms === per)?.[0] ?? `${per}ms`
  return `${count}/${unit}${burst === burstOf(count, per) ? '' : ` burst ${burst}`}`
}

function burstOf(count: number, per: number): number {
  return Math.max(1, Math.floor((count * BREATH) / per))
}
