/**
 * keyed - the scenarios of idempotency keys: a message with a key, a repeat of it, and another
 * message under the same key.
 *
 * The three go by their subjects, since a repeat has the receiver of the first: were it
 * delivered as a message of its own, mark-1 would arrive under two ids.
 */
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Draft } from '../../src/message/draft.ts'
import { isKeyed } from '../../src/message/key.ts'
import type { State } from '../../src/message/state.ts'
import { KeyBook } from '../../src/queue/spool/key-book.ts'
import { Layout } from '../../src/queue/spool/layout.ts'
import { readEnvelope } from '../../src/queue/spool/read.ts'
import { takeCensus } from './census.ts'
import type { Command, Ground } from './ground.ts'
import type { Scenario } from './scenario.ts'

const ONCE = (): Command => ({ program: 'msgqd', words: ['--once'] })

/** A message with the key, due after those before it. */
async function keyed(
  ground: Ground,
  mark: string,
  draft: Partial<Draft> = {},
): Promise<void> {
  await sleep(2)
  await ground.accept(mark, { key: 'order-1', ...draft })
}

/** The same once more, under another mark. */
function repeat(ground: Ground, mark: string): Promise<void> {
  return keyed(ground, mark, { to: `${ground.receiver.url}/mark-1` })
}

/** Gives its key to a message, and moves it on, as a daemon has that looked at it. */
async function decided(ground: Ground, mark: string, to: State): Promise<void> {
  const [place = ''] = takeCensus(ground.spool).places.get(mark)!
  const envelope = readEnvelope(join(ground.spool, place))
  if (!isKeyed(envelope)) throw new Error(`${mark} has no key`)
  await new KeyBook(new Layout(ground.spool)).write(envelope, Date.now())
  renameSync(join(ground.spool, place), join(ground.spool, to, place.split('/')[1]!))
}

export const KEYED: readonly Scenario[] = [
  {
    name: 'keyed',
    prepare: async (ground) => {
      await ground.makeSpool()
      await keyed(ground, 'mark-1')
      await repeat(ground, 'mark-2')
      await keyed(ground, 'mark-3')
    },
    command: ONCE,
    // Whatever was struck, its key is still the first one's.
    after: (ground) => repeat(ground, 'mark-4'),
    repeats: { 'mark-2': 'mark-1' },
    story: { 'mark-3': ['refused'] },
    ends: {
      'mark-1': ['delivered'],
      'mark-2': ['gone'],
      'mark-3': ['bounce'],
      'mark-4': ['gone'],
    },
  },
  {
    name: 'keyed (the first is long delivered)',
    prepare: async (ground) => {
      await ground.makeSpool()
      await keyed(ground, 'mark-1')
      await decided(ground, 'mark-1', 'active')
      const [place] = takeCensus(ground.spool).places.get('mark-1')!
      rmSync(join(ground.spool, place!))
      await repeat(ground, 'mark-2')
      await keyed(ground, 'mark-3')
    },
    command: ONCE,
    repeats: { 'mark-2': 'mark-1' },
    story: { 'mark-3': ['refused'] },
    ends: { 'mark-1': ['gone'], 'mark-2': ['gone'], 'mark-3': ['bounce'] },
  },
]

/** One that has its key and waits, and one on the doorstep whose key nobody has looked at. */
export const KEYED_DELETE: Scenario = {
  name: 'delete (keyed)',
  again: true,
  prepare: async (ground) => {
    await ground.makeSpool()
    await keyed(ground, 'mark-1')
    await decided(ground, 'mark-1', 'deferred')
    await keyed(ground, 'mark-2', { key: 'order-2' })
  },
  command: () => ({
    program: 'msgq',
    words: ['delete', '--state', 'incoming,deferred', '--json'],
  }),
  // The keys are free again.
  after: async (ground) => {
    await keyed(ground, 'mark-3')
    await keyed(ground, 'mark-4', { key: 'order-2' })
  },
  leads: 'gone',
  ends: {
    'mark-1': ['gone'],
    'mark-2': ['gone'],
    'mark-3': ['delivered'],
    'mark-4': ['delivered'],
  },
}
