/**
 * clock-witness - `run/clock.json`: the newest time at which the clock was believed.
 *
 * The daemon that holds the lock writes it once a minute, so that the next one notices a clock
 * that is a year ahead or a month behind. A courtesy: one that is missing or broken witnesses
 * nothing, and the clock is believed.
 */
import { readFileSync } from 'node:fs'

import { replaceFile } from '../../base/durable.ts'
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
  const file = layout.run('clock.json')
  const iso = (ms: number) => new Date(ms).toISOString()
  const text = `${JSON.stringify({
    v: VERSION,
    at: iso(at),
    doubtedAt: doubtedAt === undefined ? undefined : iso(doubtedAt),
  })}\n`
  await replaceFile(file, text, { alone: true })
}
