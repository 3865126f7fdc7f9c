/**
 * suspects - a message in whose delivery the daemon died takes nobody with it the next time.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import type { Outcome } from '../../src/message/outcome.ts'
import {
  DELIVERED,
  Delivery,
  destinationOf,
  errno,
  gate,
  silence,
  until,
} from './support.ts'

const house = {
  destinations: [destinationOf('crm'), destinationOf('ops'), destinationOf('pager')],
}

/** Has a stage tell, at each attempt on `name`, how many attempts are out. */
function watchAlone(delivery: Delivery, name: string): number[] {
  const seen: number[] = []
  delivery.stage.play = async ({ destination }) => {
    const look = () => {
      if (destination.name === name) seen.push(delivery.stage.out.get('all')!)
    }
    look()
    for (let left = 5; left > 0; left--) await new Promise((done) => setImmediate(done))
    look()
    return DELIVERED
  }
  return seen
}

t.test('with one interruption it goes like any other', async (t) => {
  const delivery = await Delivery.open(t, house)
  await delivery.sendInterrupted('crm', 1)
  await delivery.sendMany('crm', 4)
  const seen = watchAlone(delivery, 'crm')
  await delivery.calm()
  t.equal(Math.max(...seen), 5)
})

t.test('with two it goes alone, after the others and before the next', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.sendInterrupted('pager', 2)
  const seen = watchAlone(delivery, 'pager')
  await delivery.sendMany('crm', 12)
  await delivery.sendMany('ops', 12)
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'gone')
  t.strictSame(seen, [1, 1], 'nothing else at its beginning and at its end')
  t.equal(delivery.stage.begun.length, 25, 'all others went as well')
})

t.test('what arrives while it is out waits for its end', async (t) => {
  const delivery = await Delivery.open(t, house)
  const answer = gate<Outcome>()
  delivery.stage.play = ({ destination }) =>
    destination.name === 'pager' ? answer.passed : DELIVERED
  await delivery.sendInterrupted('pager', 2)
  await delivery.watch()
  await until(() => delivery.stage.count('pager') === 1, 'it is out')
  const id = await delivery.send('crm')
  await sleep(50)
  t.equal(await delivery.stateOf(id), 'incoming')
  answer.open(DELIVERED)
  await delivery.comesTo(id, 'gone')
})

t.test('while it waits it is not in flight: another crash is not its fault', async (t) => {
  const delivery = await Delivery.open(t, house)
  const answer = gate<Outcome>()
  delivery.stage.play = ({ destination }) =>
    destination.name === 'crm' ? answer.passed : DELIVERED
  const ids = [
    await delivery.sendInterrupted('pager', 2),
    await delivery.sendInterrupted('ops', 2),
    await delivery.sendInterrupted('ops', 2),
  ]
  await delivery.send('crm')
  await delivery.watch()
  await until(() => delivery.stage.count('crm') === 1, 'another is out')
  await sleep(50)
  for (const id of ids)
    t.match(await delivery.engine.get(id), { entry: { state: 'incoming', tries: 0 } })
  t.equal(delivery.stage.begun.length, 1)
  answer.open(DELIVERED)
  for (const id of ids) await delivery.comesTo(id, 'gone')
})

t.test('several go one by one, and the others go in between', async (t) => {
  const delivery = await Delivery.open(t, house)
  const suspects = await Promise.all(
    [1, 2, 3].map(() => delivery.sendInterrupted('pager', 2)),
  )
  const answers = suspects.map(() => gate<Outcome>())
  let turn = 0
  delivery.stage.play = ({ destination }) =>
    destination.name === 'pager' ? answers[turn++]!.passed : DELIVERED
  await delivery.watch()
  for (const [at, answer] of answers.entries()) {
    await until(() => delivery.stage.count('pager') === at + 1, `suspect ${at} is out`)
    const id = await delivery.send('crm')
    t.equal(delivery.stage.out.get('all'), 1)
    answer.open(DELIVERED)
    await delivery.comesTo(id, 'gone')
  }
  for (const id of suspects) await delivery.comesTo(id, 'gone')
})

t.test('with three it is held with that reason, untried and uncharged', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.sendInterrupted('crm', 3)
  const other = await delivery.send('crm')
  await delivery.calm()
  const reason = 'the daemon died 3 times while it was delivered'
  const message = await delivery.engine.get(id)
  t.match(message, { entry: { state: 'hold', tries: 0 } })
  t.match(message?.trail.at(-1), { act: 'held', reason })
  t.equal(await delivery.stateOf(other), 'gone')
  t.equal(delivery.stage.begun.length, 1)
  t.match(delivery.diary.of('held'), [{ level: 'error', fields: { id, reason } }])
})

t.test('a disk that refuses to hold it is asked again', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.sendInterrupted('crm', 3)
  let refused = 0
  delivery.faults.settle = (lease, settlement) =>
    refused++ === 0
      ? Promise.reject(errno('EIO'))
      : delivery.engine.settle(lease, settlement)
  delivery.scheduler.kick()
  await delivery.comesTo(id, 'hold')
  t.strictSame(delivery.stage.begun, [])
})

t.test('a release by an operator makes it a message like any other', async (t) => {
  const delivery = await Delivery.open(t, house)
  const id = await delivery.sendInterrupted('crm', 3)
  await delivery.calm()
  await delivery.engine.act('release', { ids: [id] }, { by: 'alice' })
  await delivery.sendMany('crm', 4)
  const seen = watchAlone(delivery, 'crm')
  await delivery.calm()
  t.equal(await delivery.stateOf(id), 'gone')
  t.equal(Math.max(...seen), 5, 'together with the others')
})

t.test('one that is taken away, or whose lane closes, blocks nobody', async (t) => {
  for (const meanwhile of ['deleted', 'closed'] as const) {
    const delivery = await Delivery.open(t, house)
    const answer = gate<Outcome>()
    delivery.stage.play = ({ destination }) =>
      destination.name === 'crm' ? answer.passed : DELIVERED
    const suspect = await delivery.sendInterrupted('pager', 2)
    await delivery.send('crm')
    await delivery.watch()
    await until(() => delivery.stage.count('crm') === 1, 'another is out')
    await delivery.comesTo(suspect, 'incoming')
    if (meanwhile === 'deleted') delivery.store.items.delete(suspect)
    else delivery.lanes.close('pager', delivery.clock.now() + 60_000, '503')
    answer.open(DELIVERED)
    const id = await delivery.send('ops')
    await delivery.comesTo(id, 'gone')
    t.equal(delivery.stage.count('pager'), 0, meanwhile)
  }
})

t.test('one that waits is put back by a stop like all others', async (t) => {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = silence
  const suspect = await delivery.sendInterrupted('pager', 2)
  await delivery.send('crm')
  await delivery.watch()
  await until(() => delivery.stage.count('crm') === 1, 'another is out')
  await delivery.scheduler.stop(20)
  t.match(await delivery.engine.get(suspect), { entry: { state: 'incoming' } })
  t.equal(delivery.stage.count('pager'), 0)
})
