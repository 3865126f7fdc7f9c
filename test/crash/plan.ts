/**
 * plan - which blows a scenario gets, and their carrying out.
 *
 * Every call that changes the spool is killed once, and every call on it fails with each error
 * that it can give. All daemons start alike, so what one scenario had at its start the next
 * ones have not; of calls that are alike within one run all are killed, and the first and the
 * last fail.
 */
import { DELIVERIES } from './deliveries.ts'
import { errorsOf, failAt, fromThenOn } from './fail.ts'
import { killAt } from './kill.ts'
import type { Point } from './points.ts'
import type { Scenario } from './scenario.ts'
import { SENDS } from './sends.ts'
import type { Tally } from './tally.ts'
import type { Outcome } from './wrong.ts'

/** One blow at one point. */
export interface Blow {
  /** Where it is meant to fall, and what. */
  readonly aim: string
  /** Strikes once; false when the point was never met. */
  strike(tell: (outcome: Outcome) => void): Promise<boolean>
}

/** Runs under way at once; most of them wait for their turn, or for files to rest. */
const ABREAST = 6

export class Plan {
  readonly #below: string
  /** What every daemon does, and what every delivery does. */
  readonly #starting = new Set<string>()
  readonly #delivering = new Set<string>()

  constructor(below: string) {
    this.#below = below
  }

  /** All blows of a scenario; those of the daemon have to be asked for in their order. */
  blowsOf(scenario: Scenario, points: readonly Point[]): Blow[] {
    const isDaemon = DELIVERIES.includes(scenario)
    const fresh = (known: ReadonlySet<string>) =>
      points.filter(({ role }) => !isDaemon || !known.has(role))
    const blows = [
      ...this.kills(scenario, fresh(this.#starting)),
      ...this.fails(scenario, fresh(this.#delivering)),
      ...(SENDS.includes(scenario) ? this.#ruins(scenario, points) : []),
    ]
    for (const { role } of points) {
      if (scenario.name === 'deliver') this.#starting.add(role)
      if (scenario.name === 'deliver' || scenario.name === 'first start')
        this.#delivering.add(role)
    }
    return blows
  }

  /** Killed before each call that changes something. */
  kills(scenario: Scenario, points: readonly Point[]): Blow[] {
    return points
      .filter(({ changes }) => changes)
      .map((point): Blow => ({
        aim: `KILL at ${point.role}`,
        strike: (tell) => killAt(scenario, point, this.#below, tell),
      }))
  }

  /** Each call fails once. */
  fails(scenario: Scenario, points: readonly Point[]): Blow[] {
    return firstAndLast(points.filter(isSteady)).flatMap((point) =>
      errorsOf(point).map((error): Blow => ({
        aim: `${error} at ${point.role}`,
        strike: (tell) => failAt(scenario, point, error, this.#below, tell),
      })),
    )
  }

  /** The disk turns read-only at each call that changes something. */
  #ruins(scenario: Scenario, points: readonly Point[]): Blow[] {
    return firstAndLast(points.filter(({ changes }) => changes)).map((point): Blow => {
      const further = fromThenOn(points, point)
      return {
        aim: `EROFS from ${point.role} on`,
        strike: (tell) => failAt(scenario, point, 'EROFS', this.#below, tell, further),
      }
    })
  }

  /** Carries out blows, and counts what came of them. */
  async carryOut(
    blows: readonly Blow[],
    tally: Tally,
    tell: (outcome: Outcome) => void = () => {},
  ): Promise<void> {
    const left = [...blows]
    const lane = async (): Promise<void> => {
      for (let blow = left.shift(); blow !== undefined; blow = left.shift()) {
        const met = await blow.strike((outcome) => {
          tally.add(outcome)
          tell(outcome)
        })
        tally.points++
        if (!met) tally.missed.push(blow.aim)
      }
    }
    await Promise.all(Array.from({ length: ABREAST }, lane))
  }
}

/**
 * What cannot be aimed at: of looks in the thread pool the module loader makes now more, now
 * fewer; the event loop reads by itself, and the pool reads folders, before the keys are read;
 * and what was rung for is looked at where the look before it was slow.
 */
function isSteady({ role, call }: Point): boolean {
  if (call.name === 'statx') return call.thread === 'main'
  return !/^(read|getdents64) keys\b|^(openat look|read|pread64) run\/wake\b/.test(role)
}

/** Of calls that are alike, on one message after the other, the first and the last. */
function firstAndLast(points: readonly Point[]): Point[] {
  const kindOf = ({ role }: Point) => role.replace(/ #\d+$/, '')
  const [firsts, lasts] = [new Map<string, Point>(), new Map<string, Point>()]
  for (const point of points) {
    if (!firsts.has(kindOf(point))) firsts.set(kindOf(point), point)
    lasts.set(kindOf(point), point)
  }
  return points.filter(
    (it) => firsts.get(kindOf(it)) === it || lasts.get(kindOf(it)) === it,
  )
}
