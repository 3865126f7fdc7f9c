/**
 * lanes-outage - whole lanes through bad times: outage and return, flapping, rates, crowds.
 */
import t from 'tap'

import { parseRate } from '../../src/config/rate.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import { BUSY, DELIVERED, Delivery, destinationOf, silence, until } from './support.ts'

const MINUTE = 60_000
const REFUSED = {
  kind: 'deferred',
  reason: 'connection refused',
  fault: 'network',
} as const satisfies Outcome
const house = { window: 20, first: 5 }
const crm = destinationOf('crm', {}, house)
const ops = destinationOf('ops')

/** A few turns of the loop, so that what may go at once is seen at once. */
async function slowly(outcome: Outcome, turns = 5): Promise<Outcome> {
  for (let left = turns; left > 0; left--)
    await new Promise((resolve) => setImmediate(resolve))
  return outcome
}

t.test('a dead receiver is hardly tried, and its messages are not charged', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm, ops] })
  delivery.stage.play = ({ destination: { name } }) =>
    slowly(name === 'crm' ? REFUSED : DELIVERED)
  const ids = await delivery.sendMany('crm', 300)
  await delivery.calm()
  const first = delivery.stage.count('crm')
  t.ok(first >= 5 && first <= 10, `${first} before it is closed`)
  delivery.stage.most.clear()
  for (let second = 0; second < 3600; second++) {
    delivery.pass(1000)
    if (second % 600 === 0) await delivery.send('ops')
    if (second % 5 === 0) await delivery.calm()
  }
  await delivery.calm()
  const probes = delivery.stage.count('crm') - first
  t.ok(probes >= 12 && probes <= 20, `${probes} probes in an hour`)
  t.equal(delivery.stage.most.get('crm'), 1, 'never two at once')
  t.equal(delivery.stage.count('ops'), 6, 'nobody else noticed')
  let untried = 0
  for (const id of ids) if ((await delivery.engine.get(id))?.entry.tries === 0) untried++
  t.ok(untried >= 270, `${untried} were not tried`)
  t.match(
    delivery.diary.of('lane').map(({ level, fields }) => [level, fields['state']]),
    [['warn', 'closed']],
    'one line for one outage',
  )
})

t.test(
  'a receiver that comes back meets a probe, then the first window, no herd',
  async (t) => {
    const delivery = await Delivery.open(t, { destinations: [crm] })
    delivery.stage.play = () => slowly(REFUSED)
    const ids = await delivery.sendMany('crm', 1000)
    await delivery.calm()
    for (let n = 0; n < 30; n++) {
      delivery.pass(MINUTE)
      await delivery.calm()
    }
    delivery.stage.most.clear()
    const met: number[] = []
    const before = delivery.stage.begun.length
    delivery.stage.play = () => {
      met.push(delivery.stage.out.get('crm')!)
      return slowly(DELIVERED, 1 + ((met.length * 7) % 11))
    }
    delivery.pass(5 * MINUTE)
    await delivery.calm()
    t.equal(delivery.stage.begun.length - before, 1000)
    t.equal(met[0], 1)
    t.ok(Math.max(...met.slice(1, 5)) <= 5, `then ${met.slice(1, 12).join()}`)
    for (const [at, together] of met.entries())
      if (together > 5 + at / 5) t.fail(`${together} together after ${at}`)
    t.ok(Math.max(...met) <= 20, 'never more than the most')
    t.ok(Math.max(...met) >= 18, `and it gets there: ${Math.max(...met)}`)
    for (const id of ids) t.equal(await delivery.stateOf(id), 'gone')
    t.match(delivery.diary.of('lane'), [
      {
        level: 'warn',
        fields: { lane: 'crm', state: 'closed', reason: 'connection refused' },
      },
      { level: 'info', fields: { lane: 'crm', state: 'open' } },
    ])
  },
)

t.test('a flapping receiver gets everything in the end, within its window', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  let minute = 0
  delivery.stage.play = () => slowly(minute % 2 === 0 ? REFUSED : DELIVERED)
  const ids = await delivery.sendMany('crm', 400)
  for (; minute < 400; minute++) {
    await delivery.calm()
    delivery.pass(MINUTE)
  }
  await delivery.calm()
  for (const id of ids) t.equal(await delivery.stateOf(id), 'gone')
  t.ok(delivery.stage.most.get('crm')! <= 20)
  const lines = delivery.diary.of('lane').map(({ fields }) => fields['state'])
  t.ok(
    lines.every((state, at) => state === (at % 2 === 0 ? 'closed' : 'open')),
    'closed and open take turns in the log',
  )
})

