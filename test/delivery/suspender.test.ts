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
    onChange: () => delivery.scheduler.kick(),
  })
  t.teardown(() => suspender.close())
  const suspend = async (more: Partial<Suspension> = {}) => {
    await engine.suspend({ lane: 'crm', at: clock.now(), ...more })
    await suspender.look()
  }
  const doubt = (is: boolean) => {
    mayExpire = !is
  }
  return { delivery, suspender, suspend, doubt, faults }
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
  await suspender.suspend('crm', '401 Unauthorized')
  await suspender.look()
  t.equal(lanes.room('crm'), 0)
  t.strictSame(await engine.suspensions(), [])
  t.equal(diary.of('trouble').length, 1, 'said once')
  delete faults.suspend
  const at = clock.now()
  clock.pass(1_000)
  await suspender.look()
  const suspension = { lane: 'crm', at, why: '401 Unauthorized' }
  t.strictSame(await engine.suspensions(), [suspension])
  await suspender.suspend('crm', 'again')
  t.strictSame(await engine.suspensions(), [suspension], 'it is suspended already')
  t.equal(diary.of('lane').length, 1)
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
