/**
 * errors - each code is an exit code of sysexits(3).
 */
import tap from 'tap'

import { EXIT_CODES, MsgqError } from '../../src/base/errors.ts'

tap.test('codes are those of sysexits', async (t) => {
  t.strictSame(EXIT_CODES, {
    usage: 64,
    data: 65,
    'no-input': 66,
    unavailable: 69,
    software: 70,
    'cannot-create': 73,
    temporary: 75,
    'no-permission': 77,
    config: 78,
  })
})

tap.test('an error says what, why, what next, and how to exit', async (t) => {
  const cause = new Error('below')
  const error = new MsgqError('temporary', 'spool: full', 'free some space', cause)
  t.ok(error instanceof Error)
  t.match(error, { name: 'MsgqError', code: 'temporary', exitCode: 75, cause })
  t.equal(error.message, 'spool: full')
  t.equal(error.hint, 'free some space')
  t.notOk('cause' in new MsgqError('data', 'x: y'))
  t.equal(new MsgqError('data', 'x: y').hint, undefined)
})
