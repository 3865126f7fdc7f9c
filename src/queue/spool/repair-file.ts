/**
 * repair-file - what is wrong with one file of a spool, and how that is mended.
 *
 * Names that nobody finds, claims that are over, what a dead writer left, bytes that disprove
 * themselves. Nothing here removes what was ever published.
 */
import { randomFillSync } from 'node:crypto'

import type { Clock } from '../../base/clock.ts'
import { removeSync } from '../../base/durable.ts'
import { idMaker } from '../../message/id.ts'
import { ADOPT_LANE } from '../../message/lane.ts'
import type { State } from '../../message/state.ts'
import type { Report } from '../queue.ts'
import { putAside } from './aside.ts'
import { statOf } from './inspect-ground.ts'
import { disagreement } from './judge.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, isStaged, isWriters, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { Defect, bodyOf, readMessage } from './read.ts'

/** What was done, or was left, and why. */
export interface Repair {
  readonly kind: 'mended' | 'left'
  readonly message: string
}

export interface RepairDeps {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
  readonly report: (report: Report) => void
  /** Nobody else may claim. */
  readonly alone: boolean
  readonly say: (kind: Repair['kind'], message: string) => void
}

/** Staged files older than this are a dead writer's (ms). */
const DAY = 86_400_000
/** What changed so lately may still be being written (ms). */
const RESTLESS = 2_000

/** Mends one file, where it can be mended. */
export async function mendFile(
  state: State,
  file: string,
  deps: RepairDeps,
): Promise<void> {
  if (isStaged(file)) return mendStaged(state, file, deps)
  const name = parseName(file)
  if (name === undefined) return mendStrange(state, file, deps)
  if (state === 'active') return
  if (name.claim !== undefined) return mendClaimed(state, file, name, deps)
  const judged = state === 'corrupt' || !deps.alone
  if (!judged) await mendBroken(state, file, name, deps)
}

/** A dead writer's: nobody was told that it is queued. */
function mendStaged(state: State, file: string, { layout, clock, say }: RepairDeps): void {
  const path = layout.file(state, file)
  const stat = statOf(path)
  if (
    state !== 'incoming' ||
    !isWriters(file) ||
    !stat?.isFile() ||
    clock.now() - stat.ctimeMs < DAY
  )
    return
  if (removeSync(path))
    say('mended', `${state}/${file}: removed, a dead writer's for a day`)
}

/** To incoming/, where hand-made files are looked at; in corrupt/ it gets a name. */
function mendStrange(state: State, file: string, deps: RepairDeps): void {
  const { mover, clock, say } = deps
  if (state === 'incoming' || state === 'active') return
  if (state !== 'corrupt') {
    if (mover.move(state, file, 'incoming') !== undefined)
      say('mended', `${state}/${file}: moved to incoming/, to be taken in`)
    return
  }
  const id = idMaker(clock.now, (bytes) => randomFillSync(bytes))()
  const target = formatName({ due: clock.now(), tries: 0, id, lane: ADOPT_LANE })
  if (mover.rename(state, file, target)) say('mended', `corrupt/${file}: is now ${id}`)
}

/** The name of a claim means something in active/ alone. */
function mendClaimed(state: State, file: string, name: Name, deps: RepairDeps): void {
  const { layout, mover, say } = deps
  const target = formatName(unclaimed(name))
  if (statOf(layout.file(state, target)) !== undefined) {
    say('left', `${state}/${file}: ${target} is there as well`)
    return
  }
  if (mover.rename(state, file, target)) say('mended', `${state}/${file}: is now ${target}`)
}

/** Bytes that disprove themselves go where nobody delivers them. */
async function mendBroken(
  state: State,
  file: string,
  name: Name,
  deps: RepairDeps,
): Promise<void> {
  const why = await defectOf(deps.layout.file(state, file), name)
  if (why === undefined) return
  const stat = statOf(deps.layout.file(state, file))
  if (stat === undefined) return
  if (Math.abs(deps.clock.now() - stat.ctimeMs) < RESTLESS)
    deps.say('left', `${state}/${file}: ${why}; it changed a moment ago`)
  else putAside(deps, state, file, why)
}

/** Why a file is not the message that its name says; undefined where it is, or nobody can tell. */
export async function defectOf(path: string, name: Name): Promise<string | undefined> {
  try {
    const message = readMessage(path)
    await bodyOf(path, message)
    return disagreement(name, message)
  } catch (error) {
    return error instanceof Defect ? error.message : undefined
  }
}
