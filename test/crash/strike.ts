/**
 * strike - finds the points of a scenario, and strikes each of them on ground of its own.
 *
 * Which call a blow hit is read from the trace of the blow itself. Where a thread made a call
 * more or less than the time before, the number is corrected and the point is struck again.
 * What is wrong without any blow is no finding but an error: nothing could be judged by it.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { idsIn, lies } from './answer.ts'
import type { Named } from './answer.ts'
import { Ground } from './ground.ts'
import type { Traced } from './ground.ts'
import { pointsOf } from './points.ts'
import type { Point } from './points.ts'
import type { Scenario } from './scenario.ts'
import { CHANGES, LOOKS } from './strace.ts'
import type { Blow } from './strace.ts'
import { untold } from './story.ts'
import { REST, judge, sureOf } from './verdict.ts'

/** A run in which a point was struck, or something else in its place. */
export interface Struck {
  readonly ground: Ground
  readonly ran: Traced
  /** The calls on the spool that were hit, in their order. */
  readonly roles: readonly string[]
  /** The ids that were there before, by mark. */
  readonly before: Named
}

/** What falls on a point. */
export interface Aim {
  readonly scenario: Scenario
  readonly point: Point
  /** KILL, or the name of an error. */
  readonly what: string
  /** Where it goes on with other calls. */
  readonly further?: readonly Blow[]
}

/**
 * A point is aimed at once more than this, so far beside the number of the first time; and all of
 * it again, because on a busy machine two calls may change places now and then.
 */
const ASIDE = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 0]

/** All points of a scenario, from a run in which nothing strikes and nothing may be wrong. */
export async function survey(scenario: Scenario, below: string): Promise<readonly Point[]> {
  return on(scenario, below, async (ground) => {
    const before = idsIn(ground)
    const ran = await ground.trace(scenario.command(ground), [...CHANGES, ...LOOKS])
    const told = [...untold(ground, scenario), ...lies(ground, scenario, ran, before)]
    const sure = sureOf(ground, scenario, ran)
    const { wrongs } = await judge(ground, scenario, sure, 'ended')
    const all = [...told, ...wrongs].map(({ text }) => text)
    if (ran.code !== 0 || all.length > 0)
      throw new Error(
        `${scenario.name}, and nothing struck: exit ${ran.code}: ${ran.err}${all.join('; ')}`,
      )
    return pointsOf(ran.calls, ground.spool)
  })
}

/** Strikes a point until it is hit, each time on new ground; false when it never was. */
export async function strike(
  { scenario, point, what, further = [] }: Aim,
  below: string,
  look: (struck: Struck) => Promise<void>,
): Promise<boolean> {
  const { name, thread } = point.call
  let { nth } = point.call
  for (const aside of [...ASIDE, ...ASIDE]) {
    const every = further.length === 0 ? {} : { every: 1 }
    const blows = [{ name, thread, nth, what, ...every }, ...further]
    const points = await on(scenario, below, async (ground) => {
      const names = blows.map((blow) => blow.name)
      const before = idsIn(ground)
      const ran = await ground.trace(scenario.command(ground), names, blows)
      const made = pointsOf(ran.calls, ground.spool)
      const roles = made.filter((it) => isHit(it, what)).map(({ role }) => role)
      await look({ ground, ran, roles, before })
      return roles.includes(point.role) ? undefined : made
    })
    if (points === undefined) return true
    const there = points.find(({ role }) => role === point.role)?.call.nth
    const next = there === undefined || there === nth ? point.call.nth + aside : there
    nth = Math.max(1, next)
  }
  return false
}

/** A call that was killed is never answered, and an error is marked. */
function isHit({ call }: Point, what: string): boolean {
  return what === 'KILL' ? call.result.startsWith('?') : call.result.includes('(INJECTED)')
}

async function on<T>(
  scenario: Scenario,
  below: string,
  use: (ground: Ground) => Promise<T>,
): Promise<T> {
  const ground = await Ground.make(below)
  try {
    await scenario.prepare?.(ground)
    if (scenario.rests) await sleep(REST)
    ground.receiver.answer = scenario.answer ?? 200
    return await use(ground)
  } finally {
    await ground.close()
  }
}
