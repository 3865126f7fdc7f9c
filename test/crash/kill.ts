/**
 * kill - ends a program by SIGKILL before a call that changes the spool, and judges what is left.
 */
import { lies } from './answer.ts'
import type { Point } from './points.ts'
import type { Scenario } from './scenario.ts'
import { strike } from './strike.ts'
import { judge, sureOf } from './verdict.ts'
import type { Outcome, Wrong } from './wrong.ts'

/** Kills a scenario's program at one point; false when that point was never met. */
export function killAt(
  scenario: Scenario,
  point: Point,
  below: string,
  tell: (outcome: Outcome) => void,
): Promise<boolean> {
  return strike(
    { scenario, point, what: 'KILL' },
    below,
    async ({ ground, ran, roles, before }) => {
      // Aimed beside the mark, it ended by itself.
      if (ran.code !== undefined) return
      const own: Wrong[] = ran.hung ? [{ kind: 'other', text: 'it hung' }] : []
      own.push(...lies(ground, scenario, ran, before))
      const sure = sureOf(ground, scenario, ran)
      const verdict = await judge(ground, scenario, sure, 'killed')
      const { wrongs, repeats, staged } = verdict
      tell({
        role: roles[0],
        what: 'KILL',
        ended: 'killed',
        wrongs: [...own, ...wrongs],
        repeats,
        staged,
      })
    },
  )
}
