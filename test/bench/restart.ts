/**
 * restart - msgqd starts on a spool with very many deferred: how long until the one that is due
 * goes out, against a bare reading of that folder.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import { environment } from './children.ts'
import { serve } from './daemon.ts'
import { figure, median } from './figure.ts'
import type { Figure } from './figure.ts'
import { enqueueAll, outboxOf, scratch } from './ground.ts'
import { deferred } from './million.ts'
import { startReceiver } from './receivers.ts'

/** Prints how many ms it takes to read all names of a folder; nothing else is timed. */
const SCAN = `
const { opendir } = require('node:fs/promises')
const began = performance.now()
opendir(process.argv[1], { bufferSize: 1024 }).then(async (folder) => {
  let count = 0
  for await (const _ of folder) count++
  console.log(performance.now() - began)
})`

/** From the start of msgqd to the arrival of the one due message, median. */
export async function restart(count: number, rounds: number): Promise<Figure[]> {
  const spool = await deferred(count)
  const empty = scratch()
  await outboxOf(empty)
  const times: { full: number[]; empty: number[]; scan: number[] } = {
    full: [],
    empty: [],
    scan: [],
  }
  scan(spool)
  for (let round = 0; round < rounds; round++) {
    times.scan.push(scan(spool))
    times.full.push(await firstOut(spool))
    times.empty.push(await firstOut(empty))
  }
  return [
    figure({
      name: `restart with ${count} deferred: the first due message is out`,
      unit: 'ms',
      value: median(times.full),
      baseline: median(times.scan),
      against: 'a bare opendir scan of deferred/',
      target: { of: 'ratio', most: 2 },
      more: { 'with an empty spool': median(times.empty) },
    }),
  ]
}

async function firstOut(spool: string): Promise<number> {
  const receiver = await startReceiver()
  await enqueueAll(spool, receiver.url, 1)
  const [name] = readdirSync(join(spool, 'incoming'))
  renameSync(join(spool, 'incoming', name!), join(spool, 'deferred', name!))
  const daemon = await serve(spool)
  const { first } = await receiver.got(1)
  await daemon.stop()
  await receiver.stop()
  return first - daemon.startedAt
}

function scan(spool: string): number {
  const words = ['-e', SCAN, join(spool, 'deferred')]
  return Number(execFileSync(process.execPath, words, { env: environment() }))
}
