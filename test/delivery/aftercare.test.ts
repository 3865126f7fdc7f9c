/**
 * aftercare - notices, warnings, expectations and fallbacks over an engine without a disk, with a
 * clock in hand; and killed at each step.
 */
import { randomFillSync } from 'node:crypto'

import t from 'tap'
import type { Test } from 'tap'

import type { Expectation } from '../../src/config/expect.ts'
import type { Fallback } from '../../src/config/fallback.ts'
import type { Config } from '../../src/config/config.ts'
import { Aftercare } from '../../src/delivery/aftercare.ts'
import { FallbackBook } from '../../src/delivery/fallback-book.ts'
import type { Draft } from '../../src/message/draft.ts'
import { idMaker } from '../../src/message/id.ts'
import type { State } from '../../src/message/state.ts'
import type { Rounds, Sighting } from '../../src/queue/queue.ts'
import type { Item } from '../queue/memory-store.ts'
import { HandClock } from '../queue/conformance/rig.ts'
import { MemoryStore } from '../queue/memory-store.ts'
import { MemoryEngine } from '../queue/memory.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** What a kill leaves: nothing more is done, and whoever waits hears nothing. */
class Killed extends Error {}

interface Want {
  readonly notify?: readonly string[]
  readonly warnAfter?: number
  readonly expect?: readonly Expectation[]
  readonly fallbacks?: Readonly<Record<string, Fallback>>
  /** Of which service a destination is. */
  readonly services?: Readonly<Record<string, string>>
}

class World {
  readonly clock = new HandClock()
  readonly store = new MemoryStore()
  readonly ids = idMaker(this.clock.now, (bytes) => randomFillSync(bytes))
  readonly said: string[] = []
  /** Every notice and copy that somebody got, or that waits: by id. */
  readonly got = new Map<string, Item>()
  /** Those that were made anew after they were delivered. */
  readonly again: string[] = []
  readonly #delivered = new Set<string>()
  readonly want: Want
  mayExpire = true
  /** So often the disk does not say what was kept. */
  blind = 0
  /** Messages that cannot be read now. */
  readonly dim = new Set<string>()
  /** So often the journal cannot be read. */
  deaf = 0
  /** Calls that change something until the daemon is killed. */
  left = Infinity
  engine!: MemoryEngine
  aftercare!: Aftercare

  constructor(want: Want) {
    this.want = want
  }

  async start(): Promise<void> {
    this.store.owner = undefined
    const { clock, ids } = this
    this.engine = new MemoryEngine(this.store, { clock, ids, keyWindow: HOUR })
    await this.engine.recover()
    const { notify = [], warnAfter = Infinity, expect = [], fallbacks = {} } = this.want
    const names = ['crm', 'web', 'ops', 'pager']
    const config = {
      bounce: { notify, notifyWait: 10 * SECOND, notifyEvery: HOUR, keep: Infinity },
      deferred: { warnAfter },
      expect,
      destinations: new Map(
        names.map((name) => {
          const type = this.want.services?.[name]
          const preset = type === undefined ? {} : { preset: { type } }
          return [name, { name, type: 'http', fallback: fallbacks[name], ...preset }]
        }),
      ),
    } as unknown as Config
    this.aftercare = new Aftercare({
      engine: this.#mortal(this.engine),
      config: () => config,
      clock,
      ids: idMaker(clock.now, (bytes) => randomFillSync(bytes)),
      log: { write: (_, __, message) => void this.said.push(message) },
      sender: { uid: 7, host: 'web1' },
      mayExpire: () => this.mayExpire,
      onMade: () => {},
    })
    await this.aftercare.begin()
    await this.look()
  }

