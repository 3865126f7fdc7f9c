/**
 * suspended - `suspended/<lane>`: a small file for each lane that is suspended.
 *
 * That it is there suspends the lane, whatever it says: one that cannot be read is a suspension
 * without who and why, and never none. write-file-atomic writes it under its one fixed name; it
 * takes a short write for success, so the size is looked at after it. To resume is to remove it.
 * Both sync the folder before they resolve.
 */
import { readFileSync, statSync } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'

import type { Clock } from '../../base/clock.ts'
import { removeFile, removeSync, syncFolder } from '../../base/durable.ts'
import { isMissing } from '../../base/errno.ts'
import { MsgqError } from '../../base/errors.ts'
import { isOpenLane } from '../../message/lane.ts'
import { isInForce } from '../../message/suspension.ts'
import type { Suspension } from '../../message/suspension.ts'
import type { OnlyOne, Suspensions } from '../queue.ts'
import { cannotUse } from './layout.ts'
import type { Layout } from './layout.ts'

const VERSION = 1
/** What the library was killed over is removed by the next who writes, after so long (ms). */
const STALE = 3_600_000
/** While the folder's time is younger, a second change may hide behind the same time (ms). */
const SETTLED = 2_000

export class SuspendedFolder implements Suspensions {
  readonly #layout: Layout
  readonly #clock: Clock
  #seen: { readonly stamp: string; readonly found: readonly Suspension[] } | undefined

  constructor(layout: Layout, clock: Clock) {
    this.#layout = layout
    this.#clock = clock
  }

  async suspend(suspension: Suspension): Promise<void> {
    const path = this.#layout.suspended(suspension.lane)
    try {
      await this.#write(path, suspension)
      await this.#sync()
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
      await this.#sync()
      return true
    } catch (error) {
      throw cannotUse(path, error)
    }
  }

  async suspensions(): Promise<readonly Suspension[]> {
    const before = this.#stamp()
    // The daemon asks every second, and almost always nothing changed.
    if (before !== undefined && before === this.#seen?.stamp) return this.#seen.found
    const found = await this.#readAll()
    this.#seen = before === undefined ? undefined : { stamp: before, found }
    return found
  }

  /** The folder's time; undefined where it may hide a change: it is young, or cannot be told. */
  #stamp(): string | undefined {
    const seen = statSync(this.#layout.suspended(''), {
      bigint: true,
      throwIfNoEntry: false,
    })
    if (seen === undefined) return undefined
    const age = this.#clock.now() - Number(seen.mtimeMs)
    return Math.abs(age) < SETTLED ? undefined : `${seen.ino} ${seen.mtimeNs}`
  }

  async #readAll(): Promise<readonly Suspension[]> {
    const found: Suspension[] = []
    for (const name of (await this.#names()).toSorted()) {
      if (!isOpenLane(name)) continue
      const suspension = await this.#read(name)
      if (suspension !== undefined) found.push(suspension)
    }
    return found
  }

  async #read(lane: string): Promise<Suspension | undefined> {
    const path = this.#layout.suspended(lane)
    try {
      const known = parse(lane, await readFile(path, 'utf8'))
      if (known !== undefined) return known
    } catch (error) {
      if (isMissing(error)) return undefined
    }
    const seen = await stat(path).catch(() => undefined)
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
    const wasThere = (await this.#names()).includes(suspension.lane)
    const text = format(suspension)
    const { default: writeFileAtomic } = await import('write-file-atomic')
    // `chown: false` keeps the owner that we have; the types do not know it.
    const options = { mode: 0o640, chown: false } as unknown as { mode: number }
    await writeFileAtomic(path, text, options).catch((error: unknown) => {
      if (!isMissing(error)) throw error
      // Somebody removed the folder.
      this.#layout.make()
      return writeFileAtomic(path, text, options)
    })
    const { size } = await stat(path)
    if (size === Buffer.byteLength(text)) return
    // Half of it would suspend the lane without its end. One that was suspended stays so.
    if (!wasThere) removeSync(path)
    const what = wasThere ? 'its lane stays suspended, without who, why and until' : ''
    throw new MsgqError('temporary', `${path}: was cut short`, what || 'is the disk full?')
  }

  async #sync(): Promise<void> {
    await syncFolder(this.#layout.suspended(''))
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
