/**
 * verdict - whether the promises hold on a spool whose program was struck.
 *
 * First as the blow left it, then after what an operator does: start the daemon again, flush
 * what waits, and wait for what rests. A message may be repeated under its own id once when a
 * program was killed; anything more is wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { takeCensus } from './census.ts'
import type { Census } from './census.ts'
import type { Ground } from './ground.ts'
import type { Ran } from './program.ts'
import type { End, Scenario } from './scenario.ts'
import { inFlight, unsaid } from './story.ts'
import type { Wrong } from './wrong.ts'

export interface Verdict {
  readonly wrongs: readonly Wrong[]
  readonly repeats: number
  readonly staged: number
  /** All messages were where they belong before anything was done. */
  readonly atOnce: boolean
}

/** Where each message may be in the end, by its mark. */
type Ends = readonly (readonly [mark: string, allowed: readonly End[]])[]

/** Longer than a file that was made by hand has to rest (ms). */
export const REST = 2_200
const ROUNDS = 3

/** How a program ended: killed, with an error, or by itself, as it does. */
export type Fate = 'killed' | 'failed' | 'ended'

/**
 * Judges a spool after a blow; `sure` are the messages that were accepted for certain. What
 * ended by itself, and where it belongs, needs no operator.
 */
export async function judge(
  ground: Ground,
  scenario: Scenario,
  sure: ReadonlySet<string>,
  fate: Fate,
): Promise<Verdict> {
  const killed = fate === 'killed'
  const spared = killed ? [] : (scenario.spared ?? [])
  const marks = Object.entries(scenario.ends)
  const ends: Ends = marks.map(([mark, allowed]) => [
    mark,
    [...allowed, ...spared, ...(sure.has(mark) ? [] : (['gone'] as const))],
  ])
  const now = takeCensus(ground.spool)
  const before = scenario.twice ? [] : doublesIn(now)
  const unknown = [...sure].filter((mark) => scenario.ends[mark] === undefined)
  const atOnce = misplaced(ground, now, ends).length === 0
  if (!killed) ground.receiver.answer = 200
  const isOver = fate === 'ended' && atOnce && now.strays.length === 0
  const interrupted = killed ? inFlight(now) : []
  const after = isOver ? [] : await recover(ground, scenario, ends, interrupted)
  after.push(...(await doAfter(ground, scenario)))
  // Sent again is what may have arrived: when a daemon was killed, or of a pair of twins.
  const most = killed || scenario.twice ? 1 : 0
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
      ...arrivedWrongly(ground, scenario, most),
      ...last.strays.map((text): Wrong => ({ kind: 'stray', text })),
      ...(check.code === 0 ? [] : [{ kind: 'check', text: check.out } as const]),
    ],
    repeats: marks.reduce((sum, [mark]) => sum + repeatsOf(ground, mark), 0),
    staged: last.staged.length,
    atOnce,
  }
}

/** What an operator does after a crash. */
async function recover(
  ground: Ground,
  scenario: Scenario,
  ends: Ends,
  interrupted: readonly string[],
): Promise<Wrong[]> {
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
    if (round === 1) wrongs.push(...unsaid(ground, interrupted))
    ground.receiver.answer = 200
    if (misplaced(ground, takeCensus(ground.spool), ends).length === 0) break
    if (scenario.rests) await sleep(REST)
    zero('msgq flush', await ground.msgq('flush'))
  }
  return wrongs
}

async function doAfter(ground: Ground, { after }: Scenario): Promise<Wrong[]> {
  if (after === undefined) return []
  await after(ground)
  const { code, err } = await ground.run({ program: 'msgqd', words: ['--once'] })
  return code === 0 ? [] : [{ kind: 'other', text: `msgqd at last: exit ${code}: ${err}` }]
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
    const [place, ...others] = census.places.get(mark) ?? []
    const end = (place?.split('/')[0] as End | undefined) ?? 'delivered'
    if (new Set(ids).size > 1)
      return [{ kind: 'doubled', text: `${mark} arrived as ${ids.join(' and ')}` }]
    if (place !== undefined && ids.length > 0)
      return [{ kind: 'doubled', text: `${mark} was delivered, and is ${place}` }]
    if (place === undefined && ids.length === 0)
      return allowed.includes('gone') ? [] : [{ kind: 'lost', text: mark }]
    if (allowed.includes(end) && others.length === 0) return []
    return [{ kind: 'other', text: `${mark} is ${place ?? end}` }]
  })
}

/** What arrived too often, or not as it was sent. */
function arrivedWrongly(ground: Ground, scenario: Scenario, most: number): Wrong[] {
  const { receiver } = ground
  return [
    ...receiver.garbled.map((mark): Wrong => ({
      kind: 'lost',
      text: `${mark} came garbled`,
    })),
    ...Object.keys(scenario.ends)
      .filter((mark) => repeatsOf(ground, mark) > most)
      .map((mark): Wrong => {
        const text = `${mark} arrived ${receiver.idsOf(mark).length} times`
        return { kind: 'doubled', text }
      }),
  ]
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