  /** The engine, until it is killed: before the n-th call, or right after it. */
  #mortal(engine: MemoryEngine): MemoryEngine {
    const strike = async (act: () => Promise<void>) => {
      if (this.left <= 0) throw new Killed()
      // Half a step: the call is made, and nobody hears of it.
      if (this.left === 0.5) {
        await act()
        this.left = 0
        throw new Killed()
      }
      this.left--
      await act()
    }
    return Object.assign(Object.create(engine) as MemoryEngine, {
      meet: (states: never) => this.#met(engine, states),
      stamp: () => undefined,
      find: (id: string) => engine.find(id),
      history: (query: never) => {
        if (this.deaf-- > 0) throw new Error('EIO')
        return engine.history(query)
      },
      note: (line: never) => engine.note(line),
      remembered: async (name: string) => {
        if (this.blind-- > 0) throw new Error('EMFILE')
        return engine.remembered(name)
      },
      place: (one: never) => strike(() => engine.place(one)),
      remember: (name: string, known: unknown) =>
        strike(() => engine.remember(name, known)),
    })
  }

  async *#met(engine: MemoryEngine, states: readonly State[]): AsyncGenerator<Sighting> {
    for await (const met of engine.meet(states))
      if (!this.dim.has(met.entry.id)) yield met
      else yield Object.assign(met, { story: async () => ({ trail: [], unread: true }) })
  }

  look(final = false): Promise<number> {
    return this.aftercare.look(final)
  }

  async pass(ms: number, final = false): Promise<number> {
    this.clock.pass(ms)
    return this.look(final)
  }

  send(draft: Draft = { to: 'crm' }, body = 'hello'): Promise<string> {
    const sender = { uid: 1000 }
    return this.engine.enqueue({ draft, body: Buffer.from(body), sender })
  }

  async bounce(draft: Draft = { to: 'crm' }, reason = 'HTTP 410'): Promise<string> {
    const id = await this.send(draft)
    await this.fail(id, 'bounced', reason)
    return id
  }

  /** An attempt of one that failed. */
  async fail(id: string, outcome: 'bounced' | 'deferred', reason = 'HTTP 503') {
    const [lease] = (await this.engine.claim({ room: () => 1e6, max: 1e6 })).filter(
      (one) => one.id === id,
    )
    const line = { at: this.clock.iso(), try: 1, outcome, reason, answer: 'no' } as const
    const due = this.clock.now() + 24 * HOUR
    await this.engine.settle(
      lease!,
      outcome === 'bounced' ? { to: 'bounced', line } : { to: 'deferred', due, line },
    )
  }

  /** What we made ourselves, and was not counted yet; with `deliver` it goes out. */
  made(deliver = true): Item[] {
    const all = [...this.store.items.values()].filter(
      ({ id, envelope }) =>
        (envelope.notice ?? envelope.parent) !== undefined && !this.got.has(id),
    )
    for (const id of this.#delivered) if (this.store.items.has(id)) this.again.push(id)
    for (const one of all) {
      this.got.set(one.id, one)
      if (!deliver) continue
      this.store.items.delete(one.id)
      this.#delivered.add(one.id)
      const at = this.clock.iso()
      this.store.journal.push({ at, event: 'delivered', id: one.id })
    }
    return all
  }
}

async function world(want: Want): Promise<World> {
  const it = new World(want)
  await it.start()
  return it
}

const json = ({ body }: Item) => JSON.parse(Buffer.from(body).toString())

