import t from 'tap'

import { MsgqError, UnsureError } from '../../src/base/errors.ts'
import { sentOf } from '../../src/cli/sent.ts'

const DRAFTS = [{ to: 'ops' }, { to: 'crm' }]
const full = new MsgqError('temporary', 'spool: no space left on device')
const unsure = new UnsureError('spool: x may be queued or not: input/output error')

const good = (value: string) => ({ status: 'fulfilled', value }) as const
const bad = (reason: unknown) => ({ status: 'rejected', reason }) as const

t.test('all are queued', async (t) => {
  t.strictSame(sentOf([good('A'), good('B')], DRAFTS), {
    code: 0,
    ids: ['A', 'B'],
    told: [],
  })
})

t.test('some are queued: 1, and each is told of', async (t) => {
  t.strictSame(sentOf([good('A'), bad(full)], DRAFTS), {
    code: 1,
    ids: ['A'],
    told: ['queued for ops: A', 'not queued for crm: spool: no space left on device'],
  })
  t.match(sentOf([bad(unsure), good('B')], DRAFTS), {
    code: 1,
    told: [/^perhaps queued for ops: /, 'queued for crm: B'],
  })
})

t.test('none is queued: 64 to 78 only where that is known of all', async (t) => {
  t.throws(() => sentOf([bad(full), bad(full)], DRAFTS), full)
  t.throws(() => sentOf([bad(full), bad(unsure)], DRAFTS), unsure)
})
