/**
 * daemon - the real msgqd on a spool, and what the kernel says of it.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { end, start } from './children.ts'

/** Longest wait for something that has to happen (ms). */
const PATIENCE = 300_000
/** Less CPU than this in half a second is rest (ms). */
const REST = 20

export interface Served {
  readonly pid: number
  /** When it was started, by the monotonic clock (ms). */
  readonly startedAt: number
  /** CPU seconds that it has used. */
  cpu(): number
  /** Resident memory in MiB. */
  memory(): number
  /** Resolves once it has nothing to do. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** Starts msgqd on a spool; resolves once it is ready. */
export async function serve(spool: string, config = ''): Promise<Served> {
  const file = join(spool, '..', `${spool.slice(spool.lastIndexOf('/') + 1)}.toml`)
  const ready = join(spool, 'run/limits.json')
  rmSync(ready, { force: true })
  writeFileSync(file, config)
  const startedAt = monotonic()
  const words = [resolve('bin/msgqd'), '--spool', spool, '--config', file]
  const child = start(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
  await until('msgqd is ready', () => {
    if (child.exitCode !== null) throw new Error(`msgqd ended with ${child.exitCode}`)
    return existsSync(ready)
  })
  const cpu = () => cpuOf(child.pid!)
  return {
    pid: child.pid!,
    startedAt,
    cpu,
    memory: () => memoryOf(child.pid!),
    settled: async () => {
      let before = cpu()
      let rests = 0
      // Twice in a row: on a busy machine it may only not have had its turn.
      await until('msgqd rests', async () => {
        await sleep(500)
        rests = (cpu() - before) * 1000 < REST ? rests + 1 : 0
        before = cpu()
        return rests === 2
      })
    },
    stop: () => end(child),
  }
}

/** CPU seconds that a program has used so far, with the children that it has waited for. */
export function cpuOf(pid: number): number {
  const fields = proc(pid, 'stat').split(') ')[1]!.split(' ')
  return [11, 12, 13, 14].reduce((sum, n) => sum + Number(fields[n]), 0) / 100
}

/** Resident memory of a program in MiB. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(proc(pid, 'status'))?.[1]) / 1024
}

function proc(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, 'utf8')
}

/** The clock that the receivers tell (ms). */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Waits for something that has to happen; throws when it does not. */
export async function until(
  what: string,
  happened: () => boolean | Promise<boolean>,
  every = 5,
): Promise<void> {
  const giveUp = monotonic() + PATIENCE
  while (!(await happened())) {
    if (monotonic() > giveUp) throw new Error(`in vain: ${what}`)
    await sleep(every)
  }
}
