/**
 * order - chains: one after the other, by id, whatever fails, waits, moves or dies.
 */
import { deepStrictEqual, ok } from 'node:assert'

import fc from 'fast-check'

import { LOOSE, chainOf } from '../../../src/message/chain.ts'
import type { Lease, Settlement } from '../../../src/queue/queue.ts'
import type { Promises, Rig } from './rig.ts'

const BY = { by: 'ann' }
const HOUR = 3_600_000
const CHAT = { to: 'chat', order: 'ann' }

const idsOf = (leases: readonly Lease[]) => leases.map((lease) => lease.id)
const all = () => true

async function claimed(rig: Rig, ordered?: (lane: string) => boolean): Promise<string[]> {
  return idsOf(await rig.claim(ordered === undefined ? {} : { ordered }))
}

function deferral(rig: Rig, ms: number): Settlement & { to: 'deferred' } {
  return { to: 'deferred', due: rig.clock.now() + ms, line: rig.attempt('deferred') }
}

export const ORDER_PROMISES: Promises = {
  'of a chain one is out at a time, in the order of ids': async (t, rig) => {
    const sent = [await rig.send(CHAT), await rig.send(CHAT), await rig.send(CHAT)]
    for (const id of sent) {
      const [lease, ...others] = await rig.claim()
      t.equal(lease?.id, id)
      t.equal(lease?.chain, chainOf('ann'))
      t.strictSame(others, [])
      t.strictSame(await claimed(rig), [], 'nothing else while it is out')
      await rig.engine.settle(lease!, { to: 'delivered' })
    }
    t.strictSame(await claimed(rig), [])
  },

  'chains and what has no order do not hold back each other': async (t, rig) => {
    const ann = await rig.send(CHAT)
    await rig.send(CHAT)
    const bob = await rig.send({ to: 'chat', order: 'bob' })
    const plain = await rig.send({ to: 'chat' })
    const elsewhere = await rig.send({ to: 'crm', order: 'ann' })
    t.strictSame((await claimed(rig)).toSorted(), [ann, bob, plain, elsewhere].toSorted())
  },

  'one that waits for its next try holds back those behind it': async (t, rig) => {
    const [first, second] = [await rig.send(CHAT), await rig.send(CHAT)]
    await rig.engine.settle(await rig.claimFrom('chat'), deferral(rig, HOUR))
    t.strictSame(await claimed(rig), [])
    const third = await rig.send(CHAT)
    t.strictSame(await claimed(rig), [])
    await rig.restart(false)
    t.strictSame(await claimed(rig), [], 'also after a restart')
    rig.clock.pass(HOUR)
    for (const id of [first, second, third]) {
      const lease = await rig.claimFrom('chat')
      t.equal(lease.id, id)
      await rig.engine.settle(lease, { to: 'delivered' })
    }
  },

  'one that is put back untried holds back those behind it': async (t, rig) => {
    const first = await rig.send(CHAT)
    await rig.send(CHAT)
    const due = rig.clock.now() + HOUR
    await rig.engine.settle(await rig.claimFrom('chat'), { to: 'postponed', due })
    t.strictSame(await claimed(rig), [])
    await rig.restart(true)
    t.strictSame(await claimed(rig), [])
    rig.clock.pass(HOUR)
    t.strictSame(await claimed(rig), [first])
  },

  'one that bounces, is held or gone lets its chain go on': async (t, rig) => {
    const sent = [...Array(4)].map(() => rig.send(CHAT))
    const ids = await Promise.all(sent)
    const ends: Settlement[] = [
      { to: 'bounced', line: rig.attempt('bounced') },
      { to: 'held', line: rig.attempt('held') },
      { to: 'deleted' },
      { to: 'delivered' },
    ]
    for (const [at, id] of ids.toSorted().entries()) {
      const lease = await rig.claimFrom('chat')
      t.equal(lease.id, id)
      await rig.engine.settle(lease, ends[at]!)
    }
  },

  'one whose sender says hold lets its chain go on': async (t, rig) => {
    const held = await rig.send({ ...CHAT, hold: true })
    const next = await rig.send(CHAT)
    t.strictSame(await claimed(rig), [next])
    t.equal(await rig.stateOf(held), 'hold')
  },

  'one that was passed leaves its chain for good': async (t, rig) => {
    const [first, second] = [await rig.send(CHAT), await rig.send(CHAT)]
    const lease = await rig.claimFrom('chat')
    await rig.engine.settle(lease, { ...deferral(rig, HOUR), passed: true })
    t.equal((await rig.look(first)).entry.chain, LOOSE)
    const next = await rig.claimFrom('chat')
    t.equal(next.id, second)
    rig.clock.pass(HOUR)
    t.equal((await rig.claimFrom('chat')).id, first, 'while that one is still out')
    await rig.engine.settle(next, deferral(rig, HOUR))
    const due = rig.clock.now() + 2 * HOUR
    rig.clock.pass(HOUR)
    const again = await rig.claimFrom('chat')
    await rig.engine.settle(again, { to: 'postponed', due, passed: true })
    t.equal((await rig.look(second)).entry.chain, LOOSE, 'also without an attempt')
    await rig.restart(true)
    t.strictSame(await claimed(rig), [first])
  },

  'what has a time of its own goes out then, and holds back nothing': async (t, rig) => {
    const later = await rig.send({ ...CHAT, notBefore: rig.clock.iso(HOUR) })
    const now = await rig.send(CHAT)
    const lease = await rig.claimFrom('chat')
    t.equal(lease.id, now)
    t.equal((await rig.look(later)).entry.chain, LOOSE)
    rig.clock.pass(HOUR)
    t.strictSame(await claimed(rig), [later])
  },

  'what an operator brings back has its old place': async (t, rig) => {
    const [first, second, third] = [
      await rig.send(CHAT),
      await rig.send(CHAT),
      await rig.send(CHAT),
    ]
    await rig.engine.settle(await rig.claimFrom('chat'), {
      to: 'bounced',
      line: rig.attempt('bounced'),
    })
    await rig.engine.act('hold', { ids: [second] }, BY)
    await rig.engine.act('release', { ids: [second] }, BY)
    await rig.engine.act('requeue', { ids: [first] }, BY)
    for (const id of [first, second, third]) {
      const lease = await rig.claimFrom('chat')
      t.equal(lease.id, id)
      await rig.engine.settle(lease, { to: 'delivered' })
    }
  },

  'what an operator brings back waits for the one that is out': async (t, rig) => {
    const [first, second] = [await rig.send(CHAT), await rig.send(CHAT)]
    await rig.engine.act('hold', { ids: [first] }, BY)
    const lease = await rig.claimFrom('chat')
    t.equal(lease.id, second)
    await rig.engine.act('release', { ids: [first] }, BY)
    t.strictSame(await claimed(rig), [])
    await rig.engine.settle(lease, { to: 'delivered' })
    t.strictSame(await claimed(rig), [first])
  },

  'an operator who takes away the first lets its chain go on': async (t, rig) => {
    for (const act of ['delete', 'hold', 'expire'] as const) {
      const draft = { to: 'chat', order: act }
      const [first, second] = [await rig.send(draft), await rig.send(draft)]
      await rig.engine.settle(await rig.claimFrom('chat'), deferral(rig, HOUR))
      t.strictSame(await claimed(rig), [])
      await rig.engine.act(act, { ids: [first] }, BY)
      rig.clock.pass(1_000)
      t.strictSame(await claimed(rig), [second], act)
    }
  },

  'flush brings the first forward, and not those behind it': async (t, rig) => {
    const [first, second] = [await rig.send(CHAT), await rig.send(CHAT)]
    await rig.engine.settle(await rig.claimFrom('chat'), deferral(rig, HOUR))
    rig.clock.pass(1_000)
    await rig.engine.act('flush', {}, BY)
    const lease = await rig.claimFrom('chat')
    t.equal(lease.id, first)
    await rig.engine.settle(lease, { to: 'delivered' })
    t.strictSame(await claimed(rig), [second])
  },

  'a message with a key of its own keeps its place': async (t, rig) => {
    const sent = [
      await rig.send({ ...CHAT, key: 'k1' }),
      await rig.send(CHAT),
      await rig.send({ ...CHAT, key: 'k2' }),
      await rig.send(CHAT),
    ]
    for (const id of sent) {
      const lease = await rig.claimFrom('chat')
      t.equal(lease.id, id)
      await rig.engine.settle(lease, { to: 'delivered' })
    }
  },

  'one sent on to another destination has its place there': async (t, rig) => {
    const first = await rig.send(CHAT)
    await rig.engine.act('hold', { ids: [first] }, BY)
    rig.clock.pass(1)
    const second = await rig.send({ to: 'ops', order: 'ann' })
    const redirect = { to: 'ops', keep: false }
    const { made } = await rig.engine.act('requeue', { ids: [first] }, { ...BY, redirect })
    const lease = await rig.claimFrom('ops')
    t.equal(lease.id, made?.get(first), 'as old as its parent')
    t.strictSame(await claimed(rig), [])
    await rig.engine.settle(lease, { to: 'delivered' })
    t.strictSame(await claimed(rig), [second])
  },

  'what events of one order become is in their order': async (t, rig) => {
    const talk = { event: 'talk', order: 'ann' }
    const bodies = ['a', 'b', 'c', 'd', 'e', 'f']
    // All within one millisecond.
    for (const body of bodies) await rig.send(talk, body)
    const room = (lane: string) => (lane === '_event' ? 5 : 0)
    for (const _ of bodies) {
      const [event, ...others] = await rig.claim({ room })
      t.strictSame([event?.lane, others], ['_event', []], 'one after the other')
      await rig.engine.settle(event!, { to: 'expanded', destinations: ['chat'] })
    }
    const got: string[] = []
    for (const _ of bodies) {
      const [lease, ...others] = await rig.claim()
      t.strictSame(others, [])
      const body = await rig.engine.readBody(lease!)
      got.push(body?.kind === 'bytes' ? Buffer.from(body.bytes).toString() : '')
      await rig.engine.settle(lease!, { to: 'delivered' })
    }
    t.strictSame(got, bodies)
  },

  'a lane that is ordered is one chain, whatever its messages say': async (t, rig) => {
    const sent = [
      await rig.send({ to: 'chat' }),
      await rig.send(CHAT),
      await rig.send({ to: 'chat', order: 'bob' }),
    ]
    const later = await rig.send({ to: 'chat', notBefore: rig.clock.iso(HOUR) })
    sent.push(await rig.send({ to: 'chat' }))
    const elsewhere = await rig.send({ to: 'crm' })
    const ordered = (lane: string) => lane === 'chat'
    t.strictSame((await claimed(rig, ordered)).toSorted(), [sent[0], elsewhere].toSorted())
    await rig.restart(true)
    for (const id of sent) {
      const [lease, ...others] = await rig.claim({
        ordered,
        room: (lane) => +(lane === 'chat'),
      })
      t.equal(lease?.id, id)
      t.strictSame(others, [])
      await rig.engine.settle(lease!, { to: 'delivered' })
    }
    rig.clock.pass(HOUR)
    t.strictSame((await claimed(rig, ordered)).toSorted(), [later, elsewhere].toSorted())
  },

  'a lane becomes ordered, and ceases to be, while messages wait': async (t, rig) => {
    const sent: string[] = []
    for (const order of ['ann', 'ann', 'bob', 'bob'])
      sent.push(await rig.send({ to: 'chat', order }))
    const [ann] = await rig.claim({ max: 1 })
    t.equal(ann?.id, sent[0])
    t.strictSame(await claimed(rig, all), [], 'one is out')
    t.strictSame(await claimed(rig), [sent[2]])
    t.strictSame(await claimed(rig, all), [])
    await rig.engine.settle(ann!, { to: 'delivered' })
    t.strictSame(await claimed(rig, all), [], 'the other one still is')
    t.strictSame(await claimed(rig), [sent[1]])
  },

  'one that disproves itself lets its chain go on': async (t, rig) => {
    const first = await rig.send(CHAT)
    const second = await rig.send(CHAT)
    if (!(await rig.damage(first))) return
    const [lease] = await rig.claim()
    if (lease?.id === second) return
    t.equal(await rig.engine.readBody(lease!), undefined)
    t.strictSame(await claimed(rig), [second])
  },

  'nextDue of a chain is that of its first': async (t, rig) => {
    const due = rig.clock.now() + HOUR
    await rig.send(CHAT)
    await rig.send(CHAT)
    const lease = await rig.claimFrom('chat')
    await rig.engine.settle(lease, deferral(rig, HOUR))
    await rig.claim()
    const next = rig.engine.nextDue(() => 1)
    t.ok(next !== undefined && next <= due, 'it may look before')
  },

  'whatever is sent, fails, dies and comes back: each chain in its order': async (
    t,
    rig,
  ) => {
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ send: fc.nat(2) }) },
        {
          weight: 6,
          arbitrary: fc.record({
            settle: fc.constantFrom('delivered', 'deferred', 'released', 'passed'),
            nth: fc.nat(5),
          }),
        },
        { weight: 3, arbitrary: fc.record({ pass: fc.constantFrom(0, 100, 1_000) }) },
        { weight: 1, arbitrary: fc.record({ restart: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ hold: fc.nat(20) }) },
      ),
      { minLength: 10, maxLength: 60 },
    )
    const run = async (whole: boolean, script: readonly Step[]) => {
      const one = await rig.anew()
      const ordered = whole ? all : undefined
      const chainOfId = new Map<string, number>()
      const waiting = new Set<string>()
      let out: Lease[] = []
      const claim = async () => {
        for (const lease of await one.claim({ max: 3, ...(ordered && { ordered }) })) {
          const chain = chainOfId.get(lease.id)
          const before = [...waiting].filter((id) => chainOfId.get(id) === chain).toSorted()
          if (waiting.has(lease.id))
            deepStrictEqual(before[0], lease.id, 'never before one that waits')
          const same = out.filter(
            ({ id }) => chainOfId.get(id) === chain && waiting.has(id),
          )
          if (waiting.has(lease.id)) ok(same.length === 0, 'never two at once')
          out.push(lease)
        }
      }
      for (const step of script) {
        if ('send' in step) {
          const id = await one.send({ to: 'chat', order: `k${step.send}` })
          chainOfId.set(id, whole ? 0 : step.send)
          waiting.add(id)
        } else if ('pass' in step) one.clock.pass(step.pass)
        else if ('restart' in step) {
          await one.restart(step.restart)
          out = []
        } else if ('hold' in step) {
          const id = [...waiting][step.hold]
          if (id === undefined || out.some((lease) => lease.id === id)) continue
          await one.engine.act('hold', { ids: [id] }, BY)
          waiting.delete(id)
          one.clock.pass(1_000)
        } else {
          const lease = out[step.nth % (out.length || 1)]
          if (lease === undefined) continue
          out = out.filter((other) => other !== lease)
          if (step.settle === 'delivered' || step.settle === 'passed')
            waiting.delete(lease.id)
          await one.engine.settle(
            lease,
            step.settle === 'deferred'
              ? deferral(one, 500)
              : step.settle === 'passed'
                ? { ...deferral(one, 500), passed: true }
                : { to: step.settle },
          )
        }
        await claim()
      }
      // Nothing is stuck: all that is left comes out.
      for (let n = 0; n < 200 && (await one.engine.stats()).states.hold >= 0; n++) {
        for (const lease of out) {
          await one.engine.settle(lease, { to: 'delivered' })
          waiting.delete(lease.id)
        }
        out = []
        one.clock.pass(1_000)
        await claim()
        if (out.length === 0 && waiting.size === 0) return
      }
      deepStrictEqual([...waiting], [], 'all came out')
    }
    await t.resolves(fc.assert(fc.asyncProperty(fc.boolean(), steps, run), { numRuns: 25 }))
  },
}

type Step =
  | { readonly send: number }
  | {
      readonly settle: 'delivered' | 'deferred' | 'released' | 'passed'
      readonly nth: number
    }
  | { readonly pass: number }
  | { readonly restart: boolean }
  | { readonly hold: number }