t.test('an outage is one notice', async (t) => {
  const it = await world({ notify: ['ops'] })
  const ids: string[] = []
  for (let n = 0; n < 100; n++) ids.push(await it.bounce({ to: 'crm', subject: `no ${n}` }))
  await it.bounce({ to: 'crm' }, 'HTTP 413')
  await it.bounce({ to: 'web' })
  t.equal(await it.pass(9 * SECOND), 0, 'there may be more of them')
  t.equal(await it.pass(6 * SECOND), 2, 'one for each lane')
  const [crm, web] = it.made()
  t.match(crm!.envelope, {
    ...{ to: 'ops', notice: 'bounced', level: 'error', parent: ids[0] },
    subject: '101 messages to crm bounced: HTTP 410, and other reasons',
    contentType: 'application/json',
    sender: { uid: 7, host: 'web1' },
  })
  const report = json(crm!)
  t.match(report, {
    ...{ notice: 'bounced', destination: 'crm', host: 'web1', count: 101, more: 96 },
    reasons: [
      { reason: 'HTTP 410', count: 100 },
      { reason: 'HTTP 413', count: 1 },
    ],
    command: 'msgq mailq --state bounce --to crm',
  })
  t.strictSame(
    report.messages.map(({ id }: { id: string }) => id),
    ids.slice(0, 5),
  )
  t.match(report.messages[0], {
    ...{ to: 'crm', subject: 'no 0', body: 'hello', bytes: 5, reason: 'HTTP 410' },
    trail: [{ outcome: 'bounced', answer: 'no' }],
  })
  t.equal(json(web!).count, 1)
  t.equal(web!.envelope.subject, '1 message to web bounced: HTTP 410')

  // The message says it, and the journal of all.
  t.match(it.store.items.get(ids[0]!)!.trail.at(-1), { act: 'noticed', as: crm!.id })
  const noticed = it.store.journal.filter(({ event }) => event === 'noticed')
  t.equal(noticed.length, 102)
  t.match(noticed[0], { id: ids[0], lane: 'crm', as: crm!.id })

  await it.bounce()
  t.equal(await it.pass(30 * MINUTE), 0, 'not sooner than notify_every')
  await it.bounce()
  t.equal(await it.pass(31 * MINUTE), 1)
  t.match(json(it.made()[0]!), { count: 2, more: 0 })
  t.equal(await it.pass(24 * HOUR), 0)
  await it.start()
  t.equal(await it.pass(24 * HOUR), 0, 'nor after a restart')
})

t.test('those that bounce one after the other are one notice', async (t) => {
  const it = await world({ notify: ['ops'] })
  for (let n = 0; n < 25; n++) {
    await it.bounce()
    t.equal(await it.pass(2 * SECOND), 0)
  }
  t.equal(await it.pass(9 * SECOND), 1)
  t.equal(json(it.made()[0]!).count, 25)
})

t.test('one that goes on bouncing is told after a while', async (t) => {
  const it = await world({ notify: ['ops'] })
  let made = 0
  for (let n = 0; n < 14; n++) {
    await it.bounce()
    made += await it.pass(5 * SECOND)
  }
  t.equal(made, 1)
})

t.test('a URL that is told is said without its secrets', async (t) => {
  const url = 'https://hooks.example/services/T0/B0/hush'
  const it = await world({ notify: [url], expect: [{ ...EXPECT, notify: [url] }] })
  const id = await it.bounce()
  t.equal(await it.pass(20 * SECOND), 1)
  t.match(it.store.items.get(id)!.trail.at(-1), { act: 'noticed' })
  t.equal(await it.pass(2 * HOUR), 1)
  t.match(
    it.said.at(-1),
    /did not come .*; told https:\/\/hooks.example\/services\/... as /,
  )
  const said = JSON.stringify([it.said, it.store.journal, it.store.items.get(id)])
  t.notMatch(said, /hush/)
  t.strictSame(
    it.made().map(({ envelope: { to } }) => to),
    [url, url],
  )
})

t.test('a notice causes no notice, and a copy of one neither', async (t) => {
  const it = await world({
    notify: ['ops'],
    fallbacks: { ops: { to: 'pager', after: Infinity } },
  })
  await it.bounce()
  t.equal(await it.pass(20 * SECOND), 1)
  const [notice] = it.made(false)
  await it.fail(notice!.id, 'bounced')
  t.equal(await it.pass(20 * SECOND), 1, 'it falls back')
  const [copy] = it.made(false)
  t.match(copy!.envelope, { to: 'pager', notice: 'bounced', parent: notice!.id })
  await it.fail(copy!.id, 'bounced')
  t.equal(await it.pass(2 * HOUR), 0)
  t.equal(await it.pass(2 * HOUR), 0)
  await it.bounce({ to: 'ops' })
  await it.pass(20 * SECOND)
  const told = it.made().find(({ envelope }) => envelope.notice === 'bounced')
  t.equal(json(told!).count, 1, 'among notices only what is none is told')
  t.match(it.said.join('\n'), /ops is told of its own trouble/)
})

