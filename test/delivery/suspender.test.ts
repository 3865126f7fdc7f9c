/**
 * suspender - a suspended lane in a whole delivery: what waits, what goes on, and what is said.
 */
import t from 'tap'
import type { Test } from 'tap'

import { Suspender } from '../../src/delivery/suspender.ts'
import type { Suspension } from '../../src/message/suspension.ts'
import type { Suspensions } from '../../src/queue/queue.ts'
import { DELIVERED, Delivery, destinationOf, errno, gate, until } from './support.ts'

async function open(t: Test, faults: Partial<Suspensions> = {}) {
  const house = { destinations: [destinationOf('crm'), destinationOf('ops')] }
  const delivery = await Delivery.open(t, house)
  const { engine, clock, lanes, diary } = delivery
  const configs = new Map([['crm', '1']])
  let mayExpire = true
  const suspender = new Suspender({
    suspensions: {
      suspend: (it) => (faults.suspend ?? ((one) => engine.suspend(one)))(it),
      resume: (...it) => (faults.resume ?? ((...all) => engine.resume(...all)))(...it),
      suspensions: () => (faults.suspensions ?? (() => engine.suspensions()))(),
    },
    lanes,
    clock,
    log: diary,
    mayExpire: () => mayExpire,
    configOf: (lane) => configs.get(lane) ?? '-',
    onChange: () => delivery.scheduler.kick(),
  })
  delivery.suspend = (...told) => void suspender.suspend(...told)
  t.teardown(() => suspender.close())
  const suspend = async (more: Partial<Suspension> = {}) => {
    await engine.suspend({ lane: 'crm', at: clock.now(), ...more })
    await suspender.look()
  }
  const doubt = (is: boolean) => {
    mayExpire = !is
  }
  return { delivery, suspender, suspend, doubt, faults, configs }
}

t.test('of a suspended lane nothing goes out, and nothing is charged', async (t) => {
  const { delivery, suspender, suspend } = await open(t)
  await suspender.open()
  await suspend({ by: 'ann', why: 'down' })
  const [crm, ops] = [await delivery.send('crm'), await delivery.send('ops')]
  await delivery.calm()
  t.equal(await delivery.stateOf(ops), 'gone', 'the others go on')
  const { entry, trail } = (await delivery.engine.get(crm))!
  t.match(entry, { state: 'deferred', tries: 0 })
  t.strictSame(trail, [])
  t.strictSame(delivery.stage.begun, ['ops'])
  await delivery.engine.resume('crm')
  await suspender.look()
  await delivery.comesTo(crm, 'gone')
})

t.test('what is under way goes on to its end', async (t) => {
  const { delivery, suspender, suspend } = await open(t)
  await suspender.open()
  const { passed, open: answer } = gate()
  delivery.stage.play = async () => {
    await passed
    return DELIVERED
  }
  const id = await delivery.send('crm')
  delivery.scheduler.kick()
  await until(() => delivery.stage.count('crm') === 1, 'an attempt')
  await suspend()
  const next = await delivery.send('crm')
  t.match(delivery.lanes.states(), [
    { lane: 'crm', state: 'suspended', active: 1, window: 0 },
  ])
  answer()
  await delivery.comesTo(id, 'gone')
  await delivery.calm()
  t.equal(await delivery.stateOf(next), 'deferred')
})

t.test('it ends by itself, without anybody looking', async (t) => {
  const { delivery, suspender, suspend } = await open(t)
  await suspender.open()
  await suspend({ until: delivery.clock.now() + 5_000 })
  const id = await delivery.send('crm')
  await delivery.calm()
  t.equal(delivery.lanes.nextOpening(), delivery.clock.now() + 5_000)
  delivery.pass(4_999)
  await delivery.calm()
  t.equal(delivery.lanes.room('crm'), 0)
  delivery.pass(1)
  await delivery.comesTo(id, 'gone')
})

