/**
 * pull-in - gives messages that wait an earlier due: after the clock went back, theirs lie far
 * in the future. Which of them, and to when, the caller's rule says.
 *
 * Through incoming/, as everything that a daemon must notice, and so beside one that runs. One
 * that cannot be read or moved stays as it is. Nothing here makes a message wait longer.
 */
import { opendir } from 'node:fs/promises'
import { setImmediate as breath } from 'node:timers/promises'

import { syncFolder } from '../../base/durable.ts'
import type { Envelope } from '../../message/envelope.ts'
import type { TrailLine } from '../../message/trail.ts'
import { statOf } from './inspect-ground.ts'
import { Layout, survey } from './layout.ts'
import { Mover } from './moves.ts'
import { formatName, isStaged, parseName } from './name.ts'
import type { Name } from './name.ts'
import { readEnvelope, readMessage } from './read.ts'

export interface PullRule {
  /** Those of a lane that are due later than this (epoch ms) are looked at. */
  beyond(lane: string): number
  /** When one of them is due; its own due where that stands. `trail` is empty before a try. */
  dueOf(message: {
    readonly lane: string
    readonly due: number
    readonly tries: number
    readonly envelope: Envelope
    readonly trail: readonly TrailLine[]
  }): number
}

type Waits = 'incoming' | 'deferred'

/** After so many the others in this program get their turn. */
const SLICE = 64

/** Gives those that the rule means their new due, until it is stopped; how many these were. */
export async function pullIn(
  spool: string,
  rule: PullRule,
  signal: AbortSignal,
): Promise<number> {
  const layout = new Layout(spool)
  const mover = new Mover(layout, survey(layout.root, true).cautious)
  let pulled = 0
  let seen = 0
  for (const state of ['deferred', 'incoming'] as const)
    for await (const { name: file } of await opendir(layout.folder(state))) {
      if (signal.aborted) break
      if (pullOne(layout, mover, state, file, rule)) pulled++
      if (++seen % SLICE === 0) await breath()
    }
  for (const state of mover.touched) await syncFolder(layout.folder(state))
  return pulled
}

function pullOne(
  layout: Layout,
  mover: Mover,
  state: Waits,
  file: string,
  rule: PullRule,
): boolean {
  const name = isStaged(file) ? undefined : parseName(file)
  if (name === undefined || name.due <= rule.beyond(name.lane)) return false
  try {
    const due = rule.dueOf({ ...name, ...storyOf(layout.file(state, file), name) })
    if (due >= name.due) return false
    const target = formatName({ ...name, due })
    if (state === 'deferred')
      return mover.move(state, file, 'incoming', target) !== undefined
    // A new name in the same folder would be put over a twin's.
    const isFree = statOf(layout.file(state, target)) === undefined
    return isFree && mover.rename(state, file, target)
  } catch {
    // Whoever claims it, or `msgq check`, says what is wrong with it.
    return false
  }
}

function storyOf(
  path: string,
  { tries }: Name,
): { envelope: Envelope; trail: TrailLine[] } {
  if (tries === 0) return { envelope: readEnvelope(path), trail: [] }
  const { envelope, trail } = readMessage(path)
  return { envelope, trail: [...trail] }
}
