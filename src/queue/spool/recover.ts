/**
 * recover - what a daemon that died left behind in active/ goes back to incoming/.
 *
 * Runs under the lock, before anything is claimed. Each file gets a trail line `interrupted`,
 * by which a message that kills daemons is known. Idempotent: killed in the middle, it is run
 * again, and at worst a message has one such line too many.
 */
import { readdirSync } from 'node:fs'

import type { Clock } from '../../base/clock.ts'
import { appendLine, removeSync } from '../../base/durable.ts'
import { isMissing, plainError } from '../../base/errno.ts'
import { ADOPT_LANE } from '../../message/lane.ts'
import { formatTrailLine } from '../../message/trail.ts'
import type { Report } from '../queue.ts'
import type { ClaimTable } from './claims.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import type { Layout } from './layout.ts'
import type { Mover } from './moves.ts'
import { formatName, isStaged, parseName, unclaimed } from './name.ts'
import { compareTwins } from './twins.ts'

interface Deps {
  readonly layout: Layout
  readonly mover: Mover
  readonly clock: Clock
  readonly door: Doorkeeper
  readonly claims: ClaimTable
  readonly report: (report: Report) => void
}

/** Empties active/; how many messages had been in flight. */
export async function recoverActive(deps: Deps): Promise<number> {
  const { layout, mover, clock, door, claims, report } = deps
  let interrupted = 0
  for (const file of readdirSync(layout.folder('active'))) {
    const name = parseName(file)
    if (isStaged(file)) {
      // A copy of an adoption that never took its place: the original is still there.
      removeSync(layout.file('active', file))
    } else if (name === undefined) {
      mover.move('active', file, 'incoming', `${claims.nextToken()}-${file}`)
    } else if (name.lane === ADOPT_LANE) {
      await door.resume(name)
    } else {
      markInterrupted(layout.file('active', file), clock, report)
      if (putBack(deps, file, formatName(unclaimed(name)))) interrupted++
    }
  }
  if (interrupted > 0)
    report({
      level: 'warn',
      event: 'recovered',
      message: `${interrupted} in flight when the last daemon ended: tried again`,
    })
  return interrupted
}

/** Back to incoming/; a file that stands there under the same name is never overwritten unread. */
function putBack(deps: Deps, file: string, target: string): boolean {
  const { layout, mover } = deps
  const verdict = compareTwins(layout.file('active', file), layout.file('incoming', target))
  if (verdict === 'neither') mover.move('active', file, 'corrupt', target)
  else if (verdict === 'second') mover.remove('active', file)
  else return mover.move('active', file, 'incoming', target)
  return false
}

/** Appends without parsing: a file that kills who reads it must not kill us here. */
function markInterrupted(
  path: string,
  clock: Clock,
  report: (report: Report) => void,
): void {
  const at = new Date(clock.now()).toISOString()
  try {
    appendLine(path, formatTrailLine({ at, act: 'interrupted' }))
  } catch (error) {
    if (isMissing(error)) return
    report({ level: 'warn', event: 'trouble', message: `${path}: ${plainError(error)}` })
  }
}
