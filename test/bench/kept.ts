/**
 * kept - the files that a run leaves in the repository: ratios, for later runs to compare with,
 * and figures, for the chart.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { keep } from './compare.ts'
import type { Ratios } from './compare.ts'
import { rounded } from './figure.ts'
import type { Figure } from './figure.ts'

const RATIOS = resolve('test/bench/ratios.json')
const RESULTS = resolve('test/bench/results.json')

/** What one queue did in `npm run bench:peers`; what could not be had is not there. */
export interface PeerResult {
  readonly name: string
  /** How many were enqueued and delivered. */
  readonly count: number
  /** Durable messages a second: one after the other, and 32 at once. */
  readonly enqueueOne: number
  readonly enqueueMany: number
  /** Deliveries a second, 50 in flight. */
  readonly deliver: number
  /** CPU us of a delivered message, of all programs of the queue. */
  readonly cpu?: number
}

export interface Results {
  readonly bench: readonly Figure[]
  readonly peers: readonly PeerResult[]
}

export function readRatios(): Ratios {
  return existsSync(RATIOS) ? (JSON.parse(readFileSync(RATIOS, 'utf8')) as Ratios) : {}
}

export function keepRatios(kind: string, figures: readonly Figure[]): void {
  write(RATIOS, keep(readRatios(), kind, figures))
}

export function readResults(): Results {
  if (!existsSync(RESULTS)) return { bench: [], peers: [] }
  return JSON.parse(readFileSync(RESULTS, 'utf8')) as Results
}

/** Keeps figures or peers in place of those of their name. */
export function keepResults(fresh: Partial<Results>): void {
  const before = readResults()
  write(RESULTS, {
    bench: merged(before.bench, (fresh.bench ?? []).map(rounded)),
    peers: merged(before.peers, fresh.peers ?? []),
  })
}

function merged<T extends { readonly name: string }>(
  before: readonly T[],
  fresh: readonly T[],
): T[] {
  const all = new Map([...before, ...fresh].map((one) => [one.name, one]))
  return [...all.values()]
}

function write(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`)
}
