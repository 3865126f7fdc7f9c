/**
 * repair - mends what can be mended in a spool, and never removes a message.
 *
 * Takes the lock, so that nobody claims meanwhile, and puts back what a dead daemon had in its
 * hands. Beside a daemon that runs only that is done which is safe there, and the rest is said
 * to be left. A file is removed only when all of its bytes stand in another one with its id, or
 * when it was never published. What cannot be mended stays where it is, for `inspect` to name.
 */
import { opendir } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { syncFolder } from '../../base/durable.ts'
import { plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { STATES } from '../../message/state.ts'
import type { State } from '../../message/state.ts'
import type { Report } from '../queue.ts'
import { statOf } from './inspect-ground.ts'
import { Layout, survey } from './layout.ts'
import { currentHolder } from './lock.ts'
import { MOVES, Mover } from './moves.ts'
import type { Move } from './moves.ts'
import { mendFile } from './repair-file.ts'
import type { Repair, RepairDeps } from './repair-file.ts'
import { mendTwins } from './repair-twins.ts'
import { SpoolEngine } from './spool.ts'

export interface RepairOptions {
  readonly clock: Clock
  readonly anyFilesystem: boolean
}

/** Moves that the daemon never makes: what lies in these folders it does not touch. */
const MENDS: readonly Move[] = [
  { from: 'hold', to: 'corrupt', when: 'disproved, by msgq check --repair' },
  { from: 'bounce', to: 'corrupt', when: 'disproved, by msgq check --repair' },
]

/** What of the reports of an engine is not done, but could not be. */
const FAULTS: ReadonlySet<Report['event']> = new Set(['newer', 'trouble', 'unreadable'])

/** Mends a spool; calls back for all that it did, and what it left. */
export async function repairSpool(
  spool: string,
  { clock, anyFilesystem }: RepairOptions,
  onRepair: (repair: Repair) => void,
): Promise<void> {
  const layout = new Layout(spool)
  // Another folder than was meant: nothing is made in it.
  if (STATES.every((state) => statOf(layout.folder(state)) === undefined)) return
  const say = (kind: Repair['kind'], message: string) => onRepair({ kind, message })
  for (const state of STATES)
    if (statOf(layout.folder(state)) === undefined) say('mended', `${state}/: made`)
  layout.make()
  const report = ({ event, message, id }: Report) => {
    const kind = FAULTS.has(event) ? 'left' : 'mended'
    say(kind, id === undefined ? message : `${id}: ${message}`)
  }
  const engine = new SpoolEngine(spool, { clock, anyFilesystem, report })
  const { cautious } = survey(layout.root, anyFilesystem)
  const mover = new Mover(layout, cautious, [...MOVES, ...MENDS])
  const deps: RepairDeps = { layout, mover, clock, report, alone: false, say }
  try {
    // First what is safe beside a daemon: recovery would do some of it without a word.
    for (const state of STATES) await mendFolder(state, deps)
    if (await isOurs(engine, layout, clock)) {
      for (const state of STATES) await mendFolder(state, { ...deps, alone: true })
      await mendTwins(deps)
    } else
      say('left', 'msgqd serves this spool; for twins and broken messages stop it first')
    for (const state of mover.touched) await syncFolder(layout.folder(state))
  } finally {
    await engine.close()
  }
}

/** Takes the spool, with what was in flight; false where somebody serves it. */
async function isOurs(engine: SpoolEngine, layout: Layout, clock: Clock): Promise<boolean> {
  try {
    await engine.recover()
    return true
  } catch (error) {
    const isServed =
      error instanceof MsgqError &&
      error.code === 'temporary' &&
      currentHolder(layout, clock)
    if (!isServed) throw error
    return false
  }
}

async function mendFolder(state: State, deps: RepairDeps): Promise<void> {
  const { layout, say } = deps
  // All names first: what is moved must not be met again.
  const files: string[] = []
  for await (const { name } of await opendir(layout.folder(state))) files.push(name)
  for (const file of files)
    try {
      await mendFile(state, file, deps)
    } catch (error) {
      say('left', `${state}/${file}: ${plainError(error)}`)
    }
}
