/**
 * verdict - whether the promises hold on a spool whose program was struck.
 *
 * First as the blow left it, then after what an operator does: start the daemon again, flush
 * what waits, and wait for what rests. A message may be repeated under its own id, once for
 * each time that a program was killed; anything more is wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { takeCensus } from './census.ts'
import type { Census } from './census.ts'
import type { Ground } from './ground.ts'
import type { Ran } from './program.ts'
import type { End, Scenario } from './scenario.ts'
import type { Wrong } from './wrong.ts'

export interface Verdict {
  readonly wrongs: readonly Wrong[]
  readonly repeats: number
  readonly staged: number
  /** All was where it belongs before anything was done. */
  readonly atOnce: boolean
}

/** Where each message may be in the end, by its mark. */
type Ends = readonly (readonly [mark: string, allowed: readonly End[]])[]

/** Longer than a file that was made by hand has to rest (ms). */
export const REST = 2_200
const ROUNDS = 3

/**
 * Judges a spool after a blow; `sure` are the messages that were accepted for certain. What
 * ended by itself, and where it belongs, needs no operator.
 */
export async function judge(
  ground: Ground,
  scenario: Scenario,
  sure: ReadonlySet<string>,
  killed: boolean,
): Promise<Verdict> {
  const marks = Object.entries(scenario.ends)
  const ends: Ends = marks.map(([mark, allowed]) => [
    mark,
    sure.has(mark) ? allowed : [...allowed, 'gone'],
  ])
  const now = takeCensus(ground.spool)
  const before = scenario.twice ? [] : doublesIn(now)
  const unknown = [...sure].filter((mark) => scenario.ends[mark] === undefined)
  const atOnce = misplaced(ground, now, ends).length === 0 && now.strays.length === 0
  ground.receiver.answer = 200
  const after = killed || !atOnce ? await recover(ground, scenario, ends) : []
  const last = takeCensus(ground.spool)
  const check = await ground.msgq('check')
  return {
    wrongs: [
      ...before,
      ...unknown.map((id): Wrong => ({
        kind: 'lost',
        text: `${id} was said, and is nowhere`,
      })),
      ...after,
      ...doublesIn(last),
      ...misplaced(ground, last, ends),
      ...last.strays.map((text): Wrong => ({ kind: 'stray', text })),
      ...(check.code === 0 ? [] : [{ kind: 'check', text: check.out } as const]),
    ],
    repeats: marks.reduce((sum, [mark]) => sum + repeatsOf(ground, mark), 0),
    staged: last.staged.length,
    atOnce,
  }
}

/** What an operator does after a crash. */
async function recover(ground: Ground, scenario: Scenario, ends: Ends): Promise<Wrong[]> {
  const wrongs: Wrong[] = []
  const zero = (what: string, { code, out, err }: Ran): void => {
    if (code === 0) return
    wrongs.push({ kind: 'other', text: `${what} then: exit ${code}: ${err}${out}` })
  }
  if (scenario.again) {
    const { words } = scenario.command(ground)
    zero(words.join(' '), await ground.msgq(...words))
  }
  for (let round = 1; round <= ROUNDS; round++) {
    zero('msgqd', await ground.run({ program: 'msgqd', words: ['--once'] }))
    if (misplaced(ground, takeCensus(ground.spool), ends).length === 0) break
    if (scenario.rests) await sleep(REST)
    zero('msgq flush', await ground.msgq('flush'))
  }
  return wrongs
}

function doublesIn({ places }: Census): Wrong[] {
  return [...places]
    .filter(([, all]) => all.length > 1)
    .map(([, all]) => ({ kind: 'doubled', text: all.join(' and ') }))
}

/** What is not where it may be in the end. */
export function misplaced(ground: Ground, census: Census, ends: Ends): Wrong[] {
  return ends.flatMap(([mark, allowed]): Wrong[] => {
    const ids = ground.receiver.idsOf(mark)
    const [place] = census.places.get(mark) ?? []
    const end = (place?.split('/')[0] as End | undefined) ?? 'delivered'
    if (new Set(ids).size > 1)
      return [{ kind: 'doubled', text: `${mark} arrived as ${ids.join(' and ')}` }]
    if (place !== undefined && ids.length > 0)
      return [{ kind: 'doubled', text: `${mark} was delivered, and is ${place}` }]
    if (repeatsOf(ground, mark) > 1)
      return [{ kind: 'doubled', text: `${mark} arrived ${ids.length} times` }]
    if (place === undefined && ids.length === 0)
      return allowed.includes('gone') ? [] : [{ kind: 'lost', text: mark }]
    return allowed.includes(end) ? [] : [{ kind: 'other', text: `${mark} is ${place}` }]
  })
}

/** Arrivals of a message beyond its first. */
export function repeatsOf(ground: Ground, mark: string): number {
  return Math.max(0, ground.receiver.idsOf(mark).length - 1)
}

/** The messages that are accepted for certain: those before, or whose ids were printed. */
export function sureOf(ground: Ground, scenario: Scenario, { out }: Ran): Set<string> {
  const { words } = scenario.command(ground)
  if (words[0] !== 'send') return new Set(Object.keys(scenario.ends))
  const { places } = takeCensus(ground.spool)
  const ids = out.split('\n').filter((line) => line !== '')
  // An id that is nowhere counts under its own name, and is lost.
  return new Set(
    ids.map(
      (id) => [...places].find(([, all]) => all.some((it) => it.includes(id)))?.[0] ?? id,
    ),
  )
}
