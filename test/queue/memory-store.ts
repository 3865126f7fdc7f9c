/**
 * memory-store - what outlives a MemoryEngine, as a disk outlives a daemon.
 */
import { Readable } from 'node:stream'

import type { Body } from '../../src/message/body.ts'
import { LOOSE } from '../../src/message/chain.ts'
import { sha256 } from '../../src/message/envelope.ts'
import type { Envelope } from '../../src/message/envelope.ts'
import type { JournalLine } from '../../src/message/journal-line.ts'
import { idTime } from '../../src/message/id.ts'
import { matches, storyMatcher } from '../../src/message/selector.ts'
import type { Entry, Selector } from '../../src/message/selector.ts'
import { STATES } from '../../src/message/state.ts'
import type { State } from '../../src/message/state.ts'
import type { Suspension } from '../../src/message/suspension.ts'
import { formatTrailLine } from '../../src/message/trail.ts'
import type { TrailLine } from '../../src/message/trail.ts'
import type { Stats } from '../../src/queue/queue.ts'
import type { Move } from '../../src/queue/states.ts'

/** Longest body that is handed out whole. */
const WHOLE = 1024 * 1024

export interface Item extends Entry {
  readonly envelope: Envelope
  readonly body: Uint8Array
  readonly trail: readonly TrailLine[]
  /** Of its lease, in `active` only. */
  readonly token?: string
  /** Why it is in `corrupt`. */
  readonly defect?: string
}

export class MemoryStore {
  readonly items = new Map<string, Item>()
  readonly watchers = new Set<() => void>()
  /** The engine that serves the queue; a kill or a close frees it. */
  owner: object | undefined
  claims = 0
  /** Who has each key, what it said, and since when it counts. */
  readonly keys = new Map<
    string,
    { id: string; fingerprint: string; hops?: number | undefined; keptAt: number }
  >()
  readonly journal: JournalLine[] = []
  /** The first of which a dropped message was a repeat. */
  readonly repeats = new Map<string, string>()
  readonly suspended = new Map<string, Suspension>()
  /** What was kept from start to start, by name. */
  readonly known = new Map<string, string>()

  /** Those that the selector means, by due, then id. */
  select(selector: Selector): Item[] {
    return [...this.items.values()]
      .filter((item) => matches(selector, item, idTime(item.id)))
      .filter(storyMatcher(selector) ?? (() => true))
      .toSorted((a, b) => (cursorOf(a) < cursorOf(b) ? -1 : 1))
  }

  /** Carries out a move; the lease, if there was one, is over. */
  move(item: Item, { to, due, tries, line, passed = false }: Move): void {
    if (to === 'gone') return void this.items.delete(item.id)
    const { token: _, defect: __, ...rest } = item
    const trail = line === undefined ? item.trail : [...item.trail, line]
    const loose = passed ? { chain: LOOSE } : {}
    this.items.set(item.id, { ...rest, ...loose, state: to, due, tries, trail })
  }

  /** Puts one aside whose bytes disproved themselves. */
  putAside(item: Item, defect: string): void {
    const { token: _, ...rest } = item
    this.items.set(item.id, { ...rest, state: 'corrupt', defect })
  }

  /** Spoils the stored body, as a bad disk does. */
  damage(id: string): void {
    const item = this.items.get(id)!
    const body = Uint8Array.from(item.body, (byte, index) => (index === 0 ? ~byte : byte))
    this.items.set(id, { ...item, body })
  }
}

/** The body, if it still is the one that was sealed. */
export function bodyOf({ envelope, body }: Item): Body | undefined {
  if (sha256(body) !== envelope.sha256) return undefined
  if (body.length <= WHOLE) return { kind: 'bytes', bytes: body }
  return { kind: 'stream', length: body.length, open: () => Readable.from([body]) }
}

/** All that is stored of it, written as the spool would. */
export function rawOf({ envelope, body, trail }: Item): NodeJS.ReadableStream {
  const lines = trail.map(formatTrailLine).join('')
  return Readable.from([
    Buffer.from(`${JSON.stringify(envelope)}\n`),
    body,
    Buffer.from(`\n${lines}`),
  ])
}

/** Counts them all. */
export function statsOf(items: readonly Item[]): Stats {
  const states = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<
    State,
    number
  >
  const waiting = new Map<string, number>()
  const nextDue = new Map<string, number>()
  let oldestAt = Infinity
  for (const { id, state, lane, due } of items) {
    states[state]++
    if (state !== 'incoming' && state !== 'active' && state !== 'deferred') continue
    waiting.set(lane, (waiting.get(lane) ?? 0) + 1)
    oldestAt = Math.min(oldestAt, idTime(id))
    if (state !== 'active') nextDue.set(lane, Math.min(due, nextDue.get(lane) ?? Infinity))
  }
  const stats = { states, waiting, nextDue }
  return oldestAt === Infinity ? stats : { ...stats, oldestAt }
}

/** The entry alone, without what the store keeps beside it. */
export function entryOf({ id, state, lane, due, tries, chain }: Item): Entry {
  const entry = { id, state, lane, due, tries }
  return chain === undefined ? entry : { ...entry, chain }
}

/** Sorts as due, then id. */
export function cursorOf({ due, id }: Entry): string {
  return `${String(due).padStart(16, '0')},${id}`
}
