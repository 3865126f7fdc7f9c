/**
 * ground - what the measurements stand on: scratch spools on the checkout's disk, a receiver,
 * and the real msgqd.
 */
import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { systemClock } from '../../src/base/clock.ts'
import { openOutbox } from '../../src/queue/open.ts'
import type { Outbox } from '../../src/queue/queue.ts'

export const BODY = Buffer.alloc(1024, 'x')
const SCRATCH = resolve('.bench')

/** A new empty folder; on the checkout's own disk, since /tmp may be memory. */
export function scratch(): string {
  mkdirSync(SCRATCH, { recursive: true })
  return mkdtempSync(join(SCRATCH, 'spool-'))
}

/** Removes all that was written. */
export function cleanUp(): void {
  rmSync(SCRATCH, { recursive: true, force: true })
}

/** The door of a scratch spool. */
export function outboxOf(spool: string): Promise<Outbox> {
  return openOutbox(spool, { clock: systemClock, create: true, anyFilesystem: true })
}

/** Calls `once` for each number, so many at a time. */
export async function inFlight(
  count: number,
  width: number,
  call: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

/** Messages a second of what `run` did. */
export async function rate(count: number, run: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await run()
  return (count / (performance.now() - began)) * 1000
}

export interface Receiver {
  readonly url: string
  reset(): Promise<void>
  seen(): Promise<{ count: number; ms: number }>
  stop(): void
}

/** Starts the receiver in a process of its own. */
export async function startReceiver(): Promise<Receiver> {
  const child = fork(resolve('test/bench/receiver.ts'), { execArgv: ['--import', 'tsx'] })
  const ask = async (word: string) => {
    child.send(word)
    const [answer] = (await once(child, 'message')) as [{ count: number; ms: number }]
    return answer
  }
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}/`,
    reset: async () => void (await ask('reset')),
    seen: () => ask('seen'),
    stop: () => void child.kill('SIGKILL'),
  }
}

export interface Served {
  /** CPU seconds that the daemon has used. */
  cpu(): number
  /** Resident memory in MiB. */
  memory(): number
  stop(): Promise<void>
}

/** Starts msgqd on a spool; resolves once it is ready. */
export async function serve(spool: string, config: string): Promise<Served> {
  const file = join(spool, '..', 'bench.toml')
  writeFileSync(file, config)
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const child: ChildProcess = spawn(
    process.execPath,
    [resolve('bin/msgqd'), '--spool', spool, '--config', file],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...env, MSGQ_ANY_FILESYSTEM: '1' } },
  )
  const socket = join(spool, 'run/limits.json')
  for (let tries = 0; !exists(socket) && tries < 3000; tries++) await sleep(10)
  const proc = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')
  return {
    cpu: () => {
      const fields = proc('stat').split(') ')[1]!.split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(proc('status'))?.[1]) / 1024,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

function exists(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}
