/**
 * recalls - an operator wants a message back that is under way: what becomes of it, and what
 * he is told.
 */
import t from 'tap'
import type { Test } from 'tap'

import { recalledAs } from '../../src/delivery/recall.ts'
import type { Recall } from '../../src/delivery/recalls.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import {
  BUSY,
  DELIVERED,
  Delivery,
  GONE,
  UNCHARGED,
  destinationOf,
  errno,
  gate,
  leaseOf,
  silence,
  until,
} from './support.ts'

const house = { destinations: [destinationOf('crm'), destinationOf('ops')] }
const HELD: Outcome = { kind: 'held', reason: 'a rule', fault: 'receiver' }

/** A message whose attempt is on the wire. */
async function underWay(t: Test) {
  const delivery = await Delivery.open(t, house)
  delivery.stage.play = silence
  const id = await delivery.send('crm')
  delivery.scheduler.kick()
  await until(() => delivery.stage.begun.length === 1, 'an attempt')
  const recall = (act: Recall['act'], reason?: string) => {
    const why = reason === undefined ? {} : { reason }
    return delivery.recalls.recall(id, { act, by: 'ann', ...why })
  }
  return { delivery, id, recall }
}

t.test('cut off in time: deleted, held, expired, and nothing charged', async (t) => {
  for (const [act, to, state, word] of [
    ['delete', 'deleted', 'gone', undefined],
    ['hold', 'held', 'hold', 'held'],
    ['expire', 'bounced', 'bounce', 'expired'],
  ] as const) {
    const { delivery, id, recall } = await underWay(t)
    t.strictSame(await recall(act, 'wrong'), { to, granted: true, mayHaveArrived: true })
    t.equal(await delivery.stateOf(id), state)
    t.equal(delivery.scheduler.inFlight, 0)
    t.match(delivery.diary.of('attempt'), [{ level: 'info', fields: { outcome: to } }])
    t.strictSame(delivery.lanes.states(), [], 'the lane has nothing to do with it')
    if (word === undefined) continue
    const { entry, trail } = (await delivery.engine.get(id))!
    t.equal(entry.tries, 0)
    const reason = 'wrong; its attempt was cut off, and may have arrived'
    t.match(trail, [{ act: word, by: 'ann', reason }])
  }
})

t.test('what was not sent cannot have arrived', async (t) => {
  const { delivery, recall } = await underWay(t)
  const { passed, open } = gate<Outcome>()
  t.equal(delivery.recalls.recall('another', { act: 'hold', by: 'ann' }), undefined)
  delivery.stage.play = () => passed
  const id = await delivery.send('ops')
  delivery.scheduler.kick()
  await until(() => delivery.stage.begun.length === 2, 'an attempt')
  const ended = delivery.recalls.recall(id, { act: 'hold', by: 'ann' })
  open(UNCHARGED)
  t.strictSame(await ended, { to: 'held', granted: true, mayHaveArrived: false })
  t.match(await delivery.trailOf(id), [{ act: 'held', by: 'ann', reason: undefined }])
  t.equal(delivery.scheduler.inFlight, 1, 'the other one goes on')
  await recall('delete')
})

t.test('what came before counts, and is said', async (t) => {
  for (const [act, outcome, to, granted, state] of [
    ['delete', DELIVERED, 'delivered', false, 'gone'],
    ['hold', DELIVERED, 'delivered', false, 'gone'],
    ['expire', DELIVERED, 'delivered', false, 'gone'],
    ['hold', GONE, 'bounced', false, 'bounce'],
    ['expire', GONE, 'bounced', false, 'bounce'],
    ['delete', GONE, 'deleted', true, 'gone'],
    ['hold', HELD, 'held', false, 'hold'],
    ['delete', HELD, 'deleted', true, 'gone'],
  ] as const) {
    const delivery = await Delivery.open(t, house)
    const { passed, open } = gate()
    delivery.stage.play = async () => {
      await passed
      return outcome
    }
    const id = await delivery.send('crm')
    delivery.scheduler.kick()
    await until(() => delivery.stage.begun.length === 1, 'an attempt')
    const ended = delivery.recalls.recall(id, { act, by: 'ann' })
    open()
    t.match(await ended, { to, granted }, `${act} of what is ${outcome.kind}`)
    t.equal(await delivery.stateOf(id), state)
  }
})

