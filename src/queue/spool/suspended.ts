/**
 * suspended - `suspended/<lane>`: a small file for each lane that is suspended.
 *
 * That it is there suspends the lane, whatever it says: one that cannot be read is a suspension
 * without who and why, and never none. To resume is to remove it. Both sync the folder before they
 * resolve.
 */
import { readFileSync, statSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { removeFile, removeSync, replaceFile, syncFolder } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { isOpenLane } from '../../message/lane.ts'
import { isInForce } from '../../message/suspension.ts'
import type { Suspension } from '../../message/suspension.ts'
import type { OnlyOne, Suspensions } from '../queue.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'

const VERSION = 1
/** What a writer was killed over is removed by the next who writes, after so long (ms). */
const STALE = 3_600_000
export class SuspendedFolder implements Suspensions {
  readonly #layout: Layout
  readonly #clock: Clock

  constructor(layout: Layout, clock: Clock) {
    this.#layout = layout
    this.#clock = clock
  }

  async suspend(suspension: Suspension): Promise<void> {
    const path = this.#layout.suspended(suspension.lane)
    try {
      await this.#write(path, suspension)
    } catch (error) {
      throw error instanceof MsgqError ? error : cannotUse(path, error)
    }
  }

  async resume(lane: string, only?: OnlyOne): Promise<boolean> {
    const path = this.#layout.suspended(lane)
    try {
      // Looked at and removed in one go, so that what is made in between is hardly ever met.
      if (only !== undefined && !isMeant(path, lane, only)) return false
      if (!removeSync(path)) return false
      await syncFolder(this.#layout.suspended(''))
      return true
    } catch (error) {
      throw cannotUse(path, error)
    }
  }

  async suspensions(): Promise<readonly Suspension[]> {
    const lanes = (await this.#names()).filter(isOpenLane).toSorted()
    return lanes.map((lane) => this.#read(lane)).filter((one) => one !== undefined)
  }

  /** The daemon asks every second: a small file is read at once at a tenth of what the pool costs. */
  #read(lane: string): Suspension | undefined {
    const path = this.#layout.suspended(lane)
    try {
      const known = parse(lane, readFileSync(path, 'utf8'))
      if (known !== undefined) return known
    } catch (error) {
      if (isMissing(error)) return undefined
    }
    const seen = statSync(path, { throwIfNoEntry: false })
    return { lane, at: Math.floor(seen?.mtimeMs ?? this.#clock.now()) }
  }

  async #names(): Promise<string[]> {
    const folder = this.#layout.suspended('')
    try {
      return await readdir(folder)
    } catch (error) {
      if (isMissing(error)) return []
      throw cannotUse(folder, error)
    }
  }

  async #write(path: string, suspension: Suspension): Promise<void> {
    await this.#sweep()
    const text = format(suspension)
    await replaceFile(path, text).catch((error: unknown) => {
      if (!isMissing(error)) throw error
      // Somebody removed the folder.
      this.#layout.make()
      return replaceFile(path, text)
    })
  }

  /** What is no lane's name and old was being written by one that was killed. */
  async #sweep(): Promise<void> {
    for (const name of await this.#names()) {
      if (isOpenLane(name) || !/\.\d+$/.test(name)) continue
      const path = this.#layout.suspended(name)
      const seen = await stat(path).catch(() => undefined)
      if (seen !== undefined && this.#clock.now() - seen.mtimeMs > STALE)
        await removeFile(path).catch(() => {})
    }
  }
}

function isMeant(path: string, lane: string, only: OnlyOne): boolean {
  try {
    const known = parse(lane, readFileSync(path, 'utf8'))
    if (known === undefined) return false
    return 'madeAt' in only ? known.at === only.madeAt : !isInForce(known, only.overAt)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function format({ lane, at, by, why, until, config }: Suspension): string {
  const members = { v: VERSION, lane, at: iso(at), by, why, config }
  const end = until === undefined ? {} : { until: iso(until) }
  return `${JSON.stringify({ ...members, ...end })}\n`
}

/** Undefined for what is not all there, or no suspension of this lane. */
function parse(lane: string, text: string): Suspension | undefined {
  let raw: Record<string, unknown> | null
  try {
    raw = JSON.parse(text) as Record<string, unknown> | null
  } catch {
    return undefined
  }
  const { by, why, until, config } = raw ?? {}
  const at = timeOf(raw?.['at'])
  const end = timeOf(until)
  if (raw?.['lane'] !== lane || at === undefined) return undefined
  // An end that cannot be read is none: it stays until somebody looks.
  return {
    lane,
    at,
    ...(typeof by === 'string' ? { by } : {}),
    ...(typeof why === 'string' ? { why } : {}),
    ...(end === undefined ? {} : { until: end }),
    ...(typeof config === 'string' ? { config } : {}),
  }
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? undefined : time
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
