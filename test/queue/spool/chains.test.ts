/**
 * chains - the agenda keeps a few of many, and gives out each chain in its order all the same.
 */
import { deepStrictEqual, fail, ok } from 'node:assert'

import fc from 'fast-check'
import t from 'tap'

import { LOOSE, chainOf } from '../../../src/message/chain.ts'
import { Agenda } from '../../../src/queue/spool/agenda.ts'
import { parseName } from '../../../src/queue/spool/name.ts'
import type { Waiting } from '../../../src/queue/spool/waiting.ts'
import { Yard, sealed } from './yard.ts'

const everywhere = () => Infinity
const nobody = () => []

/** The folder, which knows all, and the agenda, which does not. */
class Folder {
  readonly agenda: Agenda
  readonly files = new Map<string, Waiting>()
  readonly out = new Map<string, Waiting>()
  readonly whole: boolean
  readings = 0
  most = 0
  #numbers = 0

  constructor(most: number, whole = false) {
    this.agenda = new Agenda(most)
    this.whole = whole
  }

  /** One more message, as it comes: to the folder, and to the agenda. */
  come(chain: string | undefined, due: number, lane = 'a'): Waiting {
    const id = String(this.#numbers++).padStart(8, '0')
    const plain = { state: 'deferred', file: id, id, lane, due } as const
    const waiting = chain === undefined ? plain : { ...plain, chain }
    this.put(waiting)
    return waiting
  }

  put(waiting: Waiting): void {
    this.files.set(waiting.id, waiting)
    this.agenda.add(waiting)
    this.most = Math.max(this.most, this.agenda.size)
  }

  /** `during` happens between two names that are read. */
  read(complete = true, now = 0, during: () => void = () => {}): void {
    this.readings++
    this.agenda.beginReading()
    const all = [...this.files.values()].toSorted((a, b) => hash(a) - hash(b))
    for (const [at, one] of all.entries()) {
      if (!complete && at > all.length / 2) break
      if (!this.files.has(one.id)) continue
      this.agenda.add(one)
      this.most = Math.max(this.most, this.agenda.size)
      during()
    }
    this.agenda.endReading(complete, now)
  }

  /** Takes what may go; each in the order of its chain, and none twice. */
  take(now: number, max: number): Waiting[] {
    this.agenda.order(this.whole ? () => true : undefined, nobody)
    const taken = this.agenda.take(now, everywhere, max)
    for (const one of taken) {
      ok(one.due <= now, 'never before its time')
      ok(this.files.delete(one.id), 'never twice')
      this.out.set(one.id, one)
    }
    for (const one of taken) {
      const key = this.#keyOf(one)
      if (key === undefined) continue
      // Asked first: to assert each costs a hundred times as much.
      for (const other of this.files.values())
        if (other.id < one.id && this.#keyOf(other) === key)
          fail(`${one.id} goes out before ${other.id}`)
      for (const other of this.out.values())
        if (other !== one && this.#keyOf(other) === key) fail('two at once')
    }
    return taken
  }

  #keyOf({ chain }: Waiting): string | undefined {
    if (chain === LOOSE) return undefined
    return this.whole ? 'all' : chain
  }

  end(waiting: Waiting, due?: number): void {
    this.out.delete(waiting.id)
    if (due === undefined) this.agenda.back(waiting.id)
    else this.put({ ...waiting, due })
  }

  /** Delivers all there is, and reads whenever the agenda asks for it. */
  drain(now: number): string[] {
    const done: string[] = []
    for (let idle = 0; idle < 3;) {
      if (this.agenda.starving(now + this.readings * 60_000)) this.read(true, now)
      const some = this.take(now, 50)
      for (const one of some) {
        this.end(one)
        done.push(one.id)
      }
      idle = some.length === 0 ? idle + 1 : 0
    }
    return done
  }
}

function hash({ id }: Waiting): number {
  return (Number(id) * 2_654_435_761) % 1_000_003
}

void t.test(
  'many chains, few chains, one chain: all come out, each in order',
  async (t) => {
    for (const [chains, whole] of [
      [1_500, false],
      [20, false],
      [1, false],
      [50, true],
    ] as const) {
      const folder = new Folder(100, whole)
      if (whole) folder.take(0, 1)
      for (let n = 0; n < 1_500; n++)
        folder.come(
          (1 + (n % chains)).toString(16).padStart(8, '0'),
          hash({ id: n } as never),
        )
      folder.read()
      const done = folder.drain(Infinity)
      t.equal(new Set(done).size, 1_500, `${chains} chains`)
      t.ok(folder.most <= 405, `${folder.most} in memory at most`)
      t.ok(folder.readings < 120, `${folder.readings} readings`)
    }
  },
)

void t.test(
  'whatever comes, goes and fails, none is lost and none overtakes',
  async (t) => {
    const steps = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ come: fc.nat(5), due: fc.nat(100) }) },
        { weight: 6, arbitrary: fc.record({ take: fc.nat(100), max: fc.nat(4) }) },
        {
          weight: 4,
          arbitrary: fc.record({ end: fc.nat(5), due: fc.option(fc.nat(120)) }),
        },
        { weight: 1, arbitrary: fc.record({ read: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ gone: fc.nat(40) }) },
      ),
      { maxLength: 150 },
    )
    const property = fc.property(fc.boolean(), steps, (whole, script) => {
      const folder = new Folder(2, whole)
      const gone: string[] = []
      const come: string[] = []
      for (const step of script)
        if ('come' in step) {
          const chain = [undefined, LOOSE, '00000001', '00000002', '00000003', '00000004']
          come.push(folder.come(chain[step.come], step.due).id)
        } else if ('take' in step) folder.take(step.take, step.max)
        else if ('end' in step) {
          const one = [...folder.out.values()][step.end]
          if (one === undefined) continue
          folder.end(one, step.due ?? undefined)
          if (step.due === null) gone.push(one.id)
        } else if ('read' in step) folder.read(step.read, 0, () => folder.take(50, 1))
        else {
          const id = [...folder.files.keys()][step.gone]
          if (id === undefined) continue
          folder.files.delete(id)
          folder.agenda.forget(id)
          gone.push(id)
        }
      for (const one of folder.out.values()) folder.end(one, 0)
      folder.read()
      gone.push(...folder.drain(Infinity))
      deepStrictEqual(gone.toSorted(), come.toSorted())
    })
    t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
  },
)

