/**
 * wrap-memory - what `msgq wrap` remembers of a command, a small file of its user for each.
 *
 * Below $XDG_STATE_HOME/msgq-wrap, and not in a spool, which may be another user's. It is
 * written after the report is durable: a crash in between repeats a report and loses none. Of
 * two runs at once the last one is remembered. Broken, it is as if there were none.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { isMissing } from '../base/errno.ts'
import { MsgqError } from '../base/errors.ts'
import { baseFolder } from '../config/find.ts'
import type { Environment } from '../config/find.ts'
import type { Memory } from './occasion.ts'

const VERSION = 1

/** The file for a name, or for a command and whom it is reported to. */
export function memoryFile(environment: Environment, key: readonly string[]): string {
  const state = baseFolder(environment, 'XDG_STATE_HOME', '.local/state')
  if (state === undefined)
    throw new MsgqError(
      'cannot-create',
      'there is no home directory to remember runs in',
      'set HOME or XDG_STATE_HOME',
    )
  const digest = createHash('sha256').update(JSON.stringify(key)).digest('hex')
  return join(state, 'msgq-wrap', `${digest.slice(0, 32)}.json`)
}

/** What is remembered; nothing where the file is not there or says nothing that can be read. */
export function recall(file: string): Memory {
  try {
    const { v, failures, since, digest } = JSON.parse(readFileSync(file, 'utf8'))
    if (v !== VERSION || !Number.isSafeInteger(failures) || failures < 0)
      return { failures: 0 }
    return {
      failures,
      ...(isTime(since) ? { since } : {}),
      ...(typeof digest === 'string' ? { digest } : {}),
    }
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError || error instanceof TypeError)
      return { failures: 0 }
    throw error
  }
}

function isTime(text: unknown): text is string {
  return typeof text === 'string' && !Number.isNaN(Date.parse(text))
}

/** Remembers; durable when it resolves. `name` is for whoever looks into the file. */
export async function remember(file: string, memory: Memory, name: string): Promise<void> {
  const text = `${JSON.stringify({ v: VERSION, name, ...memory })}\n`
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const { default: writeFileAtomic } = await import('write-file-atomic')
  await writeFileAtomic(file, text, { mode: 0o600 })
  // The library takes a short write for success.
  if (statSync(file).size !== Buffer.byteLength(text))
    throw new MsgqError('temporary', `${file}: was cut short`, 'is the disk full?')
}
