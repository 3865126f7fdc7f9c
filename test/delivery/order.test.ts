/**
 * order - who holds back whom, and for how long: the rule, and a model of it in simulated time.
 */
import { deepStrictEqual, ok } from 'node:assert'
import { randomFillSync } from 'node:crypto'

import fc from 'fast-check'
import t from 'tap'

import { isInOrder, keepOrder, passEarly } from '../../src/delivery/order.ts'
import { settlementOf } from '../../src/delivery/settle.ts'
import { LOOSE, chainOf } from '../../src/message/chain.ts'
import { idMaker } from '../../src/message/id.ts'
import type { Outcome } from '../../src/message/outcome.ts'
import type { AttemptLine, TrailLine } from '../../src/message/trail.ts'
import type { Settlement } from '../../src/queue/queue.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { MemoryEngine } from '../queue/memory.ts'
import { MemoryStore } from '../queue/memory-store.ts'
import { BUSY, DELIVERED, GONE, RETRY, UNCHARGED, leaseOf } from './support.ts'

const HOUR = 3_600_000
const RULE = { wait: HOUR, mayPass: true }
const BEGAN = new HandClock().now()
const iso = (ms: number) => new Date(ms).toISOString()

function failedAt(at: number, more: Partial<AttemptLine> = {}): AttemptLine {
  const line = { at: iso(at), try: 1, outcome: 'deferred', reason: '503', ms: 0 } as const
  return { ...line, ...more }
}

/** What becomes of one that fails now, with this trail, and would be due then. */
function kept(
  trail: TrailLine[],
  now: number,
  due: number,
  rule = RULE,
  wished?: number,
  isOutage = false,
) {
  const line = failedAt(now, { due: iso(due) })
  const settlement: Settlement = { to: 'deferred', due, line }
  return keepOrder(leaseOf({}, { trail }), settlement, rule, { now, wished, isOutage })
}

void t.test('a chain is not held back for longer than order_wait', async (t) => {
  const due = BEGAN + 4 * HOUR
  t.match(kept([], BEGAN, BEGAN + 10), { due: BEGAN + 10 }, 'a short wait stands')
  t.match(kept([], BEGAN, due), { due: BEGAN + HOUR, line: { due: iso(BEGAN + HOUR) } })
  const trail = [failedAt(BEGAN)]
  const before = kept(trail, BEGAN + HOUR - 1, due)
  t.match(before, { due: BEGAN + HOUR })
  t.notOk('passed' in before)
  const after = kept(trail, BEGAN + HOUR, due)
  t.match(after, { due, passed: true, line: { reason: /503; held up its order for 1h/ } })
  t.notOk('passed' in kept(trail, BEGAN + HOUR, due, { wait: Infinity, mayPass: true }))
  t.match(kept([], BEGAN, due, { wait: 0, mayPass: true }), { passed: true, due })
})

void t.test('its patience begins anew when somebody brings a message back', async (t) => {
  const released: TrailLine = { at: iso(BEGAN + 5), act: 'released', by: 'ann' }
  const now = BEGAN + 2 * HOUR
  t.notOk('passed' in kept([failedAt(BEGAN), released], now, now + 10))
  t.ok('passed' in kept([failedAt(BEGAN), released, failedAt(BEGAN + 6)], now, now + 10))
})

void t.test('an outage of the lane shuffles nothing', async (t) => {
  const now = BEGAN + 9 * HOUR
  const out = kept([failedAt(BEGAN)], now, now + 4 * HOUR, { wait: HOUR, mayPass: false })
  t.match(out, { due: now + HOUR })
  t.notOk('passed' in out)
})

void t.test('an outage that its attempt tells of costs no patience', async (t) => {
  const trail: TrailLine[] = []
  // Alone in its lane, and the receiver is out for a day.
  for (let now = BEGAN; now < BEGAN + 24 * HOUR; now += HOUR) {
    const out = kept(trail, now, now + 4 * HOUR, RULE, undefined, true)
    t.match(out, { due: now + HOUR, line: { outage: true } })
    t.notOk('passed' in out)
    trail.push((out as Settlement & { to: 'deferred' }).line)
  }
  const back = BEGAN + 24 * HOUR
  const first = kept(trail, back, back + 4 * HOUR)
  t.match(first, { due: back + HOUR }, 'then its time begins')
  t.notOk('passed' in first || 'outage' in (first as Settlement & { to: 'deferred' }).line)
  trail.push((first as Settlement & { to: 'deferred' }).line)
  t.ok('passed' in kept(trail, back + HOUR, back + 2 * HOUR))
})

void t.test('what a message did not wait by itself costs no patience', async (t) => {
  // Its lane was suspended for two days, or nobody served.
  const trail = [failedAt(BEGAN, { due: iso(BEGAN + HOUR / 2) })]
  const back = BEGAN + 48 * HOUR
  const out = kept(trail, back, back + 4 * HOUR)
  t.notOk('passed' in out)
  t.match(out, { due: back + HOUR / 2 }, 'half of it is left')
})

void t.test('a wish in an outage is waited for', async (t) => {
  const wished = BEGAN + 5 * HOUR
  const out = kept([], BEGAN, wished, RULE, wished, true)
  t.match(out, { due: wished, line: { due: iso(wished), outage: true } })
})

