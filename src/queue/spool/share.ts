/**
 * share - the modes with which any user of the machine may send into a spool, and none may look.
 *
 * incoming/ is a drop box: anybody may put a file there, nobody but our group may list it, only the
 * file's author and we may move it (sticky), and the file gets our group, so that we may read it
 * (set-gid). What cannot be set is said with the line that mends it; it harms nobody but those
 * who cannot send.
 */
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { plainError } from '../../base/errno.ts'
import { STATES } from '../../message/state.ts'

/** The mode of a drop box; and of one that not even the spool's group may list, who looks after it. */
export const DROP_BOX = 0o3773
const BLIND_DROP_BOX = 0o3733
/** Passed through by everybody, listed by the group. */
const PASSAGE = 0o751
const CLOSED = 0o750

/** Whether others may put files into a folder. */
export function isOpen(mode: number): boolean {
  return (mode & 0o022) !== 0
}

/** A folder of a shared spool whose mode is wrong, and what it has to be. */
export interface WrongMode {
  readonly path: string
  readonly mode: number
  readonly wanted: number
}

/** All folders of a shared spool whose modes are wrong; one that is missing is not. */
export function wrongModes(root: string): readonly WrongMode[] {
  const wrong: WrongMode[] = []
  for (const [name, wanted] of folders()) {
    const path = join(root, name)
    const mode = modeOf(path)
    if (mode !== undefined && !fits(mode, wanted)) wrong.push({ path, mode, wanted })
  }
  return wrong
}

/** The line that gives a folder its mode. */
export function chmodLine({ path, wanted }: WrongMode): string {
  return `chmod ${octal(wanted)} ${path}`
}

/** A mode as people write it. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** Gives a shared spool its modes; each that could not be set, with what mends it. */
export function shareSpool(root: string): readonly string[] {
  const problems: string[] = []
  for (const wrong of wrongModes(root)) {
    const { path, wanted } = wrong
    let why = ''
    try {
      chmodSync(path, wanted)
      // The kernel takes set-gid away in silence where the folder's group is not ours.
      if (!fits(modeOf(path) ?? wanted, wanted)) why = 'its group is not one of ours'
    } catch (error) {
      why = plainError(error)
    }
    if (why !== '')
      problems.push(
        `cannot share ${path}: ${why}; as root: chgrp --reference=${root} ${path} && ${chmodLine(wrong)}`,
      )
  }
  return problems
}

function* folders(): Generator<readonly [string, number]> {
  // incoming/ last: nobody comes in before all else is closed.
  for (const state of [...STATES, 'keys', 'log', 'suspended'])
    if (state !== 'incoming') yield [state, CLOSED] as const
  yield ['run', PASSAGE] as const
  yield ['incoming', DROP_BOX] as const
  yield ['', PASSAGE] as const
}

/** A drop box is exactly one; elsewhere an operator may have given more to the group, or less. */
function fits(mode: number, wanted: number): boolean {
  if (wanted === DROP_BOX) return mode === wanted || mode === BLIND_DROP_BOX
  const tooMuch = (mode & 0o027 & ~wanted) !== 0
  return !tooMuch && (wanted !== PASSAGE || (mode & 0o001) !== 0)
}

function modeOf(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : stat.mode & 0o7777
}
