/**
 * canary - requeues one message first, and the others only when it was delivered.
 *
 * The rest follow in batches, each twice as large as the one before, and each only when the last
 * one is out: ten thousand that bounced do not become twenty thousand. The first that does not
 * arrive stops it, and what has not had its turn stays as it was. Broken off, it is run again
 * and goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from '../base/clock.ts'
import { shortId } from '../message/id.ts'
import type { Entry, Selector } from '../message/selector.ts'
import type { State } from '../message/state.ts'
import type { TrailLine } from '../message/trail.ts'
import type { ActOptions, ActResult, Desk } from '../queue/queue.ts'
import { statesMeant } from '../queue/states.ts'

/** No batch is larger. */
const MOST = 1_000
/** Between two looks at the queue (ms): at first, and at last. */
const LOOK = { first: 50, last: 1_000 } as const

/** The message that did not arrive. */
export interface Stop {
  readonly id: string
  readonly state: State
  /** Nothing happened for too long; else it failed. */
  readonly isLate: boolean
  readonly trail: readonly TrailLine[]
  /** How many stay as they were because of it. */
  readonly left: number
}

export interface Flight {
  readonly result: ActResult
  /** What stopped it. */
  readonly stopped?: Stop
}

export interface CanaryOptions extends ActOptions {
  /** So long nothing may happen before it is given up (ms). */
  readonly patience: number
}

/** Requeues what is selected, one first. */
export async function flyCanary(
  desk: Desk,
  selector: Selector,
  { patience, onProgress, ...options }: CanaryOptions,
  clock: Clock,
): Promise<Flight> {
  const states = statesMeant('requeue', selector)
  const named = selector.ids !== undefined
  const {
    matched,
    done: all,
    skipped,
  } = await desk.act('requeue', selector, {
    ...options,
    dryRun: true,
  })
  const sum = {
    done: [] as string[],
    skipped: [...skipped],
    made: new Map<string, string>(),
  }
  const flightOf = (): ActResult => ({
    matched,
    done: sum.done,
    skipped: sum.skipped,
    ...(options.redirect === undefined ? {} : { made: sum.made }),
  })
  let size = 1
  for (let at = 0; at < all.length; size = Math.min(2 * size, MOST)) {
    const ids = all.slice(at, at + size)
    at += ids.length
    const result = await desk.act('requeue', { ids, states }, { ...options, named })
    sum.done.push(...result.done)
    sum.skipped.push(...result.skipped)
    for (const [old, made] of result.made ?? []) sum.made.set(old, made)
    onProgress?.(sum.done.length + sum.skipped.length, matched)
    const out = result.done.map((id) => result.made?.get(id) ?? id)
    const end = await landing(desk, out, patience, clock)
    if (end === undefined) continue
    const rest = all.slice(at)
    const why = `stays: ${shortId(end.id)} was not delivered`
    sum.skipped.push(...rest.map((id) => ({ id, why })))
    return { result: flightOf(), stopped: { ...end, left: rest.length } }
  }
  return { result: flightOf() }
}

/** Waits until these are out; the first that did not arrive, if one did not. */
async function landing(
  desk: Desk,
  ids: readonly string[],
  patience: number,
  clock: Clock,
): Promise<Omit<Stop, 'left'> | undefined> {
  let pause: number = LOOK.first
  let waiting = ids.length
  let since = clock.monotonic()
  while (waiting > 0) {
    const { items } = await desk.list({ ids }, { limit: Infinity })
    const wrong = items.find(hasFailed)
    if (wrong !== undefined) return stopAt(desk, wrong, false)
    if (items.length < waiting) since = clock.monotonic()
    waiting = items.length
    const [first] = items
    if (first !== undefined && clock.monotonic() - since > patience)
      return stopAt(desk, first, true)
    if (waiting === 0) break
    await sleep(pause)
    pause = Math.min(LOOK.last, pause * 1.5)
  }
  return undefined
}

/** True for one that was tried and is still there: a requeued one begins with no tries. */
function hasFailed({ state, tries }: Entry): boolean {
  if (state === 'deferred') return tries > 0
  return state === 'bounce' || state === 'hold' || state === 'corrupt'
}

async function stopAt(desk: Desk, { id, state }: Entry, isLate: boolean) {
  const trail = (await desk.get(id))?.trail ?? []
  return { id, state, isLate, trail }
}
