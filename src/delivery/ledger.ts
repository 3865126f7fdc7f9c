/**
 * ledger - up to when the messages of each lane were told of, and when somebody was told last.
 *
 * Pure. A message belongs to one moment (when it bounced, or began to wait), and it was told of
 * once that moment lies behind the mark of its lane. So many messages are one entry, and who
 * reads a ledger that is older than the truth tells nobody twice of what it names. Before a
 * notice is made its id and how far it reaches are written here: who dies in between finds them.
 */
import { isId } from '../message/id.ts'

/** A notice that is being made: the seed of its ids, and up to when it tells. */
export interface Making {
  readonly seed: string
  readonly upTo: number
}

export interface LaneMark {
  readonly upTo: number
  readonly toldAt?: number
  readonly making?: Making
}

export interface Ledger {
  /** The mark of all lanes that have none of their own. */
  readonly floor: number
  readonly lanes: ReadonlyMap<string, LaneMark>
}

/** What lies beyond the mark of a lane. */
export interface Group {
  readonly count: number
  readonly first: number
  readonly last: number
}

export interface Pace {
  /** A lane must be quiet for so long (ms), or bounce for PATIENCE times as long. */
  readonly wait: number
  /** Between two notices of a lane (ms). */
  readonly every: number
}

const PATIENCE = 6

/** Up to when the messages of a lane were told of. */
export function markOf({ floor, lanes }: Ledger, lane: string): number {
  return lanes.get(lane)?.upTo ?? floor
}

/** Whether a notice of this lane is due; `reached` is how far what is told of can be by now. */
export function isDue(
  mark: LaneMark | undefined,
  { first, last }: Group,
  { now, reached }: { readonly now: number; readonly reached: number },
  { wait, every }: Pace,
): boolean {
  const { toldAt = -Infinity } = mark ?? {}
  // One that was told later than now was told by another clock.
  if (toldAt <= now && now - toldAt < every) return false
  return reached - last >= wait || reached - first >= PATIENCE * wait
}

/** The ledger once a whole look found nothing untold up to `upTo` but in these lanes. */
export function lookedThrough(
  ledger: Ledger,
  upTo: number,
  untold: ReadonlySet<string>,
  keepTold: (toldAt: number) => boolean,
): Ledger {
  const lanes = new Map<string, LaneMark>()
  for (const lane of untold)
    lanes.set(lane, ledger.lanes.get(lane) ?? { upTo: ledger.floor })
  for (const [lane, mark] of ledger.lanes) {
    if (lanes.has(lane)) continue
    if (mark.making !== undefined) lanes.set(lane, mark)
    else if (mark.toldAt !== undefined && keepTold(mark.toldAt))
      lanes.set(lane, { ...mark, upTo: Math.max(mark.upTo, upTo) })
  }
  return { floor: Math.max(ledger.floor, upTo), lanes }
}

/**
 * The ledger where the clock may have gone back: a mark beyond `now` becomes `upTo`, so that
 * what happens from now on is told. What lies between the two may be told twice.
 */
export function notBeyond({ floor, lanes }: Ledger, now: number, upTo: number): Ledger {
  const cut = (mark: number) => (mark > now ? upTo : mark)
  return {
    floor: cut(floor),
    lanes: new Map(
      [...lanes].map(([lane, mark]) => [lane, { ...mark, upTo: cut(mark.upTo) }]),
    ),
  }
}

/** The same ledger with another mark of one lane. */
export function marked(ledger: Ledger, lane: string, mark: LaneMark): Ledger {
  return { ...ledger, lanes: new Map(ledger.lanes).set(lane, mark) }
}

const VERSION = 1

/** As it is kept: times in ISO 8601, for people. */
export function formatLedger({ floor, lanes }: Ledger): unknown {
  return {
    v: VERSION,
    upTo: iso(floor),
    lanes: Object.fromEntries(
      [...lanes].map(([lane, { upTo, toldAt, making }]) => [
        lane,
        {
          upTo: iso(upTo),
          ...(toldAt === undefined ? {} : { toldAt: iso(toldAt) }),
          ...(making === undefined
            ? {}
            : { making: { seed: making.seed, upTo: iso(making.upTo) } }),
        },
      ]),
    ),
  }
}

/** What was kept; undefined where it is no ledger. A lane that cannot be read is left out. */
export function parseLedger(raw: unknown): Ledger | undefined {
  const { v, upTo, lanes } = tableOf(raw)
  const floor = timeOf(upTo)
  if (v !== VERSION || floor === undefined) return undefined
  const known = new Map<string, LaneMark>()
  for (const [lane, given] of Object.entries(tableOf(lanes))) {
    const mark = tableOf(given)
    const at = timeOf(mark['upTo'])
    if (at === undefined) continue
    const toldAt = timeOf(mark['toldAt'])
    const { seed, upTo: end } = tableOf(mark['making'])
    const until = timeOf(end)
    const isMaking = typeof seed === 'string' && isId(seed) && until !== undefined
    known.set(lane, {
      upTo: at,
      ...(toldAt === undefined ? {} : { toldAt }),
      ...(isMaking ? { making: { seed, upTo: until } } : {}),
    })
  }
  return { floor, lanes: known }
}

function tableOf(raw: unknown): Record<string, unknown> {
  return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {}
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? undefined : time
}

function iso(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString()
}