t.test(
  'a failure that came before the wish is charged, and the wish fulfilled',
  async (t) => {
    const lease = leaseOf()
    const at = lease.due
    const ended = { startedAt: at, endedAt: at + 5, outcome: BUSY }
    for (const [act, to, outcome, word] of [
      ['hold', 'held', 'held', 'held'],
      ['expire', 'bounced', 'bounced', 'expired'],
    ] as const) {
      const wish = { act, by: 'ann', reason: 'wrong' }
      const { settlement, ended: logged } = recalledAs(lease, ended, wish, false)!
      const reason = `503 Service Unavailable; ${word} by ann: wrong`
      t.match(settlement, { to, line: { try: 1, outcome, reason, status: 503, ms: 5 } })
      t.match(logged.outcome, { reason })
    }
    t.match(recalledAs(lease, ended, { act: 'delete', by: 'ann' }, false)?.settlement, {
      to: 'deleted',
    })
  },
)

t.test('the first who asks decides, and all hear what came of it', async (t) => {
  const { delivery, id, recall } = await underWay(t)
  const all = [recall('hold'), recall('delete'), recall('hold')]
  const held = { to: 'held', granted: true, mayHaveArrived: true }
  t.strictSame(await Promise.all(all), [held, held, held])
  t.equal(await delivery.stateOf(id), 'hold')
  t.equal(recall('delete'), undefined, 'it is not under way any more')
})

t.test('a disk that refuses keeps the wish waiting, and it is fulfilled', async (t) => {
  const { delivery, id, recall } = await underWay(t)
  let refusals = 1
  delivery.faults.settle = (lease, settlement) =>
    refusals-- > 0
      ? Promise.reject(errno('EIO'))
      : delivery.engine.settle(lease, settlement)
  t.match(await recall('delete'), { to: 'deleted', granted: true })
  t.equal(await delivery.stateOf(id), 'gone')
})

t.test(
  'a stop ends all of them, and one that is wanted back as it was wanted',
  async (t) => {
    const { delivery, id, recall } = await underWay(t)
    const other = await delivery.send('ops')
    delivery.scheduler.kick()
    await until(() => delivery.stage.begun.length === 2, 'both')
    const ended = recall('hold')
    await delivery.scheduler.stop(0)
    t.match(await ended, { to: 'held' })
    t.equal(await delivery.stateOf(id), 'hold')
    t.equal(await delivery.stateOf(other), 'incoming')
  },
)

t.test('signals are used again, but not those that were aborted', async (t) => {
  const delivery = await Delivery.open(t, house)
  const signals = new Set<AbortSignal>()
  delivery.stage.play = (_, signal) => {
    signals.add(signal)
    return signal.aborted ? GONE : DELIVERED
  }
  for (let n = 0; n < 5; n++) {
    const id = await delivery.send('crm')
    delivery.scheduler.kick()
    await delivery.comesTo(id, 'gone')
  }
  t.equal(signals.size, 1)
  delivery.stage.play = silence
  const cut = await delivery.send('crm')
  delivery.scheduler.kick()
  await until(() => delivery.stage.begun.length === 6, 'one more')
  await delivery.recalls.recall(cut, { act: 'delete', by: 'ann' })
  delivery.stage.play = (_, signal) => (signal.aborted ? GONE : DELIVERED)
  const next = await delivery.send('crm')
  delivery.scheduler.kick()
  await delivery.comesTo(next, 'gone')
  t.equal(delivery.diary.of('attempt').at(-1)!.fields['outcome'], 'delivered')
})