t.test('each change is said once', async (t) => {
  const { delivery, suspender, suspend } = await open(t)
  const said = () =>
    delivery.diary.of('lane').map(({ level, fields }) => {
      const { event: _, ...rest } = fields
      return { level, ...rest }
    })
  const until = delivery.clock.now() + 5_000
  await suspend({ by: 'ann', why: 'down', until })
  await suspender.open()
  await suspender.look()
  const iso = new Date(until).toISOString()
  const first = { lane: 'crm', state: 'suspended', by: 'ann', until: iso, reason: 'down' }
  t.strictSame(said(), [{ level: 'warn', ...first }])
  await suspend({ by: 'bob' })
  await suspender.look()
  t.strictSame(said()[1], { level: 'warn', lane: 'crm', state: 'suspended', by: 'bob' })
  await delivery.engine.resume('crm')
  await suspender.look()
  await suspender.look()
  t.strictSame(said()[2], { level: 'info', lane: 'crm', state: 'open', reason: 'resumed' })
  t.equal(said().length, 3)
})

t.test('what is over is removed, but not while the clock is in doubt', async (t) => {
  const { delivery, suspender, suspend, doubt } = await open(t)
  await suspend({ until: delivery.clock.now() + 5_000 })
  delivery.clock.pass(31_536_000_000)
  doubt(true)
  await suspender.look()
  t.equal(delivery.lanes.room('crm'), 5, 'it counts no more')
  t.equal((await delivery.engine.suspensions()).length, 1, 'and may count again')
  delivery.clock.pass(-31_536_000_000)
  await suspender.look()
  t.equal(delivery.lanes.room('crm'), 0)
  doubt(false)
  delivery.clock.pass(5_000)
  await suspender.look()
  t.strictSame(await delivery.engine.suspensions(), [])
})

t.test('a rule suspends at once, and on a full disk as soon as it can', async (t) => {
  const faults: Partial<Suspensions> = {}
  const { delivery, suspender } = await open(t, faults)
  const { clock, engine, lanes, diary } = delivery
  await suspender.open()
  faults.suspend = () => Promise.reject(errno('ENOSPC'))
  await suspender.suspend('crm', '401 Unauthorized', clock.monotonic())
  await suspender.look()
  t.equal(lanes.room('crm'), 0)
  t.strictSame(await engine.suspensions(), [])
  t.equal(diary.of('trouble').length, 1, 'said once')
  delete faults.suspend
  const at = clock.now()
  clock.pass(1_000)
  await suspender.look()
  const suspension = { lane: 'crm', at, why: '401 Unauthorized', config: '1' }
  t.strictSame(await engine.suspensions(), [suspension])
  await suspender.suspend('crm', 'again', clock.monotonic())
  t.strictSame(await engine.suspensions(), [suspension], 'it is suspended already')
  t.equal(diary.of('lane').length, 1)
})

t.test('a full disk keeps nobody from being heard', async (t) => {
  const faults: Partial<Suspensions> = {}
  const { delivery, suspender, configs } = await open(t, faults)
  const { clock, engine, lanes, diary } = delivery
  await engine.suspend({ lane: 'ops', at: clock.now(), by: 'ann' })
  await suspender.open()
  faults.suspend = () => Promise.reject(errno('ENOSPC'))
  await suspender.suspend('crm', '401 Unauthorized', clock.monotonic())
  await engine.resume('ops')
  await suspender.look()
  t.strictSame([lanes.room('crm'), lanes.room('ops')], [0, 5], 'ops was resumed')
  configs.set('crm', '2')
  await suspender.look()
  t.equal(lanes.room('crm'), 5, 'and crm was mended')
  const reason = 'its configuration changed'
  t.match(diary.of('lane').at(-1), { fields: { lane: 'crm', state: 'open', reason } })
  delete faults.suspend
  await suspender.look()
  t.strictSame(await engine.suspensions(), [])
})