t.test(
  'what an operator expired while nobody served is told; what was before is not',
  async (t) => {
    const it = await world({})
    await it.bounce()
    Object.assign(it.want, { notify: ['ops', 'pager'] })
    it.clock.pass(MINUTE)
    await it.start()
    t.equal(await it.pass(MINUTE), 0)
    const id = await it.send({ to: 'crm', hold: true })
    await it.engine.claim({ room: () => 9, max: 9 })
    await it.engine.close()
    await it.engine.act('expire', { ids: [id] }, { by: 'ann', reason: 'too old' })
    it.clock.pass(MINUTE)
    await it.start()
    const made = it.made()
    t.strictSame(made.map(({ envelope: { to } }) => to).toSorted(), ['ops', 'pager'])
    t.match(json(made[0]!), {
      count: 1,
      messages: [{ id, reason: 'expired by ann: too old' }],
    })
  },
)

t.test('a daemon that goes waits for no more of them', async (t) => {
  const it = await world({ notify: ['ops'] })
  await it.bounce()
  it.clock.pass(1)
  t.equal(await it.look(true), 1)
  await it.bounce()
  it.clock.pass(1)
  t.equal(await it.look(true), 0, 'but not more often either')
})

t.test('a clock that goes back hides nothing', async (t) => {
  const it = await world({ notify: ['ops'] })
  await it.pass(HOUR)
  await it.aftercare.close()
  it.clock.pass(-HOUR)
  await it.start()
  it.clock.pass(MINUTE)
  await it.bounce()
  t.equal(await it.pass(MINUTE), 1)
})

t.test('what still waits is told once', async (t) => {
  const it = await world({ notify: ['ops'], warnAfter: 4 * HOUR })
  const late = await it.send()
  await it.fail(late, 'deferred')
  const planned = await it.send({ to: 'crm', notBefore: it.clock.iso(3 * HOUR) })
  it.mayExpire = false
  t.equal(await it.pass(5 * HOUR), 0, 'while the clock is in doubt nothing is late')
  it.mayExpire = true
  t.equal(await it.pass(SECOND), 1)
  const [notice] = it.made()
  t.match(notice!.envelope, { level: 'warning', notice: 'waiting' })
  t.match(notice!.envelope.subject, /^1 message to crm still waits after 5h: HTTP 503$/)
  t.match(json(notice!), { count: 1, messages: [{ id: late, tries: 1 }] })
  await it.start()
  t.equal(await it.pass(HOUR), 0)
  t.equal(await it.pass(HOUR + MINUTE), 1, 'the other one by its own time')
  t.match(json(it.made()[0]!), { messages: [{ id: planned }] })
  t.equal(await it.pass(24 * HOUR), 0)
})

const EXPECT: Expectation = {
  ...{ name: 'event backup.ok, every 1h', event: 'backup.*', when: 'accepted' },
  ...{ every: HOUR, notify: ['ops'] },
}

