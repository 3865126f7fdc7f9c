/**
 * again - runs a command line of root's once more, in a child that is the spool's owner.
 *
 * For where root cannot become somebody else by itself (become.ts). The child may read all that root
 * may, where setpriv(1) can give it that right; it writes as the owner alone, and says of itself
 * that root asked. It comes before anything was read or written. We end as the child ends.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, type Stats } from 'node:fs'
import { constants } from 'node:os'

import { errnoOf } from '../base/errno.ts'
import { findSpool } from '../config/find.ts'
import type { Flags, SpoolPlace } from '../config/find.ts'
import { FOR_ROOT } from '../library/sender.ts'
import { ownerToBe } from './become.ts'
import type { Io } from './command.ts'

/** Commands that lay down root's rights before they write. */
const WRITING = new Set([
  'send',
  'sendmail',
  'flush',
  'hold',
  'release',
  'requeue',
  'delete',
  'expire',
  'suspend',
  'resume',
])
/** CAP_DAC_READ_SEARCH of capabilities(7). */
const READ_SEARCH = 1n << 2n

/**
 * Does what `name` was called for in a child, and resolves with its exit code; undefined where this
 * program may do it itself, and for what is wrong with the configuration, which it says itself.
 */
export async function runAgain(
  name: string | undefined,
  argv: readonly string[],
  flags: Flags,
  io: Io,
): Promise<number | undefined> {
  if (!isWriting(name, argv)) return undefined
  const spool = await spoolOf(flags, io)
  const owner = spool === undefined ? undefined : ownerToBe(spool)
  if (owner === undefined) return undefined
  return endOf(await startAs(owner, process.argv.slice(1), { stdio: 'inherit' }))
}

/** Queues lines as `send --batch` takes them, as the owner of the spool; what went wrong, if something did. */
export async function sendAs(
  owner: Stats,
  { spool, configFile }: SpoolPlace,
  lines: string,
): Promise<string | undefined> {
  const config = configFile === undefined ? [] : [`--config=${configFile}`]
  const words = ['send', '--batch', '-q', `--spool=${spool}`, ...config]
  const child = await startAs(owner, [process.argv[1]!, ...words], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdin!.on('error', () => {})
  child.stdin!.end(lines)
  const code = await endOf(child)
  return code === 0 ? undefined : said.trim() || `exit ${code}`
}

function isWriting(name: string | undefined, argv: readonly string[]): boolean {
  if (name === 'check') return argv.some((word) => /^--(?:repair|clock-ok)$/.test(word))
  return name !== undefined && WRITING.has(name)
}

async function spoolOf(flags: Flags, io: Io): Promise<string | undefined> {
  try {
    return (await findSpool(io.environment, flags)).spool
  } catch {
    return undefined
  }
}

/** Starts this Node.js with these words as the owner of the spool. */
async function startAs(
  { uid, gid }: Stats,
  words: readonly string[],
  options: SpawnOptions,
): Promise<ChildProcess> {
  const env = { ...process.env, [FOR_ROOT]: '1' }
  const line = [...process.execArgv, ...words]
  if (mayReadAll()) {
    const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
    const right = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']
    const child = spawn('setpriv', [...ids, ...right, '--', process.execPath, ...line], {
      ...options,
      env,
    })
    if (await isStarted(child)) return child
  }
  const child = spawn(process.execPath, line, { ...options, env, uid, gid })
  await once(child, 'spawn')
  return child
}

async function isStarted(child: ChildProcess): Promise<boolean> {
  try {
    await once(child, 'spawn')
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

/** A container's root may have less than all. */
function mayReadAll(): boolean {
  const status = readFileSync('/proc/self/status', 'utf8')
  return ['CapPrm', 'CapBnd'].every((set) => {
    const [, bits] = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? []
    return bits !== undefined && (BigInt(`0x${bits}`) & READ_SEARCH) !== 0n
  })
}

/**
 * Waits for its end; its exit code, as a shell has it. A terminal tells us both of INT and HUP, and
 * a second one would end what it began: those are its to hear. TERM comes to us alone.
 */
async function endOf(child: ChildProcess): Promise<number> {
  const pass = () => void child.kill('SIGTERM')
  const stay = () => {}
  process.on('SIGTERM', pass).on('SIGINT', stay).on('SIGHUP', stay)
  const [code, signal] = (await once(child, 'close')) as [
    number | null,
    NodeJS.Signals | null,
  ]
  process.off('SIGTERM', pass).off('SIGINT', stay).off('SIGHUP', stay)
  return code ?? 128 + constants.signals[signal!]
}
