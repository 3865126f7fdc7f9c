/**
 * story - what the trail of a message tells, and whether it tells what it must.
 *
 * The lines are read as a person does: by their words, behind the first line.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { ADOPT_LANE } from '../../src/message/lane.ts'
import { parseName } from '../../src/queue/spool/name.ts'
import { takeCensus } from './census.ts'
import type { Census } from './census.ts'
import type { Ground } from './ground.ts'
import type { Scenario } from './scenario.ts'
import type { Wrong } from './wrong.ts'

/** The acts and outcomes in the trail of a file, in their order. */
function wordsOf(ground: Ground, place: string): string[] {
  const text = readFileSync(join(ground.spool, place), 'utf8')
  const lines = text.split('\n').slice(1)
  return lines.flatMap((line) => /^\{.*"(?:act|outcome)":"(\w+)"/.exec(line)?.[1] ?? [])
}

/** Where a run that nothing struck left no trail, or another one than it should. */
export function untold(ground: Ground, { story = {} }: Scenario): Wrong[] {
  const { places } = takeCensus(ground.spool)
  return Object.entries(story).flatMap(([mark, words]): Wrong[] => {
    const [place] = places.get(mark) ?? []
    const told = place === undefined ? ['nothing'] : wordsOf(ground, place)
    if (told.join() === words.join()) return []
    return [{ kind: 'other', text: `the trail of ${mark} says ${told.join()}` }]
  })
}

/** The messages that were in flight, whose recovery has to be told. */
export function inFlight({ places }: Census): string[] {
  return [...places.keys()].filter((mark) =>
    places.get(mark)!.some((place) => {
      const name = parseName(place.slice('active/'.length))
      return place.startsWith('active/') && name?.lane !== ADOPT_LANE
    }),
  )
}

/** Those of them that still wait, or lie somewhere, and do not say that they were. */
export function unsaid(ground: Ground, interrupted: readonly string[]): Wrong[] {
  const { places } = takeCensus(ground.spool)
  return interrupted.flatMap((mark): Wrong[] => {
    const [place] = places.get(mark) ?? []
    if (place === undefined || wordsOf(ground, place).includes('interrupted')) return []
    return [{ kind: 'other', text: `${place} does not say that it was interrupted` }]
  })
}