t.test('what does not come is told, and that it came again', async (t) => {
  const it = await world({ expect: [EXPECT] })
  const come = async (event = 'backup.ok') => {
    const id = await it.send({ event })
    await it.engine.claim({ room: () => 0, max: 9 })
    const line = it.store.journal.findLast((one) => one.id === id)!
    it.aftercare.hear(line)
  }
  await it.pass(50 * MINUTE)
  await come()
  t.equal(await it.pass(50 * MINUTE), 0)
  await come('restore.ok')
  it.mayExpire = false
  t.equal(await it.pass(20 * MINUTE), 0, 'while the clock is in doubt nothing is missed')
  it.mayExpire = true
  t.equal(await it.pass(SECOND), 1)
  const [miss] = it.made()
  const subject = /^did not come for 1h: event backup.ok, every 1h$/
  t.match(miss!.envelope, { subject, level: 'error', notice: 'missing' })
  t.match(json(miss!), { notice: 'missing', expected: EXPECT.name, everyMs: HOUR })
  t.equal(await it.pass(10 * HOUR), 0, 'once')
  await it.start()
  t.equal(await it.pass(MINUTE), 0, 'also after a restart')
  await come()
  t.equal(await it.pass(SECOND), 1)
  t.match(it.made()[0]!.envelope, { subject: /^came again: /, level: 'success' })
  t.equal(await it.pass(MINUTE), 0)

  await it.engine.close()
  it.clock.pass(3 * HOUR)
  await it.send({ event: 'backup.ok' })
  await it.start()
  t.equal(await it.pass(MINUTE), 0, 'what stands on the doorstep has come')
})

t.test(
  'what came while nobody looked has come, also if the journal is read later',
  async (t) => {
    const it = await world({ expect: [EXPECT] })
    await it.pass(50 * MINUTE)
    await it.aftercare.close()
    it.store.journal.push({
      ...{ at: it.clock.iso(), event: 'queued', id: 'x', lane: '_event', to: 'backup.ok' },
    })
    it.deaf = 1
    await it.start()
    t.match(it.said.at(-1), /^expect: .*EIO/)
    t.equal(await it.pass(50 * MINUTE), 0)
    t.equal(await it.pass(11 * MINUTE), 1)
  },
)

t.test('a delivery is expected', async (t) => {
  const it = await world({
    expect: [
      { name: 'to crm', to: 'crm', when: 'delivered', every: HOUR, notify: ['ops'] },
    ],
  })
  const line = (event: 'queued' | 'delivered', lane: string) =>
    it.aftercare.hear({ at: it.clock.iso(), event, id: 'x', lane, to: lane })
  await it.pass(50 * MINUTE)
  line('delivered', 'crm')
  t.equal(await it.pass(30 * MINUTE), 0)
  line('queued', 'crm')
  line('delivered', 'web')
  t.equal(await it.pass(31 * MINUTE), 1)
})

const PAGER: Fallback = { to: 'pager', after: 10 * MINUTE, level: 'error' }

t.test(
  'what bounces before the disk says from where on is told, and has its copy',
  async (t) => {
    const it = new World({ notify: ['ops'], fallbacks: { crm: PAGER } })
    // At the start, and at the look behind it: for each of the two.
    it.blind = 4
    await it.start()
    t.strictSame(it.blind, 0)
    await it.bounce()
    it.clock.pass(MINUTE)
    t.equal(await it.look(), 2)
    t.strictSame(
      it
        .made()
        .map(({ envelope }) => envelope.to)
        .toSorted(),
      ['ops', 'pager'],
    )
  },
)

t.test('what is late goes elsewhere too, once', async (t) => {
  const it = await world({ fallbacks: { crm: PAGER } })
  const headers = { authorization: 'x' }
  const id = await it.send(
    { to: 'crm', subject: 'S', level: 'info', headers, key: 'k', contentType: 'text/x' },
    'body',
  )
  await it.send({ to: 'web' })
  const held = await it.send({ to: 'crm', hold: true })
  t.equal(await it.pass(9 * MINUTE), 0)
  t.equal(await it.pass(2 * MINUTE), 1, 'though nothing was ever tried')
  const [copy] = it.made()
  const { createdAt, bytes: _, sha256: __, sender: ___, ...said } = copy!.envelope
  t.strictSame(said, {
    ...{ v: 1, id: copy!.id, to: 'pager', contentType: 'text/x', subject: 'S' },
    ...{ level: 'error', parent: id },
  })
  t.equal(createdAt, it.clock.iso())
  t.equal(Buffer.from(copy!.body).toString(), 'body')
  const original = it.store.items.get(id)!
  t.match(original.trail.at(-1), {
    ...{ act: 'redirected', as: copy!.id },
    reason: `to pager as ${copy!.id}: not delivered in 10m`,
  })
  t.match(it.store.journal.at(-2), { event: 'redirected', id, lane: 'crm', as: copy!.id })
  t.equal(original.state, 'incoming', 'it is still tried')
  await it.fail(id, 'bounced')
  await it.pass(HOUR)
  await it.start()
  await it.pass(HOUR)
  t.strictSame(it.made(), [], 'nor when it bounces')
  t.equal(it.store.items.get(held)!.state, 'hold')
})