void t.test('what a reading brings first is not yet the first of its chain', async (t) => {
  const folder = new Folder(2)
  const first = folder.come('00000001', 90)
  const second = folder.come('00000001', 0)
  const others = ['00000002', '00000003', '00000004'].map((chain) => folder.come(chain, 10))
  const { agenda } = folder
  t.equal(agenda.get(first.id), undefined, 'it is not kept')
  t.equal(agenda.add(second), false, 'and what is behind it is no first one')
  for (const one of folder.take(10, 9)) folder.end(one)
  agenda.beginReading()
  agenda.add(second)
  t.strictSame(agenda.take(10, everywhere, 9), [])
  t.ok(agenda.nextDue(everywhere)! <= 10, 'and who asks is told to come again')
  agenda.endReading(false)
  agenda.beginReading()
  for (const one of [second, ...others.filter(({ id }) => folder.files.has(id)), first])
    agenda.add(one)
  agenda.endReading(true)
  for (const one of folder.take(10, 9)) folder.end(one)
  t.ok(folder.files.has(second.id))
  for (const one of folder.take(90, 9)) folder.end(one)
  t.strictSame(folder.drain(90).at(-1), second.id)
})

void t.test('what is in nobody’s hands any more holds back nothing', async (t) => {
  const folder = new Folder(10)
  const first = folder.come('00000001', 0)
  const second = folder.come('00000001', 0)
  t.strictSame(folder.take(0, 5), [first])
  t.strictSame(folder.take(0, 5), [])
  folder.agenda.reconcile((id) => id === first.id)
  t.strictSame(folder.take(0, 5), [])
  folder.out.clear()
  folder.agenda.reconcile(() => false)
  t.strictSame(folder.take(0, 5), [second])
})

void t.test('those that hold back others are named, some at a time', async (t) => {
  const { agenda } = new Folder(1_000)
  for (let n = 0; n < 100; n++) {
    const chain = (n + 1).toString(16).padStart(8, '0')
    const one = (id: string, due: number): Waiting => ({
      state: 'deferred',
      file: id,
      id,
      lane: 'a',
      due,
      chain,
    })
    agenda.add(one(`${n}-1`, n < 50 ? 100 : 0))
    if (n % 2 === 0) agenda.add(one(`${n}-2`, 0))
  }
  const seen = new Set<string>()
  for (let n = 0; n < 10; n++) for (const { id } of agenda.standing(50, 10)) seen.add(id)
  t.equal(seen.size, 25)
})

void t.test('a file made by hand has its chain in its name', async (t) => {
  const yard = await Yard.open(t)
  yard.put('incoming', 'mine', '{"to":"ops","order":"ann"}\nhello')
  const [lease] = await yard.adopt()
  t.equal(lease?.chain, chainOf('ann'))
  t.equal(parseName(yard.only('active'))?.chain, chainOf('ann'))
  const due = new Date(yard.clock.now() + 60_000).toISOString()
  yard.put('incoming', 'later', `{"to":"ops","order":"ann","notBefore":"${due}"}\nhello`)
  await yard.adopt()
  t.equal(parseName(yard.only('deferred'))?.chain, LOOSE)
})

void t.test('a name may say less than its envelope, and nothing else', async (t) => {
  const yard = await Yard.open(t)
  const draft = { to: 'ops', order: 'ann' }
  const bare = sealed({ draft })
  const loose = sealed({ draft, chain: LOOSE })
  const other = sealed({ draft, chain: chainOf('bob') })
  for (const { name, bytes } of [bare, loose, other]) yard.put('incoming', name, bytes)
  const ids = (await yard.claim()).map(({ id }) => id)
  t.strictSame(ids.toSorted(), [bare.id, loose.id])
  t.match(yard.said('corrupt'), [{ id: other.id, message: /its name says ~/ }])
})

void t.test(
  'in a lane that is ordered what is scheduled is put into no order',
  async (t) => {
    const yard = await Yard.open(t)
    const ordered = () => true
    const notBefore = new Date(yard.clock.now() + 60_000).toISOString()
    const claim = () => yard.engine.claim({ room: () => 9, max: 9, ordered })
    const first = await yard.send()
    t.strictSame(
      (await claim()).map(({ id }) => id),
      [first],
    )
    await yard.send({ to: 'ops', notBefore })
    yard.clock.run(1_500)
    await claim()
    t.equal(parseName(yard.only('deferred'))?.chain, LOOSE)
  },
)
