/**
 * watch-page - the live view as text.
 */
import fc from 'fast-check'
import t from 'tap'

import { watchPage } from '../../src/cli/watch-page.ts'
import type { View } from '../../src/cli/watch-page.ts'
import type { DaemonStatus } from '../../src/delivery/status.ts'
import { HOUR, MINUTE, NOON, screen } from './world.ts'

const NONE = {
  ...{ delivered: 0, deleted: 0, expanded: 0, deferred: 0, postponed: 0 },
  ...{ bounced: 0, held: 0, released: 0 },
}
const iso = (ms: number) => new Date(NOON + ms).toISOString()

function status(more: Partial<DaemonStatus> = {}): DaemonStatus {
  return {
    version: '9.9.9',
    pid: 812,
    spool: '/spool',
    startedAt: iso(-49 * HOUR),
    configAt: iso(-HOUR),
    configFiles: [],
    destinations: ['crm', 'ops', 'pager'],
    inFlight: 2,
    recent: { ...NONE, delivered: 300, deferred: 4 },
    total: { ...NONE, delivered: 1_000, deferred: 4 },
    lanes: [
      { lane: 'ops', state: 'open', window: 5, limit: 20, active: 2 },
      {
        ...{ lane: 'crm', state: 'closed', window: 0, limit: 20, active: 0 },
        ...{ closedUntil: iso(14 * MINUTE), why: '503' },
      },
    ],
    lastAttempts: [
      {
        ...{ event: 'attempt', id: '01JD3Z8K6Q4W5E6R7T8Y9V0A1P', to: 'ops', lane: 'ops' },
        ...{ try: 1, outcome: 'delivered', reason: '200 OK', ageMs: 20, ms: 12 },
        at: iso(-1_000),
      },
    ],
    troubles: [],
    ...more,
  }
}

const STATES = { incoming: 1, active: 2, deferred: 7, hold: 0, bounce: 3, corrupt: 0 }

function view(more: Partial<View> = {}, daemon?: View['around']['daemon']): View {
  return {
    around: {
      daemon: daemon ?? { kind: 'up', status: status() },
      known: new Set(['crm', 'ops', 'pager']),
      closed: new Map(),
      suspended: new Map([['pager', { lane: 'pager', at: NOON, by: 'ann' }]]),
      now: NOON,
    },
    counted: {
      stats: {
        states: STATES,
        waiting: new Map([
          ['ops', 5],
          ['crm', 5],
        ]),
        nextDue: new Map([['crm', NOON + 60_000]]),
        oldestAt: NOON - 3 * HOUR,
      },
      at: NOON,
    },
    before: {
      status: status({ total: { ...NONE, delivered: 900, deferred: 4 } }),
      at: NOON - 2_000,
    },
    ...more,
  }
}

t.test('all of it on a terminal of 80x24', async (t) => {
  const lines = watchPage(view(), { columns: 79, rows: 24 })
  t.equal(lines.length, 24)
  const text = lines.filter((line) => line !== '').join('\n')
  t.equal(
    `${text}\n`,
    screen(`
      msgqd    9.9.9, running 2d 1h (pid 812), 2 under way
      queue    1 incoming  2 active  7 deferred  0 hold  3 bounce  0 corrupt
      rate     300 delivered (50/s)  4 deferred  0 bounced  0 held
      oldest   waits for 3h
      LANE   STATE      WINDOW  ACTIVE  WAITING  NEXT
      crm    closed       0/20       0        5  in 14m
      pager  suspended       -       0        0  until resumed
      ops    open         5/20       2        3  -
      LAST ATTEMPTS
      11:59:59  8Y9V0A1P  delivered    12ms  ops  200 OK
      12:00:00   q quits   suspended: pager (msgq resume)
    `),
  )
})

t.test('before the first count, and when it is old', async (t) => {
  const size = { columns: 79, rows: 24 }
  const [, first] = watchPage(view({ counted: undefined }), size)
  t.equal(first, 'queue    is being counted')
  const { counted } = view()
  const old = { ...counted!, at: NOON - 12_000 }
  t.equal(watchPage(view({ counted: old }), size)[4], 'counted  12s ago')
  const [, , rate] = watchPage(view({ before: undefined }), size)
  t.equal(rate, 'rate     300 delivered  4 deferred  0 bounced  0 held')
})

t.test('a daemon that is down, silent or without a socket', async (t) => {
  const holder = { pid: 7, host: 'web1', startedAt: iso(0), kernel: true }
  for (const [daemon, said] of [
    [{ kind: 'down' }, 'msgqd    not running: nothing is being delivered'],
    [{ kind: 'alone', holder }, 'msgqd    running (pid 7), without a control socket'],
    [
      { kind: 'mute', trouble: new Error('msgqd: does not\nanswer') as never },
      'msgqd    msgqd: does not answer',
    ],
  ] as const) {
    const lines = watchPage(view({}, daemon), { columns: 79, rows: 24 })
    t.equal(lines[0], said)
    t.match(lines.join('\n'), /^crm /m, 'the spool is shown all the same')
  }
})

t.test(
  'a small terminal shows lanes before attempts, and says what is missing',
  async (t) => {
    const lines = watchPage(view(), { columns: 50, rows: 9 })
    t.match(lines[5], /^LANE/)
    t.match(lines[7], /^\.\.\. 2 more lanes: msgq status$/)
  },
)

t.test('it never leaves the terminal, whatever it shows', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 90 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 60 }),
      fc.array(text, { maxLength: 40 }),
      (columns, rows, names) => {
        const lanes = names.map((lane) => ({ lane, window: 1, active: 1 }))
        const [attempt] = status().lastAttempts!
        const lastAttempts = names.map((reason) => ({ ...attempt!, to: reason, reason }))
        const daemon = { kind: 'up', status: status({ lanes, lastAttempts }) } as const
        const lines = watchPage(view({}, daemon), { columns, rows })
        return (
          lines.length === rows &&
          lines.every((line) => line.length <= columns && !/\p{Cc}/u.test(line))
        )
      },
    ),
  )
})
