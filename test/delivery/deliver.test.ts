/**
 * deliver - one attempt, whatever transport, disk and configuration do meanwhile.
 */
import t from 'tap'

import { deliverer } from '../../src/delivery/deliver.ts'
import { Lanes } from '../../src/delivery/lanes.ts'
import { Recalls } from '../../src/delivery/recalls.ts'
import type { Attempt } from '../../src/transport/transport.ts'
import {
  BUSY,
  DELIVERED,
  Delivery,
  Diary,
  GONE,
  ID,
  Stage,
  UNCHARGED,
  destinationOf,
  errno,
  leaseOf,
  until,
} from './support.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
const house = { destinations: [destinationOf('crm')] }

t.test('a message that is taken is gone, and its line says so', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.send('crm')
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'gone')
  t.match(delivery.diary.lines, [
    {
      level: 'info',
      fields: { event: 'attempt', id, to: 'crm', try: 1, outcome: 'delivered' },
      message: 'delivered crm: 200 OK',
    },
  ])
})

t.test(
  'the transport gets message, body, destination and the number of the try',
  async (t) => {
    const delivery = await Delivery.open(t, house)
    const attempts: Attempt[] = []
    delivery.stage.play = (attempt) => {
      attempts.push(attempt)
      return BUSY
    }
    const id = await delivery.send('crm', { subject: 'hi' })
    await delivery.calm()
    delivery.pass(10_000)
    await until(() => attempts.length === 2, 'the second try')
    t.match(attempts[0], {
      envelope: { id, subject: 'hi' },
      destination: { name: 'crm' },
      body: { kind: 'bytes', bytes: Buffer.from('hello') },
      number: 1,
    })
    t.equal(attempts[1]?.number, 2)
  },
)

t.test('who of several receivers has it is told at each further attempt', async (t) => {
  const delivery = await Delivery.open(t, house)
  const attempts: Attempt[] = []
  delivery.stage.play = (attempt) => {
    attempts.push(attempt)
    const taken = [['ann', 'bob'], undefined, ['cyd']][attempts.length - 1]
    return { ...BUSY, ...(taken === undefined ? {} : { taken }) } as typeof BUSY
  }
  const id = await delivery.send('crm')
  for (const count of [1, 2, 3, 4]) {
    await delivery.calm()
    await until(() => attempts.length >= count, `try ${count}`)
    delivery.pass(HOUR)
  }
  t.strictSame(
    attempts.slice(0, 4).map(({ taken }) => taken),
    [undefined, ['ann', 'bob'], ['ann', 'bob'], ['ann', 'bob', 'cyd']],
  )
  t.match((await delivery.engine.get(id))?.trail[0], { taken: ['ann', 'bob'] })
})

t.test(
  'what a transport throws defers and is charged: it may have been sent',
  async (t) => {
    const thrown = [new Error('boom\nat line 1'), 'a text', Object.create(null), undefined]
    for (const error of thrown) {
      const delivery = await Delivery.open(t, house)
      delivery.stage.play = () => {
        throw error
      }
      const id = await delivery.send('crm')
      await delivery.calm()
      const message = await delivery.engine.get(id)
      t.match(message, { entry: { state: 'deferred', tries: 1 } })
      t.match(message?.trail, [{ outcome: 'deferred', fault: 'configuration' }])
      t.match(message?.trail[0]?.reason, /^unforeseen: [^\n]+$/)
    }
  },
)

t.test('a body that cannot be read now waits uncharged, and nothing is sent', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.faults.readBody = () => Promise.reject(errno('EIO'))
  const id = await delivery.send('crm')
  await delivery.calm()
  t.match(await delivery.engine.get(id), {
    entry: { state: 'deferred', tries: 0, due: delivery.clock.now() + 60_000 },
    trail: [{ act: 'postponed', reason: 'body cannot be read: input/output error' }],
  })
  t.strictSame(delivery.stage.begun, [])
  delivery.faults = {}
  delivery.pass(60_000)
  await delivery.comesTo(id, 'gone')
})

t.test('a body that disproved itself is not sent, and no attempt is said', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.send('crm')
  delivery.store.damage(id)
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'corrupt')
  t.strictSame(delivery.stage.begun, [])
  t.strictSame(delivery.diary.of('attempt'), [])
})