t.test(
  'what was held and released can be late, what its sender let expire not',
  async (t) => {
    const it = await world({ fallbacks: { crm: PAGER } })
    const id = await it.send({ to: 'crm', hold: true })
    await it.engine.claim({ room: () => 9, max: 9 })
    t.equal(it.store.items.get(id)!.state, 'hold')
    await it.pass(HOUR)
    await it.engine.act('release', { ids: [id] }, { by: 'ann' })
    await it.send({ to: 'crm', expiresAt: it.clock.iso(5 * MINUTE) })
    t.equal(await it.pass(9 * MINUTE), 0)
    t.equal(await it.pass(2 * MINUTE), 1)
    t.equal(it.made()[0]!.envelope.parent, id)
  },
)

t.test(
  'what cannot be read now has its copy later, and keeps no other waiting',
  async (t) => {
    const it = await world({ fallbacks: { crm: PAGER } })
    const ids = [await it.bounce(), await it.bounce(), await it.bounce()]
    it.dim.add(ids[1]!)
    await it.pass(MINUTE)
    const parents = () => it.made().map(({ envelope }) => envelope.parent)
    t.strictSame(parents().toSorted(), [ids[0], ids[2]])
    t.strictSame(
      it.said.filter((line) => line.includes('cannot be read')),
      [`fallback: ${ids[1]} cannot be read; tried again`],
    )
    await it.pass(MINUTE)
    await it.start()
    it.dim.clear()
    await it.pass(MINUTE)
    await it.pass(MINUTE)
    t.strictSame(parents(), [ids[1]])
  },
)

t.test('JSON for one receiver is a text to the service that hears of it', async (t) => {
  const json = 'application/json'
  const typeOf = async (services: Record<string, string>, draft: Draft = {}) => {
    const it = await world({ fallbacks: { crm: PAGER }, services })
    await it.send({ to: 'crm', contentType: json, ...draft }, '{"a":1}')
    await it.pass(11 * MINUTE)
    return it.made()[0]!.envelope.contentType
  }
  t.equal(await typeOf({}), json)
  t.equal(await typeOf({ pager: 'pagerduty' }), 'text/plain; charset=utf-8')
  t.equal(await typeOf({ crm: 'slack', pager: 'teams' }), 'text/plain; charset=utf-8')
  t.equal(await typeOf({ crm: 'slack', pager: 'slack' }), json, 'its own JSON')
  t.equal(await typeOf({ pager: 'msgq' }), json)
  const pdf = { contentType: 'application/pdf' }
  t.equal(await typeOf({ pager: 'slack' }, pdf), 'application/pdf')
})

t.test('what bounced while nobody wanted copies stays where it is', async (t) => {
  const it = await world({ fallbacks: { crm: PAGER } })
  const restart = async (fallbacks: Want['fallbacks']) => {
    await it.aftercare.close()
    await it.engine.close()
    it.clock.pass(MINUTE)
    Object.assign(it.want, { fallbacks })
    await it.start()
  }
  await restart({})
  await it.bounce()
  t.equal(await it.pass(MINUTE), 0)
  await restart({ crm: PAGER })
  t.equal(await it.pass(MINUTE), 0)
  await it.bounce()
  await restart({ crm: PAGER })
  t.equal(it.made().length, 1, 'and what bounces from then on is found')
})

