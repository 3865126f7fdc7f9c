/**
 * desk - what an operator sees: every message, in one state, by one grammar.
 */
import { STATES } from '../../../src/message/state.ts'
import type { Selector } from '../../../src/message/selector.ts'
import { bytesOf } from './rig.ts'
import type { Promises, Rig } from './rig.ts'

async function idsOf(rig: Rig, selector: Selector): Promise<readonly string[]> {
  return (await rig.engine.list(selector, { limit: 1000 })).items.map((entry) => entry.id)
}

async function rawBytes(rig: Rig, id: string): Promise<Buffer> {
  return bytesOf(await rig.engine.raw(id))
}

/** All pages of a listing, with a limit to how many. */
async function pagesOf(rig: Rig, selector: Selector, limit: number) {
  const pages: string[][] = []
  let after: string | undefined
  do {
    const page = await rig.engine.list(
      selector,
      after === undefined ? { limit } : { limit, after },
    )
    pages.push(page.items.map((entry) => entry.id))
    after = page.next
  } while (after !== undefined && pages.length < 50)
  return pages
}

export const DESK_PROMISES: Promises = {
  'an empty queue is empty from every side': async (t, rig) => {
    const absent = '01KAGBVKC0AAAAAAAAAAAAAAAA'
    t.equal(await rig.engine.get(absent), undefined)
    t.equal(await rig.engine.body(absent), undefined)
    t.equal(await rig.engine.raw(absent), undefined)
    t.strictSame(await rig.engine.find('AAAAAA'), [])
    t.strictSame(await rig.engine.list({}, { limit: 9 }), { items: [] })
    const stats = await rig.engine.stats()
    t.strictSame(
      stats.states,
      Object.fromEntries(STATES.map((state) => [state, 0])) as typeof stats.states,
    )
    t.equal(stats.waiting.size, 0)
    t.equal(stats.nextDue.size, 0)
    t.equal(stats.oldestAt, undefined)
  },

  'each message is listed in its state, and counted there': async (t, rig) => {
    const made = new Map<string, string>()
    for (const state of ['bounce', 'hold', 'deferred', 'active', 'incoming'] as const)
      made.set(await rig.make(state), state)
    for (const [id, state] of made) {
      t.strictSame(await idsOf(rig, { states: [state as 'hold'] }), [id], state)
      const { entry } = await rig.look(id)
      t.match(entry, { id, state, lane: state })
      t.strictSame(await rig.engine.find(id), [entry])
    }
    t.equal((await idsOf(rig, {})).length, 5)
    t.equal((await idsOf(rig, { states: ['hold', 'bounce'] })).length, 2)
    const { states } = await rig.engine.stats()
    t.same(states, {
      incoming: 1,
      active: 1,
      deferred: 1,
      hold: 1,
      bounce: 1,
      corrupt: 0,
    })
  },

  'stats count what waits by lane, and date the oldest of it': async (t, rig) => {
    await rig.make('bounce')
    rig.clock.pass(1_000)
    const oldest = rig.clock.now()
    await rig.make('active')
    rig.clock.pass(1_000)
    await rig.make('deferred')
    await rig.send({ to: 'ops' })
    await rig.send({ to: 'ops' })
    const { waiting, oldestAt } = await rig.engine.stats()
    t.strictSame(Object.fromEntries(waiting), { active: 1, deferred: 1, ops: 2 })
    t.equal(oldestAt, oldest)
  },

  'stats know when each lane has something due, but for what is in flight': async (
    t,
    rig,
  ) => {
    await rig.make('active')
    await rig.make('hold')
    await rig.make('deferred')
    const later = rig.clock.iso(7_200_000)
    await rig.send({ to: 'ops', notBefore: later })
    await rig.send({ to: 'ops', notBefore: rig.clock.iso(1_800_000) })
    await rig.send({ to: 'ops', notBefore: later })
    const { nextDue } = await rig.engine.stats()
    t.strictSame(Object.fromEntries(nextDue), {
      deferred: rig.clock.now() + 3_600_000,
      ops: rig.clock.now() + 1_800_000,
    })
  },

  'the stored bytes begin with the envelope and hold the body': async (t, rig) => {
    const id = await rig.send({ to: 'ops' }, 'no\r\nnewline\u0000at the end')
    const { envelope } = await rig.look(id)
    const stored = await rawBytes(rig, id)
    const lines = stored.toString().split('\n')
    t.strictSame(JSON.parse(lines[0]!), envelope)
    t.match(stored.toString(), '\nno\r\nnewline\u0000at the end\n')
    await rig.engine.act('hold', { ids: [id] }, { by: 'ann' })
    const longer = await rawBytes(rig, id)
    t.ok(longer.subarray(0, stored.length).equals(stored), 'files only grow')
    t.match(longer.toString(), '"by":"ann"', 'and the trail is behind the body')
  },

  'a message that was listed is looked at where it is now': async (t, rig) => {
    const id = await rig.send()
    const { items } = await rig.engine.list({}, { limit: 9 })
    t.strictSame(
      items.map((entry) => entry.state),
      ['incoming'],
    )
    await rig.engine.act('hold', { ids: [id] }, { by: 'ann' })
    t.equal((await rig.look(id)).entry.state, 'hold')
    t.match((await rawBytes(rig, id)).toString(), '"act":"held"')
    await rig.engine.act('delete', { ids: [id] }, { by: 'ann' })
    t.equal(await rig.engine.get(id), undefined)
    t.equal(await rig.engine.raw(id), undefined)
  },

  'a message is found by the end of its id': async (t, rig) => {
    const ids = [
      '01KAGBVKC0AAAAAAAAAA123456',
      '01KAGBVKC0BBBBBBBBBB123456',
      '01KAGBVKC0CCCCCCCCCC999999',
    ]
    const left = [...ids]
    const own = await rig.anew(() => left.shift()!)
    for (const _ of ids) await own.send()
    const found = async (ending: string) =>
      (await own.engine.find(ending)).map((entry) => entry.id).toSorted()
    t.strictSame(await found('999999'), [ids[2]])
    t.strictSame(await found('123456'), [ids[0], ids[1]], 'ambiguous: both')
    t.strictSame(await found(ids[0]!), [ids[0]])
    t.strictSame(await found('000000'), [])
    t.strictSame(await idsOf(own, { ids: ['123456'] }), [ids[0], ids[1]])
  },

  'a selector means what all its parts mean': async (t, rig) => {
    const start = rig.clock.now()
    const old = await rig.send({ to: 'a' })
    rig.clock.pass(10_000)
    const young = await rig.send({ to: 'b' })
    const lease = await rig.claimFrom('b')
    const due = rig.clock.now() + 60_000
    await rig.engine.settle(lease, { to: 'deferred', due, line: rig.attempt('deferred') })
    const cases: [Selector, string[]][] = [
      [{ lanes: ['a'] }, [old]],
      [{ lanes: ['a', 'b'] }, [old, young]],
      [{ lanes: ['c'] }, []],
      [{ before: start + 1 }, [old]],
      [{ before: start }, []],
      [{ after: start + 1 }, [young]],
      [{ after: start }, [old, young]],
      [{ triesOver: 0 }, [young]],
      [{ triesOver: 1 }, []],
      [{ lanes: ['a'], triesOver: 0 }, []],
      [{ ids: [old, young], lanes: ['b'] }, [young]],
      [{ states: ['deferred'], ids: [young] }, [young]],
      [{ states: [] }, []],
    ]
    for (const [selector, expected] of cases)
      t.strictSame(await idsOf(rig, selector), expected, JSON.stringify(selector))
  },

  'a selector asks the file what no name says': async (t, rig) => {
    const bounced = await rig.make('bounce')
    const keyed = await rig.send({ to: 'a', key: 'order-7' })
    const event = await rig.send({ event: 'user.created', order: 'x' })
    const held = await rig.send({ to: 'b' })
    await rig.engine.act('hold', { ids: [held] }, { by: 'ann', reason: 'Too loud' })
    const cases: [Selector, string[]][] = [
      [{ reasons: ['http 503'] }, [bounced]],
      [{ reasons: ['too loud'] }, [held]],
      [{ reasons: ['x', 'by ann'] }, [held]],
      [{ keys: ['order-7'] }, [keyed]],
      [{ keys: ['order-*', 'x'] }, [keyed]],
      [{ events: ['user.*'] }, [event]],
      [{ events: ['*.deleted'] }, []],
      [{ senders: ['1000'], states: ['hold'] }, [held]],
      [{ senders: ['100'] }, []],
      [{ ids: [keyed, held], keys: ['*'] }, [keyed]],
    ]
    for (const [selector, expected] of cases) {
      const what = JSON.stringify(selector)
      t.strictSame(await idsOf(rig, selector), expected, what)
      const counts = Object.values(await rig.engine.count(selector))
      t.equal(
        counts.reduce((sum, one) => sum + one, 0),
        expected.length,
        what,
      )
    }
    const all = await rig.engine.act('hold', { keys: ['order-7'] }, { by: 'ann' })
    t.strictSame(all.done, [keyed], 'for acts too')
  },

  'messages are counted by any selector': async (t, rig) => {
    for (const state of ['hold', 'bounce', 'deferred'] as const) await rig.make(state)
    const early = rig.clock.now()
    rig.clock.pass(1_000)
    const id = await rig.send({ to: 'hold' })
    const own = async (selector: Selector) => {
      const counts = Object.entries(await rig.engine.count(selector))
      return Object.fromEntries(counts.filter(([, count]) => count > 0))
    }
    t.strictSame(await own({}), { incoming: 1, deferred: 1, hold: 1, bounce: 1 })
    t.strictSame(await own({ lanes: ['hold'] }), { incoming: 1, hold: 1 })
    t.strictSame(await own({ lanes: ['hold'], states: ['hold'] }), { hold: 1 })
    t.strictSame(await own({ after: early + 1 }), { incoming: 1 })
    t.strictSame(await own({ triesOver: 0, states: ['bounce', 'hold'] }), {
      hold: 1,
      bounce: 1,
    })
    t.strictSame(await own({ ids: [id.slice(-8)] }), { incoming: 1 })
    t.strictSame(await own({ lanes: [] }), {})
    t.strictSame(await own({ lanes: ['hol'] }), {})
  },

  'ages are told by lane, in the spans that were asked for': async (t, rig) => {
    await rig.send({ to: 'a' })
    rig.clock.pass(60_000)
    await rig.send({ to: 'a' })
    await rig.send({ to: 'b' })
    rig.clock.pass(60_000)
    await rig.send({ to: 'b' })
    const now = rig.clock.now()
    const ages = async (selector: Selector, ...spans: number[]) =>
      Object.fromEntries(
        await rig.engine.ages(
          selector,
          spans.map((span) => now - span),
        ),
      )
    t.strictSame(await ages({}, 30_000, 90_000), { a: [0, 1, 1], b: [1, 1, 0] })
    t.strictSame(await ages({}, 0, 60_000), { a: [0, 1, 1], b: [1, 1, 0] })
    t.strictSame(await ages({ lanes: ['b'] }), { b: [2] })
    t.strictSame(await ages({ states: ['hold'] }, 1), {})
    t.strictSame(await ages({ senders: ['1000'], lanes: ['a'] }, 0), { a: [0, 2] })
  },

  'a page goes by its own limit, not by that of the selector': async (t, rig) => {
    for (let n = 0; n < 3; n++) await rig.send()
    t.equal((await idsOf(rig, { limit: 1 })).length, 3)
  },

  'a listing goes by due, then id': async (t, rig) => {
    const late = await rig.send({ to: 'a', notBefore: rig.clock.iso(9_000) })
    const early = await rig.send({ to: 'b' })
    const twin = await rig.send({ to: 'a' })
    const middle = await rig.send({ to: 'c', notBefore: rig.clock.iso(5_000) })
    t.strictSame(await idsOf(rig, {}), [early, twin, middle, late])
    await rig.peek()
    t.strictSame(await idsOf(rig, {}), [early, twin, middle, late], 'whatever the state')
  },

  'pages cover a quiet queue, each message once': async (t, rig) => {
    for (const state of ['bounce', 'hold', 'deferred', 'active'] as const)
      for (let n = 0; n < 5; n++) await rig.make(state)
    rig.clock.pass(1_000)
    await rig.make('incoming')
    const all = await idsOf(rig, {})
    t.equal(all.length, 21)
    const pages = await pagesOf(rig, {}, 7)
    t.strictSame(
      pages.map((page) => page.length),
      [7, 7, 7],
      'and no empty page at the end',
    )
    t.strictSame(pages.flat(), all)
    const held = await pagesOf(rig, { states: ['hold'] }, 2)
    t.strictSame(
      held.map((page) => page.length),
      [2, 2, 1],
    )
    t.strictSame(held.flat(), await idsOf(rig, { states: ['hold'] }))
    t.strictSame((await pagesOf(rig, {}, 1)).flat(), all)
  },

  'a page goes on where the one before ended, though that message is gone': async (
    t,
    rig,
  ) => {
    for (let n = 0; n < 5; n++) await rig.send()
    const all = await idsOf(rig, {})
    const first = await rig.engine.list({}, { limit: 2 })
    const ended = first.items.at(-1)!
    await rig.engine.act('delete', { ids: [ended.id] }, { by: 'ann' })
    const second = await rig.engine.list({}, { limit: 9, after: first.next! })
    t.strictSame(
      second.items.map((entry) => entry.id),
      all.slice(2),
    )
    t.equal(second.next, undefined)
  },

  'a page never holds a message twice, whatever moves meanwhile': async (t, rig) => {
    for (let n = 0; n < 20; n++) await rig.send({ to: `lane${n % 4}` })
    const busy = (async () => {
      for (const lease of await rig.claim())
        await rig.engine.settle(lease, { to: 'held', line: rig.attempt('held') })
    })()
    for (let n = 0; n < 10; n++) {
      const ids = await idsOf(rig, {})
      t.equal(new Set(ids).size, ids.length)
    }
    await busy
    t.equal((await idsOf(rig, { states: ['hold'] })).length, 20)
  },
}