t.test(
  'a full disk at the settlement repeats the settlement, never the delivery',
  async (t) => {
    const delivery = await Delivery.open(t, house)
    let refusals = 2
    delivery.faults.settle = (lease, settlement) =>
      refusals-- > 0
        ? Promise.reject(errno('ENOSPC'))
        : delivery.engine.settle(lease, settlement)
    const id = await delivery.send('crm')
    delivery.scheduler.kick()
    await until(() => refusals < 2, 'the first refusal')
    t.equal(delivery.diary.of('attempt').length, 1, 'its line does not wait for the disk')
    t.equal(delivery.scheduler.inFlight, 1, 'it is kept meanwhile')
    delivery.pass(DAY)
    await delivery.comesTo(id, 'gone')
    t.equal(delivery.stage.count('crm'), 1)
    t.equal(delivery.diary.of('attempt').length, 1)
    t.equal(delivery.diary.of('trouble').length, 1)
  },
)

t.test('a message that an operator took meanwhile is told of as lost', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.send('crm')
  delivery.stage.play = () => {
    delivery.store.items.delete(id)
    return DELIVERED
  }
  await delivery.calm()
  t.match(delivery.diary.lines, [
    { fields: { event: 'attempt', outcome: 'delivered' } },
    { level: 'warn', fields: { event: 'lost', id } },
  ])
})

t.test('an unknown destination is said once, costs nothing, and heals', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.send('crn')
  await delivery.calm()
  for (let look = 0; look < 5; look++) {
    delivery.pass(300_000)
    await delivery.calm()
  }
  t.match(await delivery.engine.get(id), { entry: { state: 'deferred', tries: 0 } })
  t.match(await delivery.trailOf(id), [
    { act: 'postponed', reason: 'no such destination "crn"' },
  ])
  t.equal((await delivery.trailOf(id)).length, 1)
  t.equal(delivery.settled.length, 6, 'it was looked at each time')
  t.match(delivery.diary.lines, [{ level: 'warn', fields: { event: 'postponed', id } }])
  t.equal(delivery.diary.lines.length, 1)

  delivery.destinations.set('crn', destinationOf('crn'))
  delivery.pass(300_000)
  await delivery.comesTo(id, 'gone')
  t.match(delivery.diary.lines.at(-1), { fields: { outcome: 'delivered', try: 1 } })
})

t.test('a destination that nobody ever knows ends in bounce at its lifetime', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.send('crn')
  await delivery.calm()
  delivery.pass(5 * DAY - 1)
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'deferred')
  delivery.pass(300_000)
  await delivery.comesTo(id, 'bounce')
  const reason = 'no such destination "crn"; given up after 5d'
  t.match((await delivery.trailOf(id)).at(-1), { act: 'expired', reason })
  t.match(delivery.diary.lines.at(-1), {
    level: 'error',
    fields: { event: 'expired', id, to: 'crn', lane: 'crn', reason },
  })
})

t.test('past its last moment a message bounces untried, known or not', async (t) => {
  const delivery = await Delivery.open(t, house)
  const expiresAt = delivery.clock.iso(1000)
  const ids = [
    await delivery.send('crm', { expiresAt }),
    await delivery.send('crn', { expiresAt }),
  ]
  delivery.pass(1000)
  for (const id of ids) {
    await delivery.comesTo(id, 'bounce')
    t.match(await delivery.engine.get(id), {
      entry: { tries: 0 },
      trail: [{ act: 'expired', reason: 'it expired, as its sender said' }],
    })
  }
  t.strictSame(delivery.stage.begun, [])
  t.strictSame(
    delivery.diary.lines.map(({ level, fields }) => [level, fields['event']]),
    [
      ['error', 'expired'],
      ['error', 'expired'],
    ],
  )
})

t.test('a message is tried until its last moment and not beyond', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = () => BUSY
  const id = await delivery.send('crm', { expiresAt: delivery.clock.iso(25_000) })
  await delivery.calm()
  delivery.pass(10_000)
  await delivery.calm()
  t.match(await delivery.engine.get(id), { entry: { tries: 2 } })
  t.equal((await delivery.engine.get(id))?.entry.due, delivery.clock.now() + 15_000)
  delivery.pass(15_000)
  await delivery.comesTo(id, 'bounce')
  t.equal(delivery.stage.count('crm'), 2)
})

t.test(
  'what waits for a secret is charged nothing, however often it is looked at',
  async (t) => {
    const delivery = await Delivery.open(t, house)
    delivery.stage.play = () => UNCHARGED
    const id = await delivery.send('crm')
    await delivery.calm()
    for (let look = 0; look < 20; look++) {
      delivery.pass(DAY)
      await delivery.calm()
    }
    const message = await delivery.engine.get(id)
    t.match(message, { entry: { state: 'deferred', tries: 0 } })
    t.equal(message?.trail.length, 1)
    t.equal(delivery.stage.count('crm'), 21)
    const warned = delivery.diary.lines.filter(({ level }) => level !== 'debug')
    t.equal(warned.length, 1, 'nor is the log filled')
  },
)

