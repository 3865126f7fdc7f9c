/**
 * once - a message that may have arrived goes out a second time only if a person says so.
 */
import fc from 'fast-check'
import t from 'tap'

import type { Outcome } from '../../src/message/outcome.ts'
import { BUSY, DELIVERED, Delivery, destinationOf, errno, until } from './support.ts'

const hold = { ...destinationOf('hold'), onTimeout: 'hold' } as const
const bounce = { ...destinationOf('bounce'), onTimeout: 'bounce' } as const
const house = { destinations: [hold, bounce, destinationOf('retry')] }
const SILENT = {
  kind: 'deferred',
  reason: 'no answer in 30s',
  fault: 'receiver',
  mayHaveArrived: true,
} as const satisfies Outcome
const DAY = 86_400_000

t.test('silence holds or bounces, and still speaks against the lane', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = () => SILENT
  const [held, bounced, retried] = [
    await delivery.send('hold'),
    await delivery.send('bounce'),
    await delivery.send('retry'),
  ]
  await delivery.calm()
  t.equal(await delivery.stateOf(held), 'hold')
  t.match(await delivery.trailOf(held), [
    { act: 'sending', try: 1 },
    {
      outcome: 'held',
      try: 1,
      fault: 'receiver',
      reason: 'no answer in 30s: it may have arrived (on_timeout = "hold")',
    },
  ])
  t.equal(await delivery.stateOf(bounced), 'bounce')
  t.equal(await delivery.stateOf(retried), 'deferred')
  t.match(await delivery.trailOf(retried), [{ outcome: 'deferred' }])
  for (let n = 0; n < 20; n++) await delivery.send('hold')
  await delivery.calm()
  t.ok(delivery.diary.of('lane').length > 0, 'a dead receiver closes its lane')
})

t.test('what was answered, or never went out, is tried again', async (t) => {
  const delivery = await Delivery.open(t, house)
  const plays: Outcome[] = [BUSY, { kind: 'deferred', reason: 'no', fault: 'network' }]
  delivery.stage.play = () => plays.shift() ?? DELIVERED
  const id = await delivery.send('hold')
  for (let n = 0; n < 3; n++) {
    await delivery.calm()
    delivery.pass(DAY)
  }
  await until(async () => (await delivery.stateOf(id)) === 'gone', 'delivered')
  t.equal(delivery.stage.begun.length, 3)
})

t.test('an attempt that left no end is not made again, wherever it goes', async (t) => {
  const delivery = await Delivery.open(t, house)
  const sending = { at: delivery.clock.iso(), act: 'sending', try: 1 } as const
  const cut = { at: delivery.clock.iso(), act: 'interrupted' } as const
  const left = async (to: string, more = {}) => {
    const id = await delivery.send(to, more)
    const item = delivery.store.items.get(id)!
    delivery.store.items.set(id, { ...item, trail: [sending, cut] })
    return id
  }
  const expiresAt = delivery.clock.iso(1000)
  const [held, bounced, retried, unknown, expired] = [
    await left('hold'),
    await left('bounce'),
    await left('retry'),
    await left('nobody'),
    await left('bounce', { expiresAt }),
  ]
  delivery.clock.pass(2000)
  await delivery.calm()
  t.strictSame(delivery.stage.begun, ['retry'], 'its owner says by now that it may')
  t.equal(await delivery.stateOf(retried), 'gone')
  for (const [id, state] of [
    [held, 'hold'],
    [unknown, 'hold'],
    [bounced, 'bounce'],
    [expired, 'bounce'],
  ] as const) {
    t.equal(await delivery.stateOf(id), state)
    const reason = /^msgqd ended before an answer came: it may have arrived/
    t.match((await delivery.trailOf(id)).at(-1), { try: 1, reason })
  }
  await delivery.engine.act('release', { ids: [held] }, { by: 'ann' })
  await delivery.calm()
  t.equal(await delivery.stateOf(held), 'gone', 'a person says that it may')
})

t.test('where it cannot be noted that it goes, it does not go', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.faults.record = () => Promise.reject(errno('ENOSPC'))
  const id = await delivery.send('hold')
  await delivery.calm()
  t.strictSame(delivery.stage.begun, [])
  t.match(await delivery.engine.get(id), {
    entry: { state: 'deferred', tries: 0 },
    trail: [{ act: 'returned', reason: /no space left on device/ }],
  })
  delivery.faults = {}
  delivery.pass(DAY)
  await delivery.comesTo(id, 'gone')
  delivery.faults.record = async () => 'lost'
  const moved = await delivery.send('hold')
  await delivery.calm()
  t.equal(await delivery.stateOf(moved), 'active', 'its file is not ours any more')
  t.equal(delivery.stage.begun.length, 1)
})

t.test('a bug of ours behind the request counts as silence', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = () => Promise.reject(new Error('oops'))
  const id = await delivery.send('bounce')
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'bounce')
})

t.test('a stop before anything went out leaves no doubt', async (t) => {
  const delivery = await Delivery.open(t, house)
  const unsent: Outcome = {
    kind: 'deferred',
    reason: 'stopped',
    fault: 'configuration',
    uncharged: true,
  }
  delivery.stage.play = (_attempt, signal) =>
    new Promise((resolve) =>
      signal.addEventListener('abort', () => resolve(unsent), { once: true }),
    )
  const id = await delivery.send('hold')
  delivery.scheduler.kick()
  await until(() => delivery.stage.begun.length === 1, 'it is out')
  await delivery.scheduler.stop(0)
  t.match(await delivery.engine.get(id), {
    entry: { state: 'deferred', tries: 0 },
    trail: [{ act: 'sending' }, { act: 'returned' }],
  })
})

t.test('whatever the ends, at most one request is without an answer', async () => {
  const ends = fc.array(fc.constantFrom(SILENT, BUSY, 'throw' as const), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(ends, fc.constantFrom('hold', 'bounce'), async (plays, to) => {
      const delivery = await Delivery.open({ teardown() {} } as never, house)
      let silent = 0
      const left = [...plays]
      delivery.stage.play = () => {
        const play = left.shift() ?? DELIVERED
        if (play === 'throw' || play === SILENT) silent++
        if (play === 'throw') throw new Error('oops')
        return play
      }
      await delivery.send(to)
      for (let n = 0; n < 8; n++) {
        await delivery.calm()
        delivery.pass(DAY / 2)
      }
      await delivery.scheduler.stop(0)
      return silent <= 1
    }),
    { numRuns: 30 },
  )
})
