/**
 * finish - a message that was delivered is settled, however long the disk refuses.
 */
import t from 'tap'

import { finish } from '../../src/delivery/finish.ts'
import { FencedError } from '../../src/queue/queue.ts'
import type { Settlement } from '../../src/queue/queue.ts'
import { Diary, ID, errno, leaseOf } from './support.ts'

/** Settles by a script: what it throws, what it answers. */
function scripted(...script: (Error | 'ok' | 'lost')[]) {
  const calls: Settlement[] = []
  const settle = async (_lease: unknown, settlement: Settlement) => {
    calls.push(settlement)
    const next = script.shift() ?? 'ok'
    if (next instanceof Error) throw next
    return next
  }
  return { calls, claims: { settle } }
}

const delivered = { to: 'delivered' } as const

t.test('what is settled at once says nothing', async (t) => {
  const { calls, claims } = scripted('ok')
  const log = new Diary()
  await finish(leaseOf(), delivered, new AbortController().signal, { claims, log })
  t.strictSame(calls, [delivered])
  t.strictSame(log.lines, [])
})

t.test('a message that is gone meanwhile is told of and not tried again', async (t) => {
  const { calls, claims } = scripted('lost')
  const log = new Diary()
  await finish(leaseOf(), delivered, new AbortController().signal, { claims, log })
  t.equal(calls.length, 1)
  t.match(log.lines, [{ level: 'warn', fields: { event: 'lost', id: ID } }])
})

t.test('what the disk refuses is tried again, and complained of once', async (t) => {
  const { calls, claims } = scripted(errno('ENOSPC'), errno('EIO'), 'ok')
  const log = new Diary()
  const began = performance.now()
  await finish(leaseOf(), delivered, new AbortController().signal, { claims, log })
  t.strictSame(calls, [delivered, delivered, delivered])
  t.ok(performance.now() - began > 2_900, 'after pauses that grow')
  t.strictSame(log.lines, [
    {
      level: 'error',
      fields: { event: 'trouble', id: ID, reason: 'no space left on device' },
      message: 'cannot settle as delivered: tried again',
    },
  ])
})

t.test('when we stop it is tried once more, and then left to recovery', async (t) => {
  const { calls, claims } = scripted(errno('ENOSPC'), errno('ENOSPC'))
  const log = new Diary()
  const stop = new AbortController()
  const finished = finish(leaseOf(), delivered, stop.signal, { claims, log })
  setImmediate(() => stop.abort())
  await finished
  t.equal(calls.length, 2)
  t.match(log.lines.at(-1), {
    level: 'error',
    fields: { event: 'trouble', id: ID },
    message: 'not settled as delivered: left in flight',
  })
})

t.test('a queue that is not ours any more is not asked again', async (t) => {
  const { calls, claims } = scripted(new FencedError('spool: not ours'))
  const log = new Diary()
  await finish(leaseOf(), delivered, new AbortController().signal, { claims, log })
  t.equal(calls.length, 1)
  t.match(log.lines, [{ fields: { event: 'trouble', reason: 'spool: not ours' } }])
})
