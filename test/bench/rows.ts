/**
 * rows - what is measured, in this order. Those of a million come last and share one spool.
 */
import { batch } from './batch.ts'
import { delivery } from './delivery.ts'
import { counting, requeueing } from './desk.ts'
import { enqueue } from './enqueue.ts'
import type { Figure } from './figure.ts'
import { growth } from './growth.ts'
import { intake } from './intake.ts'
import { latency } from './latency.ts'
import { neighbours } from './neighbours.ts'
import { rest } from './rest.ts'
import { restart } from './restart.ts'
import { start } from './start.ts'
import { sustained } from './sustained.ts'

export interface Row {
  /** What it is called on the command line. */
  readonly name: string
  run(): Promise<Figure[]>
}

/** All rows; a quick run has smaller counts, and windows that are shorter. */
export function rowsOf(quick: boolean): readonly Row[] {
  const many = quick ? 100_000 : 1_000_000
  const sends = quick ? 50 : 200
  return [
    { name: 'start of a send', run: () => start(quick ? 10 : 40) },
    { name: 'enqueue 1', run: () => enqueue(quick ? 600 : 4_000, 1) },
    { name: 'enqueue 32', run: () => enqueue(quick ? 2_000 : 16_000, 32) },
    { name: 'batch', run: () => batch(quick ? 2_000 : 10_000) },
    { name: 'intake', run: () => intake(quick ? 1_000 : 4_000) },
    { name: 'deliver', run: () => delivery(quick ? 5_000 : 20_000, quick ? 1 : 3) },
    { name: 'sustained', run: () => sustained(quick ? 12 : 60, quick ? 3 : 10) },
    { name: 'latency empty', run: () => latency(sends) },
    { name: 'neighbours', run: () => neighbours(quick ? 1_000 : 10_000) },
    { name: 'growth', run: () => growth(many, quick ? 2_000 : 10_000) },
    { name: 'restart', run: () => restart(many, quick ? 2 : 5) },
    {
      name: 'rest',
      run: () => rest(many, quick ? 5 : 20, quick ? 2_000 : 20_000, quick ? 2 : 35),
    },
    { name: 'count', run: () => counting(many) },
    { name: 'requeue', run: () => requeueing(quick ? 5_000 : 50_000) },
    {
      name: 'latency million',
      run: () => latency(sends, { deferred: many, standing: many / 10 }),
    },
  ]
}
