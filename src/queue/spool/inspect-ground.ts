/**
 * inspect-ground - what a spool stands on: file system, room, folders, their owners and modes.
 */
import { closeSync, constants, lstatSync, openSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'

import { isMissing, plainError } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { briefSize } from '../../base/size.ts'
import { STATES } from '../../message/state.ts'
import { errorAt, warningAt } from './finding.ts'
import type { Finding } from './finding.ts'
import { survey } from './layout.ts'
import type { Layout } from './layout.ts'
import { inspectPrivate, inspectShared } from './inspect-shared.ts'
import { MIN_INODES } from './outbox.ts'

export interface GroundReport {
  readonly findings: readonly Finding[]
  /** The uid that the spool belongs to; undefined where there is no spool to look at. */
  readonly owner: number | undefined
}

export interface GroundOptions {
  readonly anyFilesystem: boolean
  /** Free bytes that must stay on the disk. */
  readonly minFree: number
  /** Whether any user may send. */
  readonly shared?: boolean
}

const MADE = 'msgqd makes it when it starts'

/** Looks at everything but the messages. */
export function inspectGround(layout: Layout, options: GroundOptions): GroundReport {
  const { root } = layout
  let stat: Stats
  try {
    stat = statSync(root)
  } catch (error) {
    if (!isMissing(error)) return none(errorAt(root, plainError(error)))
    return none(warningAt(root, 'is not there yet', `${MADE}; is its name right?`))
  }
  if (!stat.isDirectory()) return none(errorAt(root, 'is not a directory'))
  const access = inspectAccess(root)
  if (access !== undefined) return none(access)
  if (STATES.every((state) => statOf(layout.folder(state)) === undefined))
    return none(warningAt(root, 'is no spool yet (no incoming/)', MADE))
  return {
    findings: [
      ...inspectRoom(root, options),
      ...inspectMode(root, stat),
      ...[...STATES, 'run'].flatMap((name) => inspectFolder(name, root, stat)),
      ...(options.shared ? inspectShared(layout, stat) : inspectPrivate(layout)),
    ],
    owner: stat.uid,
  }
}

function none(finding: Finding): GroundReport {
  return { findings: [finding], owner: undefined }
}

/** What the file system is good for, and how much of it is left. */
function inspectRoom(
  root: string,
  { anyFilesystem, minFree }: GroundOptions,
): readonly Finding[] {
  const findings: Finding[] = []
  try {
    survey(root, anyFilesystem)
  } catch (error) {
    if (!(error instanceof MsgqError)) throw error
    findings.push(errorAt('spool', error.message.replace(/^spool: /, ''), error.hint))
  }
  const { freeBytes, freeInodes } = survey(root, true)
  const hint = 'msgq send refuses messages until there is room (75)'
  if (freeBytes < minFree) {
    const least = `less than min_free (${briefSize(minFree)})`
    findings.push(errorAt(root, `${briefSize(freeBytes)} free, ${least}`, hint))
  }
  if (minFree > 0 && freeInodes < MIN_INODES)
    findings.push(errorAt(root, `${freeInodes} inodes free, less than ${MIN_INODES}`, hint))
  return findings
}

function inspectFolder(name: string, spool: string, root: Stats): readonly Finding[] {
  const path = `${spool}/${name}`
  const stat = statOf(path)
  if (stat === undefined)
    return [errorAt(path, 'is missing', `${MADE}, msgq check --repair now`)]
  if (!stat.isDirectory()) return [errorAt(path, 'is not a directory')]
  const findings = [...inspectMode(path, stat)]
  if (stat.dev !== root.dev)
    findings.push(
      errorAt(
        path,
        'lies on another file system than the spool',
        'a message changes its state by a rename, which cannot leave its file system',
      ),
    )
  if (stat.uid !== root.uid)
    findings.push(
      errorAt(
        path,
        `belongs to uid ${stat.uid}, the spool to uid ${root.uid}`,
        `chown --reference=${spool} ${path}`,
      ),
    )
  const access = inspectAccess(path)
  return access === undefined ? findings : [...findings, access]
}

function inspectMode(path: string, { mode }: Stats): readonly Finding[] {
  const octal = (mode & 0o7777).toString(8)
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0)
    return [
      errorAt(path, `everybody may remove messages (mode ${octal})`, `chmod o-w ${path}`),
    ]
  if ((mode & 0o004) === 0) return []
  return [warningAt(path, `everybody may list it (mode ${octal})`, `chmod o-rwx ${path}`)]
}

function inspectAccess(path: string): Finding | undefined {
  try {
    // Not by access(2), which asks for who we really are.
    closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY))
    statSync(`${path}/.`)
    return undefined
  } catch (error) {
    return errorAt(path, plainError(error), 'check as the user of the spool, or as root')
  }
}

/** What stands under a name; undefined when nothing does. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
