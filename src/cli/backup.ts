/**
 * backup - a copy of the spool that can be put in its place, made while msgqd serves it.
 *
 * Into a new folder, or a tar file that appears once it is whole. What was copied is proven by the same look as
 * `msgq check`. 65 where something could not be copied or the copy has defects: it stays, and what is
 * wrong with it is said. After any other error nothing is left of it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'

import { syncFileSync, syncFolderSync } from '../base/durable.ts'
import { errnoOf, isMissing, plainError } from '../base/errno.ts'
import { EXIT_CODES, MsgqError } from '../base/errors.ts'

import { printable } from '../base/text.ts'
import { findSpool } from '../config/find.ts'
import type { Flags } from '../config/find.ts'
import { STATES } from '../message/state.ts'
import { backUpSpool, checkReadable, inspectSpool } from '../queue/open.ts'
import type { Backup, Finding } from '../queue/open.ts'
import type { Define, Io } from './command.ts'
import { jsonLine } from './json.ts'
import { reading } from './reading.ts'
import { sizeText } from './size-text.ts'

interface Options {
  readonly json?: boolean
}

const HELP = `
  msgq backup /backup/msgq-monday
  msgq backup /backup/msgq-monday.tar

To restore: stop msgqd, put the folder in the place of the spool, start msgqd. What was
delivered since then goes out again, under the same ids.`

/** `msgq backup`. */
export const define: Define = (command, begin) => {
  command
    .argument('<target>', 'a folder that does not exist or is empty, or a new FILE.tar')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action((target: string, options: Options) =>
      begin((io, flags) => run(io, flags, resolve(target), options)),
    )
}

async function run(
  io: Io,
  flags: Flags,
  target: string,
  { json }: Options,
): Promise<number> {
  const { spool } = await findSpool(io.environment, flags)
  checkReadable(spool)
  const isTar = target.endsWith('.tar')
  const folder = isTar ? `${target}.partial` : target
  if (`${folder}${sep}`.startsWith(`${resolve(spool)}${sep}`))
    throw new MsgqError('usage', `${target}: lies inside the spool`)
  if (isTar) refuseFile(target)
  const made = makeFolder(folder)
  const findings: Finding[] = []
  let backup: Backup
  try {
    backup = await reading('spool', () =>
      backUpSpool(spool, folder, {
        beganAt: io.clock.now(),
        onFinding: (finding) => void findings.push(finding),
      }),
    )
    const looked = { clock: io.clock, anyFilesystem: true, minFree: 0 }
    for await (const finding of inspectSpool(folder, looked)) findings.push(finding)
    if (isTar) await pack(folder, target)
    syncFolderSync(dirname(target))
  } catch (error) {
    remove(folder, made)
    throw error
  }
  await report(io, { spool, target, backup, findings, json: json ?? false })
  return findings.some(({ level }) => level === 'error') ? EXIT_CODES.data : 0
}

/** Makes the folder, or takes one that is empty; true for one that we made. */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o750 })
    return true
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw cannotMake(folder, error)
  }
  let names
  try {
    names = readdirSync(folder)
  } catch (error) {
    throw cannotMake(folder, error)
  }
  if (names.length === 0) return false
  throw new MsgqError(
    'cannot-create',
    `${folder}: is not empty`,
    'name a folder that does not exist; no backup is ever overwritten',
  )
}

function refuseFile(file: string): void {
  try {
    statSync(file)
  } catch (error) {
    if (isMissing(error)) return
    throw cannotMake(file, error)
  }
  throw new MsgqError(
    'cannot-create',
    `${file}: exists`,
    'name another file; no backup is ever overwritten',
  )
}

function cannotMake(path: string, error: unknown): MsgqError {
  const isRight = errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM'
  const code = isRight ? 'no-permission' : 'cannot-create'
  return new MsgqError(code, `${path}: ${plainError(error)}`, undefined, error)
}

/** Removes what we made, and of a folder that was there what is in it. */
function remove(folder: string, made: boolean): void {
  for (const name of readdirSync(folder))
    rmSync(`${folder}/${name}`, { recursive: true, force: true })
  if (made) rmSync(folder, { recursive: true, force: true })
}

/** Makes the folder into a file by tar(1), which has its name once it is whole and on disk. */
async function pack(folder: string, target: string): Promise<void> {
  const written = `${target}.partial.tar`
  try {
    const tar = spawn('tar', ['-C', folder, '-cf', written, '.'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    tar.stderr.on(
      'data',
      (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-500)),
    )
    const [code] = (await once(tar, 'close')) as [number | null]
    if (code !== 0) throw new Error(said.trim() || 'it was killed')
    syncFileSync(written)
    renameSync(written, target)
  } catch (error) {
    rmSync(written, { force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new MsgqError('cannot-create', `tar: ${printable(why, 500)}`)
  }
  rmSync(folder, { recursive: true })
}

interface Outcome {
  readonly spool: string
  readonly target: string
  readonly backup: Backup
  readonly findings: readonly Finding[]
  readonly json: boolean
}

async function report(io: Io, outcome: Outcome): Promise<void> {
  const { spool, target, backup, findings, json } = outcome
  const { messages, bytes } = backup
  if (json) {
    await io.print(jsonLine({ spool, target, messages, bytes, findings }))
    return
  }
  for (const { level, message, hint } of findings)
    io.warn(
      `backup: ${level}: ${printable(message, 1_000)}`,
      hint && printable(hint, 1_000),
    )
  const all = STATES.reduce((sum, state) => sum + (messages[state] ?? 0), 0)
  const by = STATES.filter((state) => messages[state] !== undefined)
  const counts = by.map((state) => `${messages[state]} ${state}`).join(', ')
  const what = `${all} message${all === 1 ? '' : 's'}${all === 0 ? '' : ` (${counts})`}`
  const errors = findings.filter(({ level }) => level === 'error').length
  const verdict = errors === 0 ? 'proven' : `${errors} error${errors === 1 ? '' : 's'}`
  const name = printable(basename(target), 255)
  await io.print(`${name}: ${what}, ${sizeText(bytes)}, ${verdict}\n`)
}
