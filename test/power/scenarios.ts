/**
 * scenarios - the stretches of a message's life in which the power is cut: all that the crash
 * tests have, and those in which several messages are under way at once.
 */
import { DELIVERIES } from '../crash/deliveries.ts'
import { DEFAULT_SPOOL } from '../crash/ground.ts'
import type { Ground } from '../crash/ground.ts'
import type { Scenario } from '../crash/scenario.ts'
import { SENDS } from '../crash/sends.ts'
import { VERBS } from '../crash/verbs.ts'

/** A scenario, and the part of the ground that is the disk. */
export interface Cut extends Scenario {
  /** The spool, below the ground, that the program makes by itself. */
  readonly fresh?: string
}

const FOUR = ['mark-1', 'mark-2', 'mark-3', 'mark-4']

async function four(ground: Ground): Promise<void> {
  await ground.makeSpool()
  for (const mark of FOUR) await ground.accept(mark)
}

/** Due one after the other while the daemon runs. */
async function spread(ground: Ground): Promise<void> {
  await ground.makeSpool()
  for (const [n, mark] of FOUR.entries()) {
    const notBefore = new Date(Date.now() + 1_500 + n * 600).toISOString()
    await ground.accept(mark, { notBefore })
  }
}

const delivered = Object.fromEntries(FOUR.map((mark) => [mark, ['delivered'] as const]))

export const CUTS: readonly Cut[] = [
  ...SENDS.map((send) =>
    send.name.startsWith('first') ? { ...send, fresh: DEFAULT_SPOOL } : send,
  ),
  ...DELIVERIES.filter(({ name }) => name !== 'first start'),
  {
    name: 'deliver 4 at once',
    prepare: four,
    command: () => ({ program: 'msgqd', words: ['--once'] }),
    ends: delivered,
  },
  {
    name: 'defer 4 at once',
    prepare: four,
    answer: 503,
    command: () => ({ program: 'msgqd', words: ['--once'] }),
    ends: delivered,
  },
  {
    name: 'serve 4 in turn',
    prepare: spread,
    command: () => ({
      program: 'msgqd',
      words: [],
      drive: async (running) => {
        await running.said(/("event":"attempt"[^]*){4}/)
        running.signal('SIGTERM')
      },
    }),
    ends: delivered,
  },
  ...VERBS,
]