t.test('one message a minute goes at once, beside a crowd in other lanes', async (t) => {
  const paced = { ...house, rate: parseRate('100/m burst 20')! }
  const delivery = await Delivery.open(t, {
    destinations: [
      ops,
      ...['slow', 'dead', 'mute'].map((it) => destinationOf(it, {}, paced)),
    ],
    activeLimit: 100,
  })
  delivery.stage.play = (attempt, signal) => {
    if (attempt.destination.name === 'mute') return silence(attempt, signal)
    return attempt.destination.name === 'dead' ? REFUSED : DELIVERED
  }
  for (const lane of ['slow', 'dead', 'mute']) await delivery.sendMany(lane, 3000)
  await delivery.watch()
  await until(() => delivery.stage.count('slow') === 20, 'the crowd is under way')
  for (let minute = 1; minute <= 20; minute++) {
    const turns = delivery.claimed
    const id = await delivery.send('ops')
    await delivery.comesTo(id, 'gone')
    t.ok(delivery.claimed - turns < 50, 'in a few turns')
    delivery.pass(MINUTE)
    const slow = delivery.stage.count('slow')
    t.ok(slow <= 20 + 100 * minute, `${slow} of the slow lane`)
  }
  t.ok(delivery.stage.count('slow') > 100, 'it went on meanwhile')
  t.equal(delivery.stage.count('mute'), 5, 'its window')
})

t.test('a start with a crowd for one lane serves the others in their turn', async (t) => {
  const others = Array.from({ length: 20 }, (_, n) => destinationOf(`lane${n}`))
  const delivery = await Delivery.open(t, {
    destinations: [crm, ...others],
    activeLimit: 10,
  })
  await delivery.sendMany('crm', 5000)
  for (const { name } of others) await delivery.send(name)
  delivery.scheduler.kick()
  await until(
    () => others.every(({ name }) => delivery.stage.count(name) === 1),
    'each of the others',
  )
  const last = Math.max(...others.map(({ name }) => delivery.stage.begun.indexOf(name)))
  t.ok(last < 60, `the last of twenty was number ${last}`)
})

t.test(
  'a rate is kept on the wire, and the scheduler sleeps until there is room',
  async (t) => {
    const paced = destinationOf('crm', {}, { window: 20, rate: parseRate('10/s burst 2')! })
    const delivery = await Delivery.open(t, { destinations: [paced] })
    const sent: number[] = []
    delivery.stage.play = () => {
      sent.push(delivery.clock.now())
      return DELIVERED
    }
    const began = delivery.clock.now()
    await delivery.sendMany('crm', 12)
    await delivery.watch()
    await until(() => sent.length === 2, 'the burst')
    for (let n = 3; n <= 12; n++) {
      // Nobody kicks: it must have set a timer of its own.
      delivery.clock.pass(100)
      await until(() => sent.length === n, `number ${n}`)
    }
    t.strictSame(
      sent.map((at) => at - began),
      [0, 0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000],
    )
  },
)

t.test('--once waits for a rate', async (t) => {
  const paced = destinationOf('crm', {}, { window: 20, rate: parseRate('1/s')! })
  const delivery = await Delivery.open(t, { destinations: [paced] })
  const ids = await delivery.sendMany('crm', 3)
  let quiet = false
  const quieted = delivery.scheduler.quiet().then(() => {
    quiet = true
  })
  for (let n = 1; n <= 3; n++) {
    await until(() => delivery.settled.length === n, `number ${n}`)
    t.notOk(quiet && n < 3)
    delivery.pass(1000)
  }
  await quieted
  for (const id of ids) t.equal(await delivery.stateOf(id), 'gone')
})

t.test('what has expired takes nothing from the rate', async (t) => {
  const paced = destinationOf('crm', {}, { window: 20, rate: parseRate('1/h')! })
  const delivery = await Delivery.open(t, { destinations: [paced] })
  const expiresAt = delivery.clock.iso(1000)
  for (let n = 0; n < 30; n++) await delivery.send('crm', { expiresAt })
  delivery.clock.pass(2000)
  const good = await delivery.send('crm')
  await delivery.watch()
  await delivery.comesTo(good, 'gone')
  t.equal(delivery.diary.of('expired').length, 30)
})

t.test('a message that is poison for its receiver closes no lane', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  delivery.stage.play = () => BUSY
  await delivery.send('crm')
  for (let n = 0; n < 20; n++) {
    await delivery.calm()
    delivery.pass(5 * 60 * MINUTE)
  }
  await delivery.calm()
  t.ok(delivery.stage.count('crm') >= 20)
  t.strictSame(delivery.diary.of('lane'), [])
})
