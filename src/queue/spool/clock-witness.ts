/**
 * clock-witness - `run/clock.json`: the newest time at which the clock was believed.
 *
 * The daemon that holds the lock writes it once a minute, so that the next one notices a clock
 * that is a year ahead or a month behind. A courtesy: one that is missing or broken witnesses
 * nothing, and the clock is believed.
 */
import { readFileSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'

import { MsgqError } from '../../base/errors.ts'
import type { Layout } from './layout.ts'

const VERSION = 1

/** Times in epoch ms; the file has them as ISO 8601. */
export interface Witness {
  readonly at: number
  readonly doubtedAt?: number
}

/** What the last daemon knew; undefined where that cannot be read. */
export function readWitness(layout: Layout): Witness | undefined {
  try {
    return parse(JSON.parse(readFileSync(layout.run('clock.json'), 'utf8')))
  } catch {
    return undefined
  }
}

function parse({ v, at, doubtedAt }: Record<string, unknown>): Witness | undefined {
  const time = Date.parse(String(at))
  if (v !== VERSION || Number.isNaN(time)) return undefined
  const doubted = Date.parse(String(doubtedAt))
  return Number.isNaN(doubted) ? { at: time } : { at: time, doubtedAt: doubted }
}

/** Writes what the next daemon has to know. Of two that write at once, one may fail. */
export async function writeWitness(
  layout: Layout,
  { at, doubtedAt }: Witness,
): Promise<void> {
  await sweep(layout)
  const file = layout.run('clock.json')
  const iso = (ms: number) => new Date(ms).toISOString()
  const text = `${JSON.stringify({
    v: VERSION,
    at: iso(at),
    doubtedAt: doubtedAt === undefined ? undefined : iso(doubtedAt),
  })}\n`
  const { default: writeFileAtomic } = await import('write-file-atomic')
  // `chown: false` keeps the owner that the daemon has; the types do not know it.
  const options = { mode: 0o640, chown: false } as unknown as { mode: number }
  await writeFileAtomic(file, text, options)
  // The library takes a short write for success.
  const { size } = await stat(file)
  if (size !== Buffer.byteLength(text))
    throw new MsgqError('temporary', `${file}: was cut short`, 'is the disk full?')
}

/** Removes what was left by one that was killed while it wrote. */
async function sweep(layout: Layout): Promise<void> {
  for (const file of await readdir(layout.run('')))
    if (/^clock\.json\.\d+$/.test(file)) await rm(layout.run(file), { force: true })
}
