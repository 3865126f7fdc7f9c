/**
 * lanes - the scenarios of suspended lanes, and of what is taken back while it is in flight.
 */
import { renameSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { laneOf } from '../../src/message/lane.ts'
import type { Suspension } from '../../src/message/suspension.ts'
import { Layout } from '../../src/queue/spool/layout.ts'
import { SuspendedFolder } from '../../src/queue/spool/suspended.ts'
import { takeCensus } from './census.ts'
import type { Ground } from './ground.ts'
import { SILENT } from './receiver.ts'
import type { Scenario } from './scenario.ts'

async function one(ground: Ground): Promise<void> {
  await ground.makeSpool()
  await ground.accept('mark-1')
}

/** Suspends the lane of the receiver, as an operator has. */
async function suspend(ground: Ground, more: Partial<Suspension> = {}): Promise<void> {
  const folder = new SuspendedFolder(new Layout(ground.spool), systemClock)
  const lane = laneOf(ground.receiver.url)
  await folder.suspend({ lane, at: Date.now() - 60_000, by: 'ann', ...more })
}

/** The message as a daemon that was killed left it. */
function leaveInFlight(ground: Ground): void {
  const [from] = takeCensus(ground.spool).places.get('mark-1')!
  const target = `active/${from!.split('/')[1]}#dead1`
  renameSync(join(ground.spool, from!), join(ground.spool, target))
}

/** Both verbs, and what is meant: a daemon that starts after them claims nothing, or goes on. */
export const LANE_VERBS: readonly Scenario[] = [
  {
    name: 'suspend',
    again: true,
    prepare: one,
    command: ({ receiver }) => ({
      program: 'msgq',
      words: ['suspend', receiver.url, '--for', '1h', '--why', 'down', '--json'],
    }),
    after: async () => {},
    ends: { 'mark-1': ['incoming', 'deferred'] },
  },
  {
    name: 'resume',
    again: true,
    prepare: async (ground) => {
      await one(ground)
      await suspend(ground)
    },
    command: ({ receiver }) => ({
      program: 'msgq',
      words: ['resume', receiver.url, '--json'],
    }),
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'delete (in flight, no daemon)',
    again: true,
    prepare: async (ground) => {
      await one(ground)
      leaveInFlight(ground)
    },
    command: () => ({ program: 'msgq', words: ['delete', 'ALL', '--yes', '--json'] }),
    leads: 'gone',
    ends: { 'mark-1': ['gone'] },
  },
]

/** What was said of the message on each ground. */
const said = new WeakMap<Ground, string>()

/** The daemon is struck while it takes a message back, or removes what is over. */
export const LANE_DELIVERIES: readonly Scenario[] = [
  {
    name: 'a suspension is over',
    prepare: async (ground) => {
      await one(ground)
      await suspend(ground, { until: Date.now() - 1 })
    },
    command: () => ({ program: 'msgqd', words: ['--once'] }),
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'delete (in flight)',
    prepare: async (ground) => {
      ground.configure({ grace: '100ms' })
      ground.receiver.answers.set('mark-1', [SILENT])
      await one(ground)
    },
    command: (ground) => ({
      program: 'msgqd',
      words: [],
      drive: async (running) => {
        await running.said(/"event":"start"/)
        await ground.receiver.asked(running)
        if (running.alive()) {
          const { out } = await ground.msgq('delete', 'ALL', '--yes', '--json')
          said.set(ground, out)
        }
        running.signal('SIGTERM')
      },
    }),
    // What was said to be deleted stays so; of what nobody said so it may go out again.
    after: async (ground) => {
      const isDone = said.get(ground)?.includes('"result":"done"') === true
      if (isDone && ground.receiver.idsOf('mark-1').length > 0)
        throw new Error(`delivered after all: ${said.get(ground)}`)
    },
    ends: { 'mark-1': ['gone', 'delivered'] },
  },
]