void t.test('a receiver’s wish is kept, and the chain goes on in time', async (t) => {
  const wished = BEGAN + 5 * HOUR
  const out = kept([], BEGAN, wished, RULE, wished) as Settlement & { to: 'deferred' }
  t.equal(out.due, BEGAN + HOUR, 'it is looked at then')
  t.equal(out.line.due, iso(wished), 'and not tried')
  const lease = leaseOf({}, { trail: [out.line] })
  t.equal(passEarly(lease, RULE, BEGAN + HOUR - 1), undefined)
  const passed = passEarly(lease, RULE, BEGAN + HOUR)
  t.match(passed, {
    to: 'postponed',
    due: wished,
    passed: true,
    line: { act: 'postponed' },
  })
  const closed = passEarly(lease, { ...RULE, mayPass: false }, BEGAN + HOUR)
  t.match(closed, { to: 'postponed', due: BEGAN + 2 * HOUR })
  t.notOk('passed' in closed!)
  t.equal(passEarly(lease, RULE, wished), undefined, 'then it is tried')
  const flushed = leaseOf({}, { trail: [out.line, { at: iso(BEGAN), act: 'flushed' }] })
  t.equal(passEarly(flushed, RULE, BEGAN + HOUR), undefined, 'who flushes it tries it')
})

void t.test('what is put back uncharged keeps its chain waiting', async (t) => {
  const put: Settlement = { to: 'postponed', due: BEGAN + 4 * HOUR }
  const lease = leaseOf({}, { trail: [failedAt(BEGAN - 9 * HOUR)] })
  t.equal(keepOrder(lease, put, RULE, { now: BEGAN }), put)
})

void t.test('who is in an order', async (t) => {
  t.equal(isInOrder(leaseOf(), false), false)
  t.equal(isInOrder(leaseOf(), true), true)
  t.equal(isInOrder(leaseOf({}, { chain: chainOf('ann') }), false), true)
  t.equal(isInOrder(leaseOf({}, { chain: LOOSE }), true), false)
})

void t.test('each chain is delivered as accepted, but for what was passed', async (t) => {
  const [WAIT, RETRIES] = [60_000, { ...RETRY, min: 1_000, max: 20_000, jitter: 0.2 }]
  const outcome = fc.constantFrom<Outcome>(
    DELIVERED,
    DELIVERED,
    BUSY,
    BUSY,
    GONE,
    UNCHARGED,
  )
  const scripts = fc.record({
    sends: fc.array(fc.record({ chain: fc.nat(2), pause: fc.nat(3_000) }), {
      minLength: 5,
      maxLength: 25,
    }),
    outcomes: fc.array(outcome, { minLength: 20, maxLength: 60 }),
    /** Fails for good, if it is a message. */
    poison: fc.nat(40),
    restarts: fc.array(fc.nat(200), { maxLength: 4 }),
    dice: fc.double({ min: 0, max: 0.99, noNaN: true }),
  })
  const property = fc.asyncProperty(scripts, async (script) => {
    const clock = new HandClock()
    const store = new MemoryStore()
    const ids = idMaker(clock.now, (bytes) => randomFillSync(bytes))
    const open = async () => {
      store.owner = undefined
      const engine = new MemoryEngine(store, { clock, ids, keyWindow: 1_000 })
      await engine.recover()
      return engine
    }
    let engine = await open()
    const sent: string[][] = [[], [], []]
    const chains = new Map<string, number>()
    const order: string[] = []
    const failed = new Map<string, number>()
    const passedAt = new Map<string, number>()
    const ended = new Set<string>()
    const pending = [...script.sends]
    let turns = 0
    while (ended.size < script.sends.length && turns < 3_000) {
      turns++
      const next = pending.shift()
      if (next !== undefined) {
        const draft = { to: 'chat', order: `k${next.chain}` }
        const sender = { uid: 1 }
        const id = await engine.enqueue({ draft, body: Buffer.from('x'), sender })
        sent[next.chain]!.push(id)
        chains.set(id, next.chain)
        clock.pass(next.pause)
      } else clock.pass(700)
      if (script.restarts.includes(turns)) engine = await open()
      for (const lease of await engine.claim({ room: () => 5, max: 5 })) {
        const { id } = lease
        const isPoison =
          script.sends.length > script.poison && id === [...chains.keys()][script.poison]
        const now = clock.now()
        const rule = { wait: WAIT, mayPass: true }
        const mine = isInOrder(lease, false)
        const early = mine ? passEarly(lease, rule, now) : undefined
        const what =
          isPoison && turns < 2_000
            ? BUSY
            : turns > 2_000
              ? DELIVERED
              : script.outcomes[
                  (turns + Number.parseInt(id.slice(-2), 36)) % script.outcomes.length
                ]!
        const times = { startedAt: now, endedAt: now, outcome: what }
        let settlement = early ?? settlementOf(lease, times, RETRIES, script.dice)
        if (mine && early === undefined)
          settlement = keepOrder(lease, settlement, rule, { now })
        if (what === BUSY && !failed.has(id)) failed.set(id, now)
        if ('passed' in settlement) {
          passedAt.set(id, now)
          ok(now >= failed.get(id)! + WAIT, 'not before its time')
        }
        if (mine && settlement.to === 'deferred' && !('passed' in settlement))
          ok(settlement.due <= now + WAIT, 'looked at in time')
        if (settlement.to === 'delivered') order.push(id)
        if (settlement.to === 'delivered' || settlement.to === 'bounced') ended.add(id)
        await engine.settle(lease, settlement)
      }
    }
    ok(turns < 3_000, 'all came to an end')
    for (const ids of sent) {
      const got = order.filter((id) => ids.includes(id) && !passedAt.has(id))
      deepStrictEqual(got, got.toSorted(), 'in the order in which they were accepted')
    }
  })
  await t.resolves(fc.assert(property, { numRuns: 60 }))
})
