/**
 * repair-twins - one id, several files: one keeps its place, and no byte is lost.
 *
 * Files only grow: what is the beginning of another one is removed, and the longer stays. Of any
 * other pair both are kept, one in corrupt/ with its reason: one that disproves itself, else the
 * one that is less far on its way. What lies in corrupt/ is nobody's twin.
 */
import { opendir } from 'node:fs/promises'

import type { State } from '../../message/state.ts'
import { putAside } from './aside.ts'
import { parseName } from './name.ts'
import { defectOf } from './repair-file.ts'
import type { RepairDeps } from './repair-file.ts'
import { Sieve } from './repeats.ts'
import { compareTwins } from './twins.ts'

interface Place {
  readonly state: State
  readonly file: string
}

/** The first keeps its place. */
const ORDER = ['active', 'bounce', 'hold', 'deferred', 'incoming'] as const

/** Settles every id that stands under more than one name. */
export async function mendTwins(deps: RepairDeps): Promise<void> {
  const ids = new Sieve()
  await eachName(deps, (id) => ids.add(id))
  if (!ids.anySuspect) return
  const places = new Map<string, Place[]>()
  await eachName(deps, (id, place) => {
    if (ids.mayRepeat(id)) places.set(id, [...(places.get(id) ?? []), place])
  })
  for (const all of places.values()) {
    let [kept] = all
    for (const other of all.slice(1)) kept = await settle(deps, kept!, other)
  }
}

async function eachName(
  { layout }: RepairDeps,
  tell: (id: string, place: Place) => void,
): Promise<void> {
  for (const state of ORDER)
    for await (const { name: file } of await opendir(layout.folder(state))) {
      const id = parseName(file)?.id
      if (id !== undefined) tell(id, { state, file })
    }
}

/** Which of the two keeps its place. */
async function settle(deps: RepairDeps, first: Place, second: Place): Promise<Place> {
  const { layout, mover, say } = deps
  const path = ({ state, file }: Place) => layout.file(state, file)
  const text = ({ state, file }: Place) => `${state}/${file}`
  const verdict = compareTwins(path(first), path(second))
  if (verdict === 'neither') {
    const broken = await defectOf(path(first), parseName(first.file)!)
    const sound = await defectOf(path(second), parseName(second.file)!)
    const turned = broken !== undefined && sound === undefined
    const [kept, other] = turned ? [second, first] : [first, second]
    putAside(deps, other.state, other.file, `another message has its id: ${text(kept)}`)
    return kept
  }
  const [kept, other] = verdict === 'first' ? [first, second] : [second, first]
  if (mover.remove(other.state, other.file))
    say('mended', `${text(other)}: removed, all of it stands in ${text(kept)}`)
  return kept
}
