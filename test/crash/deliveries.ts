/**
 * deliveries - the scenarios of msgqd: what it does with a message, from claim to its end.
 */
import { appendFileSync, copyFileSync, renameSync, utimesSync } from 'node:fs'
import { join } from 'node:path'

import { formatTrailLine } from '../../src/message/trail.ts'
import type { ActLine } from '../../src/message/trail.ts'
import { AFTERCARE } from './aftercare.ts'
import { takeCensus } from './census.ts'
import { CHAINS } from './chains.ts'
import { FAN_OUTS } from './fan-outs.ts'
import type { Command, Ground } from './ground.ts'
import { KEYED } from './keyed.ts'
import { LANE_DELIVERIES } from './lanes.ts'
import { SILENT } from './receiver.ts'
import type { Scenario } from './scenario.ts'

const ONCE = (): Command => ({ program: 'msgqd', words: ['--once'] })
const HOUR = 3_600_000
const CLAIM = '#dead1'

/** One message, as `msgq send` leaves it. */
async function one(ground: Ground, draft = {}): Promise<void> {
  await ground.makeSpool()
  await ground.accept('mark-1', draft)
}

/** Moves the one message as a daemon that was killed, or an operator, may have moved it. */
function moveOn(ground: Ground, to: string, ending = ''): string {
  const [from] = takeCensus(ground.spool).places.get('mark-1')!
  const target = `${to}/${from!.split('/')[1]}${ending}`
  renameSync(join(ground.spool, from!), join(ground.spool, target))
  return join(ground.spool, target)
}

function trailLine(act: ActLine['act']): string {
  return formatTrailLine({ at: new Date().toISOString(), act })
}

export const DELIVERIES: readonly Scenario[] = [
  { name: 'first start', command: ONCE, ends: {} },
  {
    name: 'deliver',
    prepare: one,
    command: ONCE,
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'defer',
    answer: 503,
    prepare: one,
    command: ONCE,
    story: { 'mark-1': ['deferred'] },
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'bounce',
    answer: 400,
    prepare: one,
    command: ONCE,
    story: { 'mark-1': ['bounced'] },
    spared: ['delivered'],
    ends: { 'mark-1': ['bounce'] },
  },
  {
    name: 'hold at the door',
    prepare: (ground) => one(ground, { hold: true }),
    command: ONCE,
    story: { 'mark-1': ['held'] },
    ends: { 'mark-1': ['hold'] },
  },
  {
    name: 'postpone (no such destination)',
    prepare: (ground) => one(ground, { to: 'nowhere' }),
    command: ONCE,
    story: { 'mark-1': ['postponed'] },
    ends: { 'mark-1': ['deferred'] },
  },
  {
    name: 'park (not yet due)',
    prepare: (ground) =>
      one(ground, { notBefore: new Date(Date.now() + HOUR).toISOString() }),
    command: ONCE,
    ends: { 'mark-1': ['deferred'] },
  },
  {
    name: 'expire untried',
    prepare: async (ground) => {
      await ground.makeSpool()
      const then = Date.now() - HOUR
      const expiresAt = new Date(then + HOUR / 2).toISOString()
      await ground.accept('mark-1', { expiresAt }, { now: () => then, monotonic: () => 0 })
    },
    command: ONCE,
    story: { 'mark-1': ['expired'] },
    ends: { 'mark-1': ['bounce'] },
  },
  {
    name: 'adopt',
    rests: true,
    prepare: async (ground) => {
      await ground.makeSpool()
      const envelope = { to: `${ground.receiver.url}/mark-1`, subject: 'mark-1' }
      ground.put('incoming/by-hand', `${JSON.stringify(envelope)}\nhello`)
    },
    command: ONCE,
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'adopt rubbish',
    rests: true,
    prepare: async (ground) => {
      await ground.makeSpool()
      ground.put('incoming/rubbish', 'mark-1 has no envelope at all')
    },
    command: ONCE,
    story: { 'mark-1': ['corrupt'] },
    ends: { 'mark-1': ['corrupt'] },
  },
  {
    name: 'garbage to corrupt',
    prepare: async (ground) => {
      await one(ground)
      const path = moveOn(ground, 'incoming')
      ground.put(path.slice(ground.spool.length + 1), 'mark-1 is no message\n')
      utimesSync(path, 0, 0)
    },
    command: ONCE,
    story: { 'mark-1': ['corrupt'] },
    ends: { 'mark-1': ['corrupt'] },
  },
  {
    name: 'recover',
    prepare: async (ground) => {
      await one(ground)
      moveOn(ground, 'active', CLAIM)
    },
    command: ONCE,
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'recover twins',
    twice: true,
    prepare: async (ground) => {
      await one(ground)
      const active = moveOn(ground, 'active', CLAIM)
      const file = active.split('/').at(-1)!.replace(CLAIM, '')
      copyFileSync(active, join(ground.spool, 'incoming', file))
      appendFileSync(active, trailLine('flushed'))
    },
    command: ONCE,
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'hold what killed the daemon',
    prepare: async (ground) => {
      await one(ground)
      appendFileSync(moveOn(ground, 'active', CLAIM), trailLine('interrupted').repeat(2))
    },
    command: ONCE,
    story: { 'mark-1': ['interrupted', 'interrupted', 'interrupted', 'held'] },
    // Where a trail cannot be written the third time is not counted.
    spared: ['delivered'],
    ends: { 'mark-1': ['hold'] },
  },
  {
    name: 'stop',
    answer: SILENT,
    prepare: async (ground) => {
      ground.configure({ grace: '100ms' })
      await one(ground)
    },
    command: ({ receiver }) => ({
      program: 'msgqd',
      words: [],
      drive: async (running) => {
        await running.said(/"event":"start"/)
        await receiver.asked(running)
        running.signal('SIGTERM')
      },
    }),
    leads: 'incoming',
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'serve (long-running)',
    prepare: one,
    command: () => ({
      program: 'msgqd',
      words: [],
      drive: async (running) => {
        // What a fault puts off comes again after a minute, which nobody waits for here.
        await running.said(/"event":"attempt"|tried again in a minute/)
        running.signal('SIGTERM')
      },
    }),
    ends: { 'mark-1': ['delivered'] },
  },
  ...KEYED,
  ...FAN_OUTS,
  ...LANE_DELIVERIES,
  ...AFTERCARE,
  ...CHAINS,
]
