/**
 * recover - what a daemon that died left behind in active/ goes back to incoming/.
 *
 * Runs under the lock, before anything is claimed. Each file gets a trail line `interrupted`,
 * by which a message that kills daemons is known. Idempotent: killed in the middle, it is run
 * again, and at worst a message has one such line too many. A file that cannot be moved stays,
 * is named, and stops no other. An event that was fanned out goes on from there (fan.ts).
 */
import { readdirSync } from 'node:fs'

import { removeSync } from '../../base/durable.ts'
import { isId } from '../../message/id.ts'
import { ADOPT_LANE } from '../../message/lane.ts'
import { expandedLine, plainLine } from '../journal.ts'
import { putAside } from './aside.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { isCommitted, publish, removeStaged } from './fan.ts'
import type { JudgeDeps } from './judge.ts'
import { formatName, isStaged, parseName, unclaimed } from './name.ts'
import type { Name } from './name.ts'
import { isUnsealed } from './read.ts'
import { tell } from './tell.ts'
import { Trouble } from './trouble.ts'
import { compareTwins } from './twins.ts'

interface Deps extends JudgeDeps {
  readonly door: Doorkeeper
}

/** Empties active/; how many messages had been in flight. */
export async function recoverActive(deps: Deps): Promise<number> {
  const { layout, door, report } = deps
  const trouble = new Trouble(report)
  const adoptions: Name[] = []
  const committed: string[] = []
  let interrupted = 0
  for (const file of readdirSync(layout.folder('active')))
    trouble.guard(`active/${file}`, () => {
      const name = parseName(file)
      if (isStaged(file)) removeCopy(deps, file)
      else if (name === undefined) door.stray('active', file)
      else if (isCommitted(name)) committed.push(file)
      else if (name.lane === ADOPT_LANE) adoptions.push(name)
      else if (putBack(deps, file, name)) interrupted++
    })
  for (const name of adoptions) await door.resume(name)
  for (const file of committed)
    await trouble.attempt(`active/${file}`, () => goOn(deps, file))
  // After the moves: an owner that lives yet may have committed in between.
  trouble.guard('active/', () => removeStaged(deps))
  if (interrupted > 0)
    report({
      level: 'warn',
      event: 'recovered',
      message: `${interrupted} in flight when the last daemon ended: tried again`,
    })
  return interrupted
}

/** An event that was fanned out: its children go to incoming/, and it goes. */
async function goOn(deps: Deps, file: string): Promise<void> {
  const name = parseName(file)!
  const ids = await publish(deps, file)
  if (ids.length > 0) deps.note(expandedLine(name, ids, deps.clock.now()))
}

/** A copy of an adoption that never took its place: the original is still there. */
function removeCopy({ layout }: Deps, file: string): void {
  if (isId(file.slice(1, 27))) removeSync(layout.file('active', file))
}

/** Back to incoming/; true unless a file that stands there already says more. */
function putBack(deps: Deps, file: string, name: Name): boolean {
  const { layout, mover, clock, note } = deps
  const path = layout.file('active', file)
  const target = formatName(unclaimed(name))
  const verdict = compareTwins(path, layout.file('incoming', target))
  if (verdict === 'neither')
    putAside(deps, 'active', file, `another message has its id: incoming/${target}`)
  else if (verdict === 'second') mover.remove('active', file)
  if (verdict !== 'first') return false
  mover.remove('incoming', target)
  const at = new Date(clock.now()).toISOString()
  // One made by hand has no trail yet: behind its last byte a line would be body.
  if (!isUnsealed(path)) tell(deps, 'active', file, { at, act: 'interrupted' })
  note(plainLine('interrupted', name, clock.now()))
  return mover.move('active', file, 'incoming', target) !== undefined
}
