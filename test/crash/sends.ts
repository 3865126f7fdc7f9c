/**
 * sends - the scenarios of `msgq send`.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { cannotBeBare } from './ground.ts'
import type { Scenario } from './scenario.ts'

const MIB = 1024 * 1024
const MARKS = ['mark-1', 'mark-2', 'mark-3', 'mark-4', 'mark-5']

/** Makes the default spool by itself. */
const FIRST: Scenario = {
  name: 'first send (makes the spool)',
  prepare: async ({ folder }) => rmSync(join(folder, '.local'), { recursive: true }),
  command: ({ receiver }) => ({
    bare: true,
    program: 'msgq',
    words: ['send', `${receiver.url}/mark-1`, '-s', 'mark-1', '-d', 'hello'],
  }),
  ends: { 'mark-1': ['delivered'] },
}

export const SENDS: readonly Scenario[] = [
  ...(cannotBeBare() === false ? [FIRST] : []),
  {
    name: 'send',
    prepare: (ground) => ground.makeSpool(),
    command: ({ receiver }) => ({
      program: 'msgq',
      words: ['send', `${receiver.url}/mark-1`, '-s', 'mark-1', '-d', 'hello'],
    }),
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'send 2 MiB',
    prepare: async (ground) => {
      await ground.makeSpool()
      const body = 'x'.repeat(2 * MIB)
      writeFileSync(join(ground.folder, 'body'), body)
      ground.receiver.bodies.set('mark-1', body)
    },
    command: ({ receiver }) => ({
      program: 'msgq',
      words: ['send', `${receiver.url}/mark-1`, '-s', 'mark-1', '-d', '@body'],
    }),
    ends: { 'mark-1': ['delivered'] },
  },
  {
    name: 'send --batch',
    prepare: (ground) => ground.makeSpool(),
    command: ({ receiver }) => ({
      program: 'msgq',
      words: ['send', '--batch'],
      input: MARKS.map((mark) => {
        const message = { to: `${receiver.url}/${mark}`, subject: mark, body: 'hello' }
        return `${JSON.stringify(message)}\n`
      }).join(''),
    }),
    ends: Object.fromEntries(MARKS.map((mark) => [mark, ['delivered'] as const])),
  },
]
