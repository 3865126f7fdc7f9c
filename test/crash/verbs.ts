/**
 * verbs - the scenarios of the operator's commands: each on messages in all the states from
 * which it takes them.
 */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Act } from '../../src/queue/queue.ts'
import type { State } from '../../src/message/state.ts'
import { takeCensus } from './census.ts'
import type { Ground } from './ground.ts'
import { KEYED_DELETE } from './keyed.ts'
import { LANE_VERBS } from './lanes.ts'
import type { End, Scenario } from './scenario.ts'

/** Prepares a message in each of these states: mark-1 in the first, and so on. */
async function spread(ground: Ground, states: readonly State[]): Promise<void> {
  await ground.makeSpool()
  for (const [n, state] of states.entries()) {
    const mark = `mark-${n + 1}`
    // Each is due later than the one before, so that they are always taken in this order.
    await sleep(2)
    await ground.accept(mark)
    const [from] = takeCensus(ground.spool).places.get(mark)!
    const file = from!.split('/')[1]!
    renameSync(join(ground.spool, from!), join(ground.spool, state, file))
  }
}

/** What a verb writes into a trail. */
const STORY: Readonly<Record<Act, string>> = {
  flush: 'flushed',
  hold: 'held',
  release: 'released',
  requeue: 'requeued',
  delete: '',
  expire: 'expired',
}

function forEach<T>(from: readonly State[], what: T): Record<string, T> {
  return Object.fromEntries(from.map((_, n) => [`mark-${n + 1}`, what]))
}

function verb(act: Act, from: readonly State[], leads: End, end: End = leads): Scenario {
  return {
    name: act,
    again: true,
    prepare: (ground) => spread(ground, from),
    command: () => ({
      program: 'msgq',
      words: [act, '--state', [...new Set(from)].join(), '--json'],
    }),
    leads,
    story: leads === 'gone' ? {} : forEach(from, [STORY[act]]),
    ends: forEach(from, [end]),
  }
}

/**
 * A message that is sent on: the new one has the same mark. Broken off, both are there until the
 * verb is run again, as twins would be.
 */
const REDIRECT: Scenario = {
  name: 'requeue (redirect)',
  again: true,
  twice: true,
  prepare: (ground) => spread(ground, ['bounce']),
  command: ({ receiver }) => ({
    program: 'msgq',
    words: ['requeue', 'ALL', '--redirect', `${receiver.url}/mark-1`, '--json'],
  }),
  leads: 'incoming',
  story: { 'mark-1': ['requeued'] },
  ends: { 'mark-1': ['delivered'] },
}

export const VERBS: readonly Scenario[] = [
  verb('flush', ['deferred', 'deferred'], 'incoming', 'delivered'),
  verb('hold', ['incoming', 'deferred'], 'hold'),
  verb('release', ['hold', 'hold'], 'incoming', 'delivered'),
  verb('requeue', ['bounce', 'hold', 'deferred', 'corrupt'], 'incoming', 'delivered'),
  REDIRECT,
  verb('delete', ['incoming', 'deferred', 'bounce'], 'gone'),
  KEYED_DELETE,
  ...LANE_VERBS,
  verb('expire', ['incoming', 'deferred', 'hold'], 'bounce'),
]
