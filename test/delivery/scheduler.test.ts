/**
 * scheduler - nobody waits for another's receiver, and nothing is done that need not be.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import fc from 'fast-check'
import t from 'tap'

import { FencedError } from '../../src/queue/queue.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import {
  BUSY,
  DELIVERED,
  Delivery,
  destinationOf,
  errno,
  gate,
  silence,
  until,
} from './support.ts'

const DAY = 86_400_000
const crm = destinationOf('crm')
const ops = destinationOf('ops')

t.test('a receiver that never answers delays nobody else', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm, ops] })
  delivery.stage.play = (attempt, signal) =>
    attempt.destination.name === 'crm' ? silence(attempt, signal) : DELIVERED
  await delivery.watch()
  await delivery.sendMany('crm', 50)
  const ids = await delivery.sendMany('ops', 50)
  for (const id of ids) await delivery.comesTo(id, 'gone')
  t.equal(delivery.stage.out.get('crm'), 5, 'its window is full')
  t.equal(delivery.stage.count('crm'), 5, 'and no more of it was tried')
  const later = await delivery.send('ops')
  await delivery.comesTo(later, 'gone')
})

t.test('neither a window nor the limit of all is ever exceeded', async (t) => {
  const cases = fc.record({
    windows: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
    activeLimit: fc.integer({ min: 1, max: 12 }),
    each: fc.integer({ min: 1, max: 25 }),
    delays: fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ windows, activeLimit, each, delays }) => {
      const destinations = windows.map((window, at) =>
        destinationOf(`lane${at}`, {}, window),
      )
      const delivery = await Delivery.open(t, { destinations, activeLimit })
      let turn = 0
      delivery.stage.play = async () => {
        for (let left = delays[turn++ % delays.length]!; left > 0; left--)
          await new Promise((resolve) => setImmediate(resolve))
        return DELIVERED
      }
      for (const { name } of destinations) await delivery.sendMany(name, each)
      await delivery.calm()
      const { most } = delivery.stage
      const left = await delivery.engine.list({}, { limit: 1 })
      return (
        destinations.every(({ name, lane }) => most.get(name)! <= lane.window) &&
        most.get('all')! <= activeLimit &&
        left.items.length === 0
      )
    }),
    { numRuns: 40 },
  )
})

t.test('lanes take turns, whoever sent more', async (t) => {
  const delivery = await Delivery.open(t, {
    destinations: [crm, ops, destinationOf('pager')],
    activeLimit: 1,
  })
  await delivery.sendMany('crm', 20)
  await delivery.sendMany('ops', 3)
  await delivery.sendMany('pager', 3)
  await delivery.calm()
  const early = delivery.stage.begun.slice(0, 9)
  for (const name of ['crm', 'ops', 'pager'])
    t.equal(
      early.filter((other) => other === name).length,
      3,
      `${name} three times of nine`,
    )
})

t.test('429 and 503 with a time close the whole lane until then', async (t) => {
  for (const status of [429, 503]) {
    const delivery = await Delivery.open(t, {
      destinations: [destinationOf('crm', {}, 1), ops],
    })
    delivery.stage.play = ({ destination: { name } }): Outcome =>
      name === 'ops'
        ? DELIVERED
        : { ...BUSY, status, notBefore: delivery.clock.now() + 60_000, wholeLane: true }
    const [first, second] = await delivery.sendMany('crm', 2)
    const other = await delivery.send('ops')
    await delivery.calm()
    t.equal(delivery.stage.count('crm'), 1, 'the second was not tried')
    t.match(await delivery.engine.get(second!), {
      entry: { tries: 0, due: delivery.clock.now() },
    })
    t.equal(await delivery.stateOf(other), 'gone', 'the other lane is open')
    t.match(delivery.diary.of('lane'), [
      { level: 'warn', fields: { lane: 'crm', until: delivery.clock.iso(60_000) } },
    ])
    delivery.stage.play = () => DELIVERED
    delivery.pass(59_999)
    await delivery.calm()
    t.equal(delivery.stage.count('crm'), 1)
    delivery.pass(1)
    await delivery.comesTo(second!, 'gone')
    await delivery.comesTo(first!, 'gone')
  }
})

t.test('a lane wakes by itself when its pause is over', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  const id = await delivery.send('crm')
  delivery.lanes.close('crm', delivery.clock.now() + 200, '503')
  const began = performance.now()
  delivery.scheduler.kick()
  // Nobody kicks again, so that only the timer can tell that the time is over.
  await until(() => delivery.claimed === 1, 'the look that finds it closed')
  delivery.clock.pass(200)
  await delivery.comesTo(id, 'gone')
  t.ok(performance.now() - began > 190)
})

t.test(
  'a lane is closed for the longest retry at most; its message keeps the time',
  async (t) => {
    const delivery = await Delivery.open(t, {
      destinations: [destinationOf('crm', { max: 30_000 })],
    })
    const notBefore = delivery.clock.now() + DAY
    delivery.stage.play = () => ({ ...BUSY, notBefore, wholeLane: true })
    const id = await delivery.send('crm')
    await delivery.calm()
    t.match(delivery.lanes.states(), [{ closedUntil: delivery.clock.now() + 30_000 }])
    t.match(await delivery.engine.get(id), { entry: { due: notBefore } })
  },
)

t.test('a time that is meant for one message leaves the lane open', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [destinationOf('crm', {}, 1)] })
  delivery.stage.play = () => ({ ...BUSY, notBefore: delivery.clock.now() + 60_000 })
  await delivery.sendMany('crm', 3)
  await delivery.calm()
  t.equal(delivery.stage.count('crm'), 3)
  t.strictSame(delivery.diary.of('lane'), [])
})

t.test('opening a closed lane and a kick send what waits for it', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  delivery.lanes.close('crm', delivery.clock.now() + DAY, '503')
  const id = await delivery.send('crm')
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'deferred')
  t.equal(delivery.lanes.open(), 1)
  delivery.scheduler.kick()
  await delivery.comesTo(id, 'gone')
})

t.test('what arrives goes out at once, and many hints are one look', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  await delivery.watch()
  await delivery.calm()
  const before = delivery.claimed
  for (let hint = 0; hint < 1000; hint++) delivery.scheduler.kick()
  await sleep(50)
  t.ok(delivery.claimed - before <= 2, `${delivery.claimed - before} looks`)
  const id = await delivery.send('crm')
  await delivery.comesTo(id, 'gone')
})

t.test('while nothing is due it sleeps: no timer and no look', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  await delivery.calm()
  const { claimed } = delivery
  const timers = t.capture(globalThis, 'setTimeout', globalThis.setTimeout)
  delivery.scheduler.kick()
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  t.strictSame(timers(), [], 'nothing to wait for')
  await sleep(150)
  t.equal(delivery.claimed - claimed, 1, 'the look that was asked for')
})

t.test('a due time farther than a timer reaches does not fire at once', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  const notBefore = delivery.clock.iso(2 ** 31 + 5 * DAY)
  const id = await delivery.send('crm', { notBefore })
  const warnings: Error[] = []
  const warn = (warning: Error) => void warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  await delivery.watch()
  await sleep(150)
  t.equal(delivery.claimed, 1)
  t.equal(await delivery.stateOf(id), 'deferred')
  t.strictSame(warnings, [])
})

t.test('a due message that cannot be claimed is looked for seldom', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  delivery.faults.claim = async () => []
  await delivery.send('crm')
  const began = performance.now()
  delivery.scheduler.kick()
  await sleep(300)
  const took = performance.now() - began
  t.ok(delivery.claimed >= 2, 'it is not given up')
  t.ok(delivery.claimed <= took / 30, `${delivery.claimed} looks in ${took} ms`)
  delivery.faults = {}
  await delivery.calm()
  t.equal(delivery.stage.count('crm'), 1)
})

t.test('it is quiet only when nothing is due and nothing in flight', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm, ops] })
  const answer = gate<Outcome>()
  delivery.stage.play = () => answer.passed
  const ids = await delivery.sendMany('crm', 12)
  let quiet = false
  const quieted = delivery.scheduler.quiet().then(() => {
    quiet = true
  })
  await until(() => delivery.stage.out.get('crm') === 5, 'the window is full')
  await sleep(50)
  t.notOk(quiet, 'while some are in flight')
  answer.open(DELIVERED)
  await quieted
  for (const id of ids) t.equal(await delivery.stateOf(id), 'gone')
  await delivery.scheduler.quiet()
})

t.test('what is due later, or in a closed lane, keeps nobody waiting', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm, ops] })
  await delivery.send('crm', { notBefore: delivery.clock.iso(60_000) })
  await delivery.send('ops')
  delivery.lanes.close('ops', delivery.clock.now() + 60_000, '503')
  await delivery.scheduler.quiet()
  t.strictSame(delivery.stage.begun, [])
})

t.test('a queue that could not be looked at is not quiet', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  await delivery.calm()
  const id = await delivery.send('crm')
  delivery.faults.claim = () => Promise.reject(errno('EIO'))
  // Without a good look an engine knows of nothing new.
  delivery.faults.nextDue = () => undefined
  let quiet = false
  const quieted = delivery.scheduler.quiet().then(() => {
    quiet = true
  })
  await until(() => delivery.claimed > 1, 'a look')
  await sleep(50)
  t.notOk(quiet)
  delivery.faults = {}
  await quieted
  t.equal(await delivery.stateOf(id), 'gone')
})

t.test('nor is one whose look was put off', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  await delivery.calm()
  delivery.faults = { owesLook: true, nextDue: () => delivery.clock.now() + 60_000 }
  let quiet = false
  const quieted = delivery.scheduler.quiet().then(() => {
    quiet = true
  })
  await sleep(50)
  t.notOk(quiet, 'what came is not known yet')
  delivery.faults = {}
  delivery.scheduler.kick()
  await quieted
})

t.test(
  'a claim that fails is tried again after a pause, and complained of once',
  async (t) => {
    const delivery = await Delivery.open(t, { destinations: [crm] })
    const id = await delivery.send('crm')
    const tried: number[] = []
    delivery.faults.claim = (want) => {
      tried.push(performance.now())
      if (tried.length < 3) return Promise.reject(errno('EIO'))
      return delivery.engine.claim(want)
    }
    delivery.scheduler.kick()
    await delivery.comesTo(id, 'gone')
    t.ok(tried[1]! - tried[0]! > 900, 'the first pause')
    t.ok(tried[2]! - tried[1]! > 900, 'the second pause')
    t.match(delivery.diary.of('trouble'), [
      { level: 'error', fields: { reason: 'input/output error' } },
    ])
    t.equal(delivery.diary.of('trouble').length, 1)
    t.strictSame(delivery.fenced, [])
  },
)

t.test('a queue that is not ours any more is told of once and left alone', async (t) => {
  const fence = new FencedError('spool: not ours any more')
  const delivery = await Delivery.open(t, { destinations: [crm] })
  const answer = gate<Outcome>()
  delivery.stage.play = () => answer.passed
  await delivery.send('crm')
  await delivery.watch()
  await until(() => delivery.stage.out.get('crm') === 1, 'one is out')
  delivery.faults.claim = () => Promise.reject(fence)
  delivery.faults.settle = () => Promise.reject(fence)
  await delivery.send('crm')
  await until(() => delivery.fenced.length > 0, 'the fence')
  const { claimed } = delivery
  answer.open(DELIVERED)
  await until(() => delivery.scheduler.inFlight === 0, 'the end of the attempt')
  await delivery.send('crm')
  await sleep(50)
  t.strictSame(delivery.fenced, [fence])
  t.equal(delivery.claimed, claimed, 'nothing is claimed any more')
  await delivery.scheduler.quiet()
})

t.test('a full house notices the fence as well', async (t) => {
  const fence = new FencedError('queue: it is not ours')
  const delivery = await Delivery.open(t, { destinations: [crm], activeLimit: 2 })
  delivery.faults.settle = () => Promise.reject(fence)
  await delivery.sendMany('crm', 5)
  const answer = gate<Outcome>()
  delivery.stage.play = () => answer.passed
  delivery.scheduler.kick()
  await until(() => delivery.stage.out.get('crm') === 2, 'the house is full')
  delivery.faults.claim = () => Promise.reject(fence)
  answer.open(DELIVERED)
  await until(() => delivery.fenced.length > 0, 'the fence')
  t.equal(delivery.stage.count('crm'), 2)
})

t.test('another limit counts for what is claimed from now on', async (t) => {
  const delivery = await Delivery.open(t, {
    destinations: [destinationOf('crm', {}, 100)],
    activeLimit: 2,
  })
  delivery.stage.play = silence
  await delivery.sendMany('crm', 20)
  delivery.scheduler.kick()
  await until(() => delivery.stage.out.get('crm') === 2, 'two are out')
  delivery.scheduler.configure(7)
  await until(() => delivery.stage.out.get('crm') === 7, 'seven are out')
  await sleep(20)
  t.equal(delivery.stage.most.get('all'), 7)
})

t.test('the watchdog sees each turn for itself, however busy we are', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [destinationOf('crm', {}, 1)] })
  const began = new Set<number | undefined>()
  delivery.faults.claim = async (want) => {
    // A slow disk: meanwhile attempts end, and each of them asks for the next turn.
    delivery.clock.pass(1)
    delivery.scheduler.kick()
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    began.add(delivery.scheduler.turnBeganAt)
    return delivery.engine.claim(want)
  }
  await delivery.sendMany('crm', 30)
  delivery.scheduler.kick()
  await until(() => delivery.stage.begun.length === 30, 'all were tried')
  t.ok(began.size >= 30, `${began.size} turns`)
  t.notOk(began.has(undefined))
  delivery.faults = {}
  await delivery.calm()
  t.equal(delivery.scheduler.turnBeganAt, undefined, 'no turn, no beginning')
})

t.test('the watchdog notices what is due and gets no turn', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [crm] })
  const { scheduler, clock } = delivery
  t.equal(scheduler.idleSince(), undefined, 'nothing is due')
  // No turn comes: the daemon does not watch, and nobody has asked for one.
  await delivery.sendMany('crm', 1)
  const { passed, open } = gate<[]>()
  delivery.faults.claim = () => passed
  clock.pass(1_000)
  const since = scheduler.idleSince()
  t.equal(since, clock.monotonic(), 'it counts from when it was found')
  clock.pass(70_000)
  t.equal(scheduler.idleSince(), since, 'until a turn has ended')
  await until(() => scheduler.turnBeganAt !== undefined, 'it was given one')
  t.equal(scheduler.idleSince(), scheduler.turnBeganAt, 'which does not end')
  delivery.faults = {}
  open([])
  await delivery.calm()
  t.equal(scheduler.idleSince(), undefined, 'and all is well again')
})

t.test('hundreds that wait for the disk wake no warning of Node', async (t) => {
  const delivery = await Delivery.open(t, { destinations: [destinationOf('crm', {}, 500)] })
  const warnings: Error[] = []
  const warn = (warning: Error) => void warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  delivery.faults.settle = () => Promise.reject(errno('ENOSPC'))
  await delivery.sendMany('crm', 300)
  delivery.scheduler.kick()
  await until(() => delivery.diary.of('trouble').length === 300, 'all of them wait')
  await sleep(20)
  t.strictSame(warnings, [])
})