t.test('of copies without a line in the original the last ones are known', async (t) => {
  let kept: { making?: Record<string, string> } = {}
  const book = new FallbackBook({
    remembered: async () => undefined,
    remember: async (_: string, known: unknown) => void (kept = known as typeof kept),
  } as unknown as Rounds)
  await book.open(new HandClock().now())
  for (let n = 0; n < 1_500; n++) book.doubts.set(`original ${n}`, `copy ${n}`)
  await book.keep()
  t.equal(book.doubts.size, 1_000)
  t.strictSame(kept.making, Object.fromEntries(book.doubts))
  t.ok(book.doubts.has('original 1499'))
})

t.test('what bounced goes elsewhere too, but for what was given up', async (t) => {
  const it = await world({})
  await it.bounce()
  it.clock.pass(MINUTE)
  Object.assign(it.want, { fallbacks: { crm: { to: 'pager', after: Infinity } } })
  await it.start()
  t.equal(await it.pass(MINUTE), 0, 'what bounced before stays where it is')
  const expired = await it.send()
  await it.engine.act('expire', { ids: [expired], states: ['incoming'] }, { by: 'ann' })
  const over = await it.bounce({ to: 'crm', expiresAt: it.clock.iso(SECOND) })
  it.clock.pass(2 * SECOND)
  const id = await it.bounce({ to: 'crm', level: 'critical' })
  await it.engine.close()
  await it.start()
  await it.pass(MINUTE)
  const made = it.made()
  t.strictSame(
    made.map(({ envelope: { parent, level } }) => [parent, level]),
    [[id, 'critical']],
    `not ${expired}, not ${over}`,
  )
})

/** Kills it before each call, and right after it; then it is started anew. */
async function killedAnywhere(
  t: Test,
  want: Want,
  prepare: (it: World) => Promise<void>,
  perRun: number,
) {
  for (const isDelivered of [false, true])
    for (let left = 0; left < 8; left += 0.5) {
      const it = await world(want)
      await prepare(it)
      it.left = left
      await it.pass(MINUTE)
      it.left = Infinity
      // Between the two the receiver may already have got it.
      it.made(isDelivered)
      await it.start()
      await it.pass(MINUTE)
      await it.pass(2 * HOUR)
      it.made(isDelivered)
      t.equal(it.got.size, perRun, `killed after ${left} calls, delivered: ${isDelivered}`)
      t.strictSame(it.again, [])
      for (const one of it.store.items.values())
        t.ok(
          one.trail.filter((line) => 'act' in line && line.act === 'redirected').length <=
            1,
        )
    }
}

t.test('killed anywhere, and a notice is made once', async (t) => {
  await killedAnywhere(
    t,
    { notify: ['ops', 'pager'] },
    async (it) => {
      for (let n = 0; n < 3; n++) await it.bounce()
      await it.bounce({ to: 'web' })
    },
    4,
  )
})

t.test('killed anywhere, and a copy is made once', async (t) => {
  await killedAnywhere(
    t,
    { fallbacks: { crm: { to: 'pager', after: 30 * SECOND } } },
    async (it) => {
      await it.bounce()
      await it.send()
      await it.send()
    },
    3,
  )
})

t.test('killed anywhere, and what did not come is told once', async (t) => {
  await killedAnywhere(
    t,
    { expect: [{ ...EXPECT, every: 30 * SECOND }] },
    async () => {},
    1,
  )
})

t.test('nothing is forgotten before it was told', async (t) => {
  const it = await world({ notify: ['ops'], fallbacks: { crm: PAGER } })
  await it.bounce()
  const at = it.clock.now()
  t.equal(it.aftercare.mayForget('crm', at), false)
  await it.pass(MINUTE)
  t.equal(it.aftercare.mayForget('crm', at), true)
  t.equal(it.aftercare.mayForget('web', at), true)
  const nobody = await world({})
  t.equal(nobody.aftercare.mayForget('crm', 0), true)
})