t.test('so does what no route leads to its destination any more', async (t) => {
  const delivery = await Delivery.open(t, house)
  const reason = 'no route leads event "e" to crm any more'
  delivery.stage.play = () => ({ ...UNCHARGED, reason, nowhere: true })
  const id = await delivery.send('crm')
  await delivery.calm()
  delivery.pass(5 * DAY - 1)
  await delivery.calm()
  t.match(await delivery.engine.get(id), { entry: { state: 'deferred', tries: 0 } })
  delivery.pass(HOUR)
  await delivery.comesTo(id, 'bounce')
  const line = { act: 'expired', reason: `${reason}; given up after 5d` }
  t.match((await delivery.trailOf(id)).at(-1), line)
})

/** One attempt without a scheduler: how it is settled. */
async function settledAs(
  play: Stage['play'],
  more: { stop?: boolean; routing?: () => never; msOfAttempt?: number } = {},
) {
  const stage = new Stage()
  const log = new Diary()
  let passed = 0
  const clock = {
    now: () => Date.parse('2026-11-20T10:00:00Z') + Math.round(passed),
    monotonic: () => 1000.25 + passed,
  }
  const settlements: unknown[] = []
  const stop = new AbortController()
  stage.play = (attempt, signal) => {
    if (more.stop) stop.abort()
    passed += more.msOfAttempt ?? 0
    return play(attempt, signal)
  }
  const deliver = deliverer({
    claims: {
      claim: async () => [],
      settle: async (_lease, settlement) => {
        settlements.push(settlement)
        return 'ok'
      },
      record: async () => 'ok',
      readBody: async () => ({ kind: 'bytes', bytes: Buffer.from('hello') }),
      nextDue: () => undefined,
      watch: async () => {},
    },
    clock,
    dice: () => 0.5,
    lanes: new Lanes(clock, () => destinationOf('crm')),
    log,
    recalls: new Recalls(),
    transport: stage,
    routing:
      more.routing ??
      (() => {
        const destination = destinationOf('crm')
        const events = { routes: [], unrouted: 'bounce' } as const
        return { destinationOf: () => destination, retry: destination.retry, events }
      }),
    suspend: () => {},
    mayExpire: () => true,
  })
  await deliver(leaseOf({}, { createdAt: clock.now() }), stop.signal)
  return { settlements, lines: log.lines }
}

function bug(): never {
  throw new Error('a bug')
}

t.test('what we cut off ourselves is put back and not charged', async (t) => {
  const { status: _, ...silent } = BUSY
  const { settlements, lines } = await settledAs(() => silent, { stop: true })
  t.strictSame(settlements, [{ to: 'released' }])
  t.match(lines, [{ level: 'info', fields: { outcome: 'released', id: ID } }])
})

t.test('what a receiver said while we stop counts', async (t) => {
  const later = { ...BUSY, notBefore: Date.parse('2026-11-20T12:00:00Z'), taken: ['ann'] }
  t.match((await settledAs(() => later, { stop: true })).settlements, [
    { to: 'deferred', due: later.notBefore, line: { status: 503, taken: ['ann'] } },
  ])
  t.strictSame((await settledAs(() => DELIVERED, { stop: true })).settlements, [
    { to: 'delivered' },
  ])
  t.match((await settledAs(() => GONE, { stop: true })).settlements, [{ to: 'bounced' }])
})

t.test('times are whole milliseconds, however fine the clock is', async (t) => {
  const { settlements, lines } = await settledAs(() => BUSY, { msOfAttempt: 27.6543 })
  t.match(settlements, [{ due: Date.parse('2026-11-20T10:00:10.028Z'), line: { ms: 28 } }])
  t.match(lines, [{ fields: { ms: 28, ageMs: 28, due: '2026-11-20T10:00:10.028Z' } }])
})

t.test(
  'a bug above the transport puts the message back instead of leaving it',
  async (t) => {
    const { settlements, lines } = await settledAs(() => DELIVERED, { routing: bug })
    t.match(settlements, [{ to: 'postponed', line: { reason: 'unforeseen: a bug' } }])
    t.match(lines, [{ level: 'error', fields: { event: 'trouble', id: ID } }])
  },
)
