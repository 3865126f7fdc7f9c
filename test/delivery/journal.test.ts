/**
 * journal - what the log says of a message stands in the journal, member by member.
 */
import t from 'tap'

import { journaled } from '../../src/delivery/journal.ts'
import type { Fields, LogLevel } from '../../src/delivery/log.ts'
import type { JournalLine } from '../../src/message/journal-line.ts'
import { HandClock } from '../queue/conformance/rig.ts'

function setUp() {
  const lines: JournalLine[] = []
  const said: unknown[] = []
  const clock = new HandClock()
  const log = journaled(
    { write: (...all) => void said.push(all) },
    { note: (line) => void lines.push(line) },
    clock,
  )
  const write = (level: LogLevel, fields: Fields, message = 'm') => {
    log.write(level, fields, message)
    return lines.splice(0)
  }
  return { write, said, at: clock.iso() }
}

const ATTEMPT = {
  event: 'attempt',
  id: 'X',
  to: 'crm',
  lane: 'crm',
  try: 4,
  outcome: 'deferred',
  fault: 'receiver',
  status: 503,
  reason: '503 Service Unavailable',
  ageMs: 34,
  ms: 12,
  due: '2026-11-20T10:00:10.000Z',
} as const

t.test('an attempt is a line of what came of it', async (t) => {
  const { write, said, at } = setUp()
  const { outcome, ...rest } = ATTEMPT
  t.strictSame(JSON.parse(JSON.stringify(write('warn', ATTEMPT))), [
    { ...rest, at, event: outcome },
  ])
  t.strictSame(said, [['warn', ATTEMPT, 'm']], 'and of the log as before')
})

t.test('so is what was not tried', async (t) => {
  const { write, at } = setUp()
  const fields = { id: 'X', to: 'crm', lane: 'crm', reason: 'r' }
  for (const [event, noted] of [
    ['expired', 'bounced'],
    ['postponed', 'postponed'],
    ['held', 'held'],
  ] as const)
    t.strictSame(write('error', { event, ...fields }), [{ ...fields, at, event: noted }])
  t.strictSame(write('warn', { event: 'lost', id: 'X' }, 'moved by an operator'), [
    { at, event: 'lost', id: 'X', reason: 'moved by an operator' },
  ])
})

t.test('what is of no message, or was said before, is no line', async (t) => {
  const { write, said } = setUp()
  t.strictSame(write('warn', { event: 'lane', lane: 'crm', state: 'closed' }), [])
  t.strictSame(write('error', { event: 'trouble', id: 'X', reason: 'EIO' }), [])
  t.strictSame(write('debug', { ...ATTEMPT, outcome: 'postponed' }), [])
  t.equal(said.length, 3, 'but it is logged')
})