t.test('one answer of many suspends the lane, and none is charged', async (t) => {
  const { delivery, suspender, configs } = await open(t)
  await suspender.open()
  const reason = '401 Unauthorized (rule: suspend)'
  delivery.stage.play = () => ({
    kind: 'deferred',
    reason,
    status: 401,
    fault: 'configuration',
    uncharged: true,
    suspends: true,
  })
  const ids: string[] = []
  for (let n = 0; n < 20; n++) ids.push(await delivery.send('crm'))
  await delivery.calm()
  const tried = delivery.stage.count('crm')
  t.ok(tried <= 5, `no more than the window: ${tried}`)
  t.match(delivery.lanes.states(), [{ state: 'suspended', suspended: { why: reason } }])
  const told = delivery.diary.of('lane')
  t.equal(told.length, 1, 'said once')
  for (const id of ids) t.match(await delivery.engine.get(id), { entry: { tries: 0 } })
  const { trail } = (await delivery.engine.get(ids[0]!))!
  t.match(trail, [{ act: 'postponed', reason }])
  delivery.stage.play = () => DELIVERED
  configs.set('crm', '2')
  await suspender.look()
  // Due at once, those that were tried too.
  for (const id of ids) await delivery.comesTo(id, 'gone')
})

t.test('what a rule suspended goes on with another configuration', async (t) => {
  const { delivery, suspender, configs } = await open(t)
  const { clock, engine, lanes, diary } = delivery
  await suspender.open()
  const began = clock.monotonic()
  clock.pass(1)
  await suspender.suspend('crm', '401 Unauthorized', began)
  await suspender.look()
  t.equal(lanes.room('crm'), 0)
  configs.set('crm', '2')
  clock.pass(1)
  await suspender.look()
  t.equal(lanes.room('crm'), 5)
  t.strictSame(await engine.suspensions(), [])
  t.match(diary.of('lane').at(-1), {
    fields: { state: 'open', reason: 'its configuration changed' },
  })
  await suspender.suspend('crm', '401 Unauthorized', began)
  t.equal(lanes.room('crm'), 5, 'an attempt from before it was mended suspends nothing')
  await suspender.suspend('crm', '401 Unauthorized', clock.monotonic())
  t.match(await engine.suspensions(), [{ lane: 'crm', config: '2' }])
  // What a person suspends is his, whatever the configuration.
  await engine.suspend({ lane: 'crm', at: clock.now(), by: 'ann' })
  await suspender.look()
  configs.set('crm', '3')
  await suspender.look()
  t.match(await engine.suspensions(), [{ lane: 'crm', by: 'ann' }])
  await suspender.suspend('crm', '401 Unauthorized', clock.monotonic())
  t.match(await engine.suspensions(), [{ lane: 'crm', by: 'ann' }], 'nor does a rule')
})

t.test('a queue that cannot be read leaves the lanes as they are', async (t) => {
  const faults: Partial<Suspensions> = {}
  const { delivery, suspender, suspend } = await open(t, faults)
  await suspend()
  faults.suspensions = () => Promise.reject(errno('EMFILE'))
  await delivery.engine.resume('crm')
  await suspender.look()
  t.equal(delivery.lanes.room('crm'), 0)
  delete faults.suspensions
  await suspender.look()
  t.equal(delivery.lanes.room('crm'), 5)
})

t.test(
  'a lane that only its rate kept back is not paced while it is suspended',
  async (t) => {
    const { delivery, suspend } = await open(t)
    const rate = { count: 1, per: 60_000, burst: 1 }
    delivery.destinations.set('crm', destinationOf('crm', {}, { window: 5, rate } as never))
    const id = 'x'
    delivery.lanes.begin('crm', id)
    delivery.lanes.send('crm', id)
    delivery.lanes.end('crm', id)
    t.ok(delivery.lanes.isPaced('crm'))
    await suspend()
    t.notOk(delivery.lanes.isPaced('crm'))
    t.match(delivery.lanes.states(), [{ state: 'suspended' }])
  },
)
