/**
 * sends - the scenarios of `msgq send`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Scenario } from './scenario.ts'

const MIB = 1024 * 1024
const MARKS = ['mark-1', 'mark-2', 'mark-3', 'mark-4', 'mark-5']

export const SENDS: readonly Scenario[] = [
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
      writeFileSync(join(ground.folder, 'body'), Buffer.alloc(2 * MIB, 'x'))
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
