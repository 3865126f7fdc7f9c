/**
 * stop - the end of the scheduler: what is on the wire ends or is put back, and nothing more
 * is claimed.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { parseRate } from '../../src/config/rate.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import type { Lease } from '../../src/queue/queue.ts'
import {
  DELIVERED,
  Delivery,
  destinationOf,
  errno,
  gate,
  silence,
  until,
} from './support.ts'

const house = { destinations: [destinationOf('crm')] }

t.test('it waits for what is on the wire, and claims nothing more', async (t) => {
  const delivery = await Delivery.open(t, house)
  const answer = gate<Outcome>()
  delivery.stage.play = () => answer.passed
  await delivery.watch()
  const ids = await delivery.sendMany('crm', 8)
  await until(() => delivery.stage.out.get('crm') === 5, 'the window is full')
  let stopped = false
  const stop = delivery.scheduler.stop(60_000).then(() => {
    stopped = true
  })
  const { claimed } = delivery
  await delivery.send('crm')
  await sleep(50)
  t.notOk(stopped)
  answer.open(DELIVERED)
  await stop
  const states = await Promise.all(ids.map((id) => delivery.stateOf(id)))
  t.equal(states.filter((state) => state === 'gone').length, 5, 'what was out has arrived')
  t.equal(states.filter((state) => state === 'deferred').length, 3, 'the rest waits')
  await sleep(50)
  t.equal(delivery.claimed, claimed)
  t.equal(delivery.stage.begun.length, 5)
})

t.test('after the grace what is on the wire is put back as it was', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = silence
  await delivery.watch()
  const id = await delivery.send('crm')
  await until(() => delivery.stage.out.get('crm') === 1, 'it is out')
  const before = (await delivery.engine.get(id))!.entry
  const began = performance.now()
  await delivery.scheduler.stop(200)
  t.ok(performance.now() - began >= 190, 'not before the grace is over')
  t.match(await delivery.engine.get(id), {
    entry: { state: 'incoming', tries: 0, due: before.due },
    trail: [],
  })
  t.match(delivery.settled, [{ id, settlement: { to: 'released' } }])
  t.match(delivery.diary.lines, [{ level: 'info', fields: { outcome: 'released' } }])
})

t.test('an idle one stops at once', async (t) => {
  const delivery = await Delivery.open(t, house)
  await delivery.send('crm', { notBefore: delivery.clock.iso(3_600_000) })
  await delivery.calm()
  await delivery.scheduler.stop(60_000)
  await delivery.scheduler.stop(60_000)
  t.pass('twice')
})

t.test('who waits until all is quiet is let go where it is broken off', async (t) => {
  const paced = destinationOf('crm', {}, { window: 20, rate: parseRate('1/h')! })
  const delivery = await Delivery.open(t, { destinations: [paced] })
  await delivery.sendMany('crm', 2)
  const quiet = delivery.scheduler.quiet()
  await until(() => delivery.settled.length === 1, 'the other waits for its rate')
  await sleep(50)
  delivery.scheduler.abort()
  t.equal(await Promise.race([quiet, sleep(2_000, 'it waits')]), undefined)
})

t.test('a second word ends it before the grace is over', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = silence
  const id = await delivery.send('crm')
  delivery.scheduler.kick()
  await until(() => delivery.stage.out.get('crm') === 1, 'it is out')
  const stop = delivery.scheduler.stop(3_600_000)
  delivery.scheduler.abort()
  await stop
  t.equal(await delivery.stateOf(id), 'incoming')
})

t.test('cut off without a stop, it puts back and claims nothing again', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = silence
  const id = await delivery.send('crm')
  const quiet = delivery.scheduler.quiet()
  await until(() => delivery.stage.out.get('crm') === 1, 'it is out')
  delivery.scheduler.abort()
  await quiet
  await sleep(50)
  t.equal(await delivery.stateOf(id), 'incoming')
  t.equal(delivery.stage.count('crm'), 1, 'msgqd --once ends instead of spinning')
})

/** Stops while a claim is under way; `hint` arrives during it. */
async function stopDuringClaim(delivery: Delivery, hint: boolean): Promise<void> {
  const claim = gate()
  let claiming = false
  delivery.faults.claim = async (want) => {
    claiming = true
    await claim.passed
    return delivery.engine.claim(want)
  }
  delivery.scheduler.kick()
  await until(() => claiming, 'the claim')
  if (hint) delivery.scheduler.kick()
  await sleep(5)
  const stop = delivery.scheduler.stop(60_000)
  claim.open()
  await stop
}

t.test('what a claim brings after the stop goes back untried', async (t) => {
  const delivery = await Delivery.open(t, house)
  const ids = await delivery.sendMany('crm', 3)
  await stopDuringClaim(delivery, false)
  for (const id of ids)
    t.match(await delivery.engine.get(id), { entry: { state: 'incoming', tries: 0 } })
  t.strictSame(delivery.stage.begun, [])
})

t.test('a hint during that claim does not keep it from stopping', async (t) => {
  const delivery = await Delivery.open(t, house)
  await stopDuringClaim(delivery, true)
  t.equal(delivery.claimed, 1)
})

t.test('nor does a message that would have to go alone', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.sendInterrupted('crm', 2)
  await stopDuringClaim(delivery, false)
  t.equal(await delivery.stateOf(id), 'incoming')
})

t.test('a disk that refuses to the end does not keep it from stopping', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.faults.settle = () => Promise.reject(errno('ENOSPC'))
  const id = await delivery.send('crm')
  delivery.scheduler.kick()
  await until(() => delivery.diary.of('trouble').length === 1, 'the refusal')
  await delivery.scheduler.stop(100)
  t.equal(await delivery.stateOf(id), 'active', 'recovery finds it there')
  t.match(delivery.diary.lines.at(-1), {
    level: 'error',
    fields: { event: 'trouble', id },
    message: 'not settled as delivered: left in flight',
  })
})

t.test('every lease that was ever given is settled', async (t) => {
  const delivery = await Delivery.open(t, {
    destinations: [destinationOf('crm', {}, 3), destinationOf('ops', {}, 3)],
    activeLimit: 4,
  })
  const leased = new Set<string>()
  delivery.faults.claim = async (want) => {
    const leases: readonly Lease[] = await delivery.engine.claim(want)
    for (const { token } of leases) leased.add(token)
    return leases
  }
  let attempts = 0
  delivery.stage.play = async (attempt, signal) => {
    attempts++
    if (attempts % 5 === 0) return silence(attempt, signal)
    await new Promise((resolve) => setImmediate(resolve))
    return DELIVERED
  }
  await delivery.watch()
  for (const to of ['crm', 'ops', 'crn']) await delivery.sendMany(to, 20)
  await sleep(20)
  await delivery.scheduler.stop(20)
  t.equal(delivery.settled.length, leased.size)
  t.ok(leased.size > 0)
  const { states } = await delivery.engine.stats()
  t.equal(states.active, 0)
})
