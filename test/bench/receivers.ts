/**
 * receivers - starts a receiver in a process of its own, and asks it what it saw.
 *
 * The fast one is a C program where there is a compiler: on two cores one in Node takes half of
 * what is to be measured.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { resolve } from 'node:path'

import { end, start } from './children.ts'
import { until } from './daemon.ts'
import { native } from './native.ts'

/** Times are those of the monotonic clock (ms). */
export interface Seen {
  readonly count: number
  readonly first: number
  readonly last: number
}

export interface Receiver {
  readonly url: string
  readonly port: number
  reset(): Promise<void>
  seen(): Promise<Seen>
  /** Resolves once so many came; calls `onFirst` once one did. */
  got(count: number, onFirst?: () => void): Promise<Seen>
  stop(): Promise<void>
}

/** Starts one that answers at once, after so many ms, or never. */
export async function startReceiver(answers: number | 'never' = 0): Promise<Receiver> {
  const child = startProgram(answers)
  const lines = createInterface({ input: child.stdout! })
  const read = async () => JSON.parse((await once(lines, 'line'))[0] as string) as unknown
  const { port } = (await read()) as { port: number }
  // One question at a time: an answer names none.
  let before: Promise<unknown> = Promise.resolve()
  const ask = (word: string) => {
    const answer = before.then(() => {
      child.stdin!.write(`${word}\n`)
      return read() as Promise<Seen>
    })
    before = answer
    return answer
  }
  const seen = () => ask('seen')
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    reset: async () => void (await ask('reset')),
    seen,
    got: async (count, onFirst) => {
      let known = await seen()
      let begun = false
      await until(`${count} arrive`, async () => {
        known = await seen()
        if (known.count > 0 && !begun) onFirst?.()
        begun ||= known.count > 0
        return known.count >= count
      })
      return known
    },
    stop: () => end(child, 'SIGKILL'),
  }
}

function startProgram(answers: number | 'never'): ChildProcess {
  const options = { stdio: ['pipe', 'pipe', 'inherit'] as ('pipe' | 'inherit')[] }
  const program = answers === 0 ? native('receiver') : undefined
  if (program !== undefined) return start(program, [], options)
  const words = ['--import', 'tsx', resolve('test/bench/receiver.ts'), String(answers)]
  return start(process.execPath, words, options)
}
